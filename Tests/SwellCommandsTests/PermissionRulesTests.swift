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

    private func documents(_ items: [Item], scoped: Bool = false) throws -> [JSONValue] {
        let rules = PermissionRules(application: "shop", namespace: "shop", objects: items)
        return try YAMLReader.documents(in: rules.yaml(namespaceScoped: scoped), file: "rbac").map(\.root.json)
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
        #expect(verbs("namespaces", "", in: all.first) == ["get", "create", "patch"])
        #expect(verbs("secrets", "", in: all.first) == nil && verbs("*", "*", in: all.first) == nil)
        #expect(verbs("configmaps", "", in: all.first) == nil)
        #expect(all[2]["metadata"]?["namespace"] == "swell-system")
        #expect(verbs("configmaps", "", in: all[2]) == ["get", "list", "create", "patch"])
        #expect(all[1]["roleRef"]?["name"] == all[0]["metadata"]?["name"])
        #expect(all[1]["subjects"]?[0]?["name"] == "swell-agent")
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
        #expect(verbs("namespaces", "", in: role("kube-system")) == ["get"])
        #expect(verbs("configmaps", "", in: role("swell-system")) != nil)
        let refusal = #expect(throws: CommandError.self) { try documents([web, definition], scoped: true) }
        #expect(refusal?.message.contains("CustomResourceDefinition feedz.example.com lives outside") == true)
        let templated = Item(apiVersion: "v1", kind: "Secret", name: "s", namespace: "shop-${region}")
        #expect(throws: CommandError.self) { try documents([templated], scoped: true) }
    }

    @Test func letsRightsBeHandedOutOnlyWhereTheReleaseDoes() throws {
        let role = Item(apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", name: "r")
        let binding = Item(apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", name: "r")
        func granted(_ items: [Item]) throws -> [String] {
            try documents(items).first?["rules"]?.arrayValue?
                .flatMap { $0["verbs"]?.arrayValue?.compactMap(\.stringValue) ?? [] } ?? []
        }
        #expect(try granted([role]).contains("escalate") && !granted([role]).contains("bind"))
        #expect(try granted([binding]).contains("bind") && !granted([binding]).contains("escalate"))
        #expect(try !granted([web]).contains("escalate"))
    }

    @Test(arguments: [
        ("Endpoints", "endpoints"), ("NetworkPolicy", "networkpolicies"), ("StorageClass", "storageclasses"),
        ("Gateway", "gateways"), ("Mesh", "meshes"), ("ConfigMap", "configmaps"),
    ])
    func guessesPlurals(kind: String, resource: String) {
        let rules = PermissionRules(application: "a", namespace: "a", objects: [])
        #expect(rules.resource(of: GroupKind(kind: kind)) == resource)
    }

    @Test func takesPluralsFromTheOperator() throws {
        let plurals = try PermissionsCommand.plurals(["Feed.example.com=feedz", "Thing=thingies"])
        #expect(
            plurals == [GroupKind(group: "example.com", kind: "Feed"): "feedz", GroupKind(kind: "Thing"): "thingies"])
        #expect(throws: CommandError.self) { try PermissionsCommand.plurals(["Feed"]) }
    }
}
