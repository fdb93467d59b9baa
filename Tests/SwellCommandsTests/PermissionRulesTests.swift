internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

@Suite struct PermissionRulesTests {
    private typealias Item = ReleaseContentsView.Item

    private let web = Item(apiVersion: "apps/v1", kind: "Deployment", name: "web")
    private let ingress = Item(apiVersion: "networking.k8s.io/v1", kind: "Ingress", name: "web", namespace: "edge")
    private let definition = Item(
        apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", name: "feedz.example.com",
        namespaced: false,
        defines: .init(group: "example.com", kind: "Feed", resource: "feedz", namespaced: true))
    private let feed = Item(apiVersion: "example.com/v1", kind: "Feed", name: "a")

    private func documents(_ items: [Item]..., scoped: Bool = false) throws -> [JSONValue] {
        let releases = try items.map { try contents($0) }
        let rules = PermissionRules(application: "shop", releases: releases)
        return try YAMLReader.documents(in: rules.yaml(namespaced: scoped), file: "rbac").map(\.root.json)
    }

    private func contents(_ items: [Item], namespace: String = "shop") throws -> ReleaseContentsView {
        let application = Application(name: "shop", namespace: namespace)
        var view = try ReleaseContentsView(Bundle(application: application, documents: []), documents: [])
        view.items = items
        return view
    }

    /// `verbs` of a resource in a role, nil where it is not named.
    private func verbs(_ resource: String, _ group: String, in role: JSONValue?) -> [String]? {
        let rule = role?["rules"]?.arrayValue?.first { rule in
            rule["apiGroups"] == [.string(group)]
                && rule["resources"]?.arrayValue?.contains(.string(resource)) == true
        }
        return rule?["verbs"]?.arrayValue?.compactMap(\.stringValue)
    }

    @Test func grantsTheKindsOfTheReleaseAndNoOthers() throws {
        let all = try documents([web, ingress, definition, feed])
        #expect(
            all.compactMap { $0["kind"]?.stringValue } == ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"])
        let writes = ["get", "list", "watch", "create", "patch", "delete"]
        #expect(verbs("deployments", "apps", in: all.first) == writes)
        #expect(verbs("ingresses", "networking.k8s.io", in: all.first) == writes)
        #expect(verbs("feedz", "example.com", in: all.first) == writes)
        #expect(verbs("customresourcedefinitions", "apiextensions.k8s.io", in: all.first) == writes)
        #expect(verbs("pods", "", in: all.first) == ["get", "list", "watch"])
        #expect(verbs("replicasets", "apps", in: all.first) == ["get", "list", "watch"])
        let spaces = (all.first?["rules"]?.arrayValue ?? []).filter { $0["resources"] == ["namespaces"] }
        #expect(spaces.map { $0["verbs"] } == [["get"], ["patch"], ["create"]])
        #expect(
            spaces.map { $0["resourceNames"] } == [
                ["kube-system", "shop", "swell-agent"], ["shop", "swell-agent"], nil,
            ])
        #expect(verbs("secrets", "", in: all.first) == nil && verbs("*", "*", in: all.first) == nil)
        #expect(verbs("configmaps", "", in: all.first) == nil)
        #expect(all[2]["metadata"]?["namespace"] == "swell-agent")
        #expect(all[1]["roleRef"]?["name"] == all[0]["metadata"]?["name"])
        #expect(all[1]["subjects"]?[0]?["name"] == "swell-agent")
    }

    @Test(arguments: [
        ("example.com/v1", "Feed", true), ("gateway.networking.k8s.io/v1", "HTTPRoute", true),
        ("apps/v1", "StatefulSet", false), ("apps/v1", "Deployment", false), ("networking.k8s.io/v1", "Ingress", false),
        ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", false),
        ("rbac.authorization.k8s.io/v1", "Role", false),
    ])
    func claimsAreLookedAtWhereTheyMayGoAlong(apiVersion: String, kind: String, isGranted: Bool) throws {
        let role = try documents([Item(apiVersion: apiVersion, kind: kind, name: "a")]).first
        #expect(verbs("persistentvolumeclaims", "", in: role) == (isGranted ? ["list"] : nil))
    }

    @Test(
        arguments: [
            ("apps/v1", "Deployment", ["list"]), ("apps/v1", "StatefulSet", ["list"]),
            ("example.com/v1", "Feed", ["list"]),
            ("v1", "ConfigMap", nil), ("apps/v1", "DaemonSet", nil), ("networking.k8s.io/v1", "Ingress", nil),
        ] as [(String, String, [String]?)])
    func autoscalersAreLookedAtWhereTheyMayScale(apiVersion: String, kind: String, granted: [String]?) throws {
        for scoped in [false, true] {
            let item = Item(apiVersion: apiVersion, kind: kind, name: "a")
            let role = try documents([item], scoped: scoped).first {
                $0["kind"] == (scoped ? "Role" : "ClusterRole")
                    && (!scoped || $0["metadata"]?["namespace"]?.stringValue == "shop")
            }
            #expect(verbs("horizontalpodautoscalers", "autoscaling", in: role) == granted)
        }
        let scaler = Item(apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "a")
        let both = try documents([web, scaler]).first?["rules"]?.arrayValue ?? []
        #expect(both.count { $0["resources"] == ["horizontalpodautoscalers"] } == 1)
    }

    /// The agent's own settings are a ConfigMap beside its records.
    @Test(arguments: [false, true]) func recordsAreChangedByNameAlone(scoped: Bool) throws {
        let own = try #require(
            documents([web], scoped: scoped).first {
                $0["kind"] == "Role" && $0["metadata"]?["namespace"] == "swell-agent"
            })
        let rules = (own["rules"]?.arrayValue ?? []).filter { $0["resources"] == ["configmaps"] }
        #expect(rules.map { $0["verbs"] } == [["list", "create"], ["get", "patch"]])
        #expect(rules.map { $0["resourceNames"] } == [nil, ["swell-inventory-shop", "swell-record-shop"]])
    }

    /// What one ConfigMap has no room for lies in more, whose names are not known before.
    @Test func notesOfGiantReleasesLieUnderNamesOfTheirContent() throws {
        let many = (0...1_000).map { Item(apiVersion: "v1", kind: "Secret", name: "s\($0)") }
        let own = try documents(many)[2]
        #expect(own["rules"]?[1]?["verbs"] == ["get", "patch", "delete"] && own["rules"]?[1]?["resourceNames"] == nil)
    }

    @Test func keepsToNamespacesWhereTold() throws {
        let all = try documents([web, ingress], scoped: true)
        #expect(!all.contains { $0["kind"]?.stringValue?.hasPrefix("Cluster") == true })
        func role(_ namespace: String) -> JSONValue? {
            all.first { $0["kind"] == "Role" && $0["metadata"]?["namespace"]?.stringValue == namespace }
        }
        #expect(verbs("deployments", "apps", in: role("shop")) != nil)
        #expect(verbs("ingresses", "networking.k8s.io", in: role("shop")) == nil)
        #expect(verbs("ingresses", "networking.k8s.io", in: role("edge")) != nil)
        #expect(role("kube-system") == nil)
        #expect(verbs("namespaces", "", in: role("swell-agent")) == ["get"])
        #expect(verbs("configmaps", "", in: role("swell-agent")) != nil)
        let refusal = #expect(throws: CommandError.self) { try documents([web, definition], scoped: true) }
        #expect(refusal?.message.contains("CustomResourceDefinition feedz.example.com lives outside") == true)
        let templated = Item(apiVersion: "v1", kind: "Secret", name: "s", namespace: "shop-${region}")
        #expect(throws: CommandError.self) { try documents([templated], scoped: true) }
    }

    @Test func letsRightsBeHandedOutOnlyWhereTheReleaseDoesAndByName() throws {
        let group = "rbac.authorization.k8s.io"
        let role = Item(apiVersion: "\(group)/v1", kind: "Role", name: "r")
        let binding = Item(
            apiVersion: "\(group)/v1", kind: "RoleBinding", name: "b", binds: .init(kind: "ClusterRole", name: "view"))
        func rule(_ verb: String, _ items: [Item]) throws -> JSONValue? {
            try documents(items).first?["rules"]?.arrayValue?.first { $0["verbs"] == [.string(verb)] }
        }
        let escalates = try rule("escalate", [role])
        #expect(escalates?["resources"] == ["roles"] && escalates?["resourceNames"] == ["r"])
        #expect(try rule("bind", [role]) == nil)
        let binds = try rule("bind", [binding])
        #expect(binds?["resources"] == ["clusterroles"] && binds?["resourceNames"] == ["view"])
        #expect(try rule("escalate", [binding]) == nil && rule("escalate", [web]) == nil)
        let templated = Item(apiVersion: "\(group)/v1", kind: "Role", name: "r-${region}")
        #expect(try rule("escalate", [role, templated])?["resourceNames"] == nil)
    }

    @Test func coversWhatAFormerReleaseBrought() throws {
        let all = try documents([web], [ingress])
        #expect(verbs("deployments", "apps", in: all.first)?.contains("delete") == true)
        #expect(verbs("ingresses", "networking.k8s.io", in: all.first)?.contains("delete") == true)
        let moved = PermissionRules(
            application: "shop", releases: [try contents([web]), try contents([web], namespace: "shop-2")])
        #expect(try moved.yaml(namespaced: true).contains("namespace: shop-2"))
    }

    @Test func saysWhichResourcesItGuesses() throws {
        let release = try contents([web, ingress, feed])
        let rules = PermissionRules(application: "shop", releases: [release])
        #expect(rules.guesses == [GroupKind(group: "example.com", kind: "Feed")])
        let defined = PermissionRules(application: "shop", releases: [try contents([feed, definition])])
        #expect(defined.guesses.isEmpty)
        let told = PermissionRules(application: "shop", releases: [release], plurals: [rules.guesses[0]: "feedz"])
        #expect(told.guesses.isEmpty)
    }

    @Test(arguments: [
        ("Endpoints", "endpoints"), ("NetworkPolicy", "networkpolicies"), ("StorageClass", "storageclasses"),
        ("Gateway", "gateways"), ("Mesh", "meshes"), ("ConfigMap", "configmaps"),
    ])
    func guessesPlurals(kind: String, resource: String) {
        let rules = PermissionRules(application: "a", releases: [])
        #expect(rules.resource(of: GroupKind(kind: kind)) == resource)
    }

    @Test func takesPluralsFromTheOperator() throws {
        let plurals = try PermissionsCommand.plurals(["Feed.example.com=feedz", "Thing=thingies"])
        #expect(
            plurals == [GroupKind(group: "example.com", kind: "Feed"): "feedz", GroupKind(kind: "Thing"): "thingies"])
        #expect(throws: CommandError.self) { try PermissionsCommand.plurals(["Feed"]) }
    }
}
