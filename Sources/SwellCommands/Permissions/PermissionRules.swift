internal import KubernetesObjects
internal import SwellModel

/// The Kubernetes RBAC that an agent needs for the objects of an application's releases, and nothing beyond.
///
/// What is granted follows from what the agent does. It lists, watches, reads, applies on the server's side (`patch`, and
/// `create` for what is not there yet) and prunes (`delete`) the kinds of the releases; it looks at pods and replica sets to
/// name culprits, at autoscalers where workloads are brought, at storage classes where claims are, and at claims that custom resources may own; it keeps its records in ConfigMaps of its own namespace, a few by name; it makes namespaces that are not there; and it
/// tells its cluster by the uid of `kube-system`, or, where it keeps to namespaces, of its own. Discovery is open to every
/// service account by Kubernetes' own `system:discovery`.
struct PermissionRules: Sendable {
    var application: String
    /// All that the cluster goes to and from.
    var releases: [ReleaseContentsView]
    /// The names of resources that the usual rule gets wrong.
    var plurals: [GroupKind: String] = [:]
    var agentNamespace = "swell-agent"
    var serviceAccount = "swell-agent"

    private static let verbs = ["get", "list", "watch", "create", "patch", "delete"]
    private static let looks = ["get", "list", "watch"]
    private static let access = "rbac.authorization.k8s.io"

    private var name: String { "swell-agent-\(application)" }

    /// The namespaces of the application, which may have changed between releases.
    private var namespaces: Set<String> { Set(releases.map(\.namespace)) }

    /// The objects of all releases; those in namespaces name theirs.
    private var objects: [ReleaseContentsView.Item] {
        releases.flatMap { release in
            release.items.map { item in
                var placed = item
                if item.namespaced { placed.namespace = item.namespace ?? release.namespace }
                return placed
            }
        }
    }

    /// The documents, as YAML.
    ///
    /// - Throws: ``CommandError`` when the releases cannot live with rights in namespaces alone.
    func yaml(namespaced: Bool) throws -> String {
        let documents = namespaced ? try scopedDocuments() : wideDocuments()
        return documents.map { $0.yaml() }.joined(separator: "---\n")
    }

    /// The resource of a kind: as the releases' definitions or the operator say, or else by the rule that nearly all kinds
    /// follow: the lower-case kind in the plural.
    func resource(of type: GroupKind) -> String {
        if let plural = plurals[type] { return plural }
        if let plural = definitions[type]?.resource { return plural }
        let kind = type.kind.lowercased()
        if kind == "endpoints" { return kind }
        if ["s", "x", "z", "ch", "sh"].contains(where: { kind.hasSuffix($0) }) { return kind + "es" }
        if kind.hasSuffix("y"), let before = kind.dropLast().last, !"aeiou".contains(before) {
            return kind.dropLast() + "ies"
        }
        return kind + "s"
    }

    /// The custom kinds whose resource is only guessed: nobody but their cluster knows it.
    var guesses: [GroupKind] {
        let types = Set(objects.map { GroupVersionKind(apiVersion: $0.apiVersion, kind: $0.kind).groupKind })
        return types.filter { type in
            type.group.contains(".") && !type.group.hasSuffix(".k8s.io") && plurals[type] == nil
                && definitions[type] == nil
        }.sorted { ($0.group, $0.kind) < ($1.group, $1.kind) }
    }

    private var definitions: [GroupKind: ReleaseContentsView.Definition] {
        let known = objects.compactMap(\.defines).map { (GroupKind(group: $0.group, kind: $0.kind), $0) }
        return Dictionary(known) { first, _ in first }
    }

    /// One ClusterRole for the kinds: the namespaces may come with the release, so no Role can be in them before.
    private func wideDocuments() -> [JSONValue] {
        var rules = kinds(of: objects)
        for definition in definitions.values.sorted(by: { $0.resource < $1.resource }) {
            // A new kind is used once the server lists it.
            rules.append(Self.rule(definition.group, [definition.resource], ["list"]))
        }
        if objects.contains(where: { $0.apiVersion == "v1" && $0.kind == "PersistentVolumeClaim" }) {
            // Whether a claim that is not bound yet is as it should be, its class says.
            rules.append(Self.rule("storage.k8s.io", ["storageclasses"], ["list"]))
        }
        let made = namespaces.union([agentNamespace]).sorted()
        rules.append(Self.rule("", ["namespaces"], ["get"], names: (made + ["kube-system"]).sorted()))
        rules.append(Self.rule("", ["namespaces"], ["patch"], names: made))
        // What is to be created has no name yet for a rule to go by.
        rules.append(Self.rule("", ["namespaces"], ["create"]))
        return [
            role("ClusterRole", nil, rules), binding("ClusterRoleBinding", "ClusterRole", nil),
            role("Role", agentNamespace, records), binding("RoleBinding", "Role", agentNamespace),
        ]
    }

    /// A Role in each namespace. A Role may also let its own namespace be read, so nothing reaches beyond.
    private func scopedDocuments() throws -> [JSONValue] {
        var byNamespace: [String: [ReleaseContentsView.Item]] = [:]
        for namespace in namespaces { byNamespace[namespace] = [] }
        var refused: [String] = []
        for object in objects {
            let place = object.namespace ?? ""
            if !object.namespaced {
                refused.append("\(object.kind) \(object.name) lives outside of namespaces")
            } else if place.contains("${") {
                refused.append("\(object.kind) \(object.name) is in '\(place)', another namespace in each cluster")
            } else {
                byNamespace[place, default: []].append(object)
            }
        }
        guard refused.isEmpty else {
            let others = refused.count > 5 ? "\nand \(refused.count - 5) more" : ""
            throw CommandError(
                code: .refused,
                message: "rights in namespaces alone are not enough for this release; leave --namespaced out, "
                    + "or have somebody else apply:\n" + refused.prefix(5).joined(separator: "\n") + others)
        }
        var rules: [String: [JSONValue]] = byNamespace.mapValues { kinds(of: $0) }
        rules[agentNamespace, default: []] +=
            records + [Self.rule("", ["namespaces"], ["get"], names: [agentNamespace])]
        return rules.sorted { $0.key < $1.key }.flatMap { place, rules in
            [role("Role", place, rules), binding("RoleBinding", "Role", place)]
        }
    }

    /// The rules for the kinds of some objects, one an API group.
    private func kinds(of objects: [ReleaseContentsView.Item]) -> [JSONValue] {
        var groups: [String: Set<String>] = [:]
        for object in objects {
            let type = GroupVersionKind(apiVersion: object.apiVersion, kind: object.kind).groupKind
            groups[type.group, default: []].insert(resource(of: type))
        }
        var rules = groups.sorted { $0.key < $1.key }.map { Self.rule($0.key, $0.value.sorted(), Self.verbs) }
        rules.append(Self.rule("", ["pods"], Self.looks))
        rules.append(Self.rule("apps", ["replicasets"], Self.looks))
        if objects.contains(where: Self.mayBeScaled),
            groups["autoscaling"]?.contains("horizontalpodautoscalers") != true
        {
            // What an autoscaler that no release has makes of a number of pods is left to it.
            rules.append(Self.rule("autoscaling", ["horizontalpodautoscalers"], ["list"]))
        }
        if objects.contains(where: Self.mayOwnClaims) {
            // What a claim would go with is not pruned.
            rules.append(Self.rule("", ["persistentvolumeclaims"], ["list"]))
        }
        return rules + handingOut(objects)
    }

    /// Whether an autoscaler may scale an object: a workload that has replicas, or a custom resource, of which nobody knows.
    private static func mayBeScaled(_ object: ReleaseContentsView.Item) -> Bool {
        let type = GroupVersionKind(apiVersion: object.apiVersion, kind: object.kind).groupKind
        let workloads = ["Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"]
        return isCustom(type) || ["apps", ""].contains(type.group) && workloads.contains(type.kind)
    }

    /// Whether volume claims may go with an object: a custom resource whose operator makes some. A StatefulSet whose claims go with it is
    /// kept where nobody may look, which says what right is missing.
    private static func mayOwnClaims(_ object: ReleaseContentsView.Item) -> Bool {
        isCustom(GroupVersionKind(apiVersion: object.apiVersion, kind: object.kind).groupKind)
    }

    private static func isCustom(_ type: GroupKind) -> Bool {
        let isBuiltIn =
            type.group.hasSuffix(".apiserver.k8s.io") || type.group == Self.access
            || type.group.hasSuffix(".k8s.io") && type.group.split(separator: ".").count == 3
        return type.group.contains(".") && !isBuiltIn
    }

    /// Who hands out rights must hold them, or be allowed to hand out what it does not hold: `escalate` for the roles that
    /// are brought, `bind` for those that are bound, by their names.
    private func handingOut(_ objects: [ReleaseContentsView.Item]) -> [JSONValue] {
        var names: [String: [String: Set<String>]] = ["escalate": [:], "bind": [:]]
        for object in objects where object.apiVersion.hasPrefix("\(Self.access)/") {
            switch object.kind {
            case "Role": names["escalate"]?["roles", default: []].insert(object.name)
            case "ClusterRole": names["escalate"]?["clusterroles", default: []].insert(object.name)
            default: break
            }
            guard let role = object.binds else { continue }
            names["bind"]?[role.kind == "Role" ? "roles" : "clusterroles", default: []].insert(role.name)
        }
        return ["bind", "escalate"].flatMap { verb in
            (names[verb] ?? [:]).sorted { $0.key < $1.key }.map { resource, names in
                // A name that is another one in each cluster cannot limit the rule.
                let isFixed = !names.contains { $0.contains("${") }
                return Self.rule(Self.access, [resource], [verb], names: isFixed ? names.sorted() : [])
            }
        }
    }

    /// How many objects the notes on a release surely have room for in one ConfigMap.
    private static let oneConfigMap = 1_000

    /// What the agent keeps in its own namespace, by name, as its own settings lie there too. What lies there it lists; what is to be
    /// created has no name yet for a rule to go by. Notes that one ConfigMap has no room for lie in more, named by their content.
    private var records: [JSONValue] {
        let finds = Self.rule("", ["configmaps"], ["list", "create"])
        let largest = releases.map(\.items.count).max() ?? 0
        guard largest <= Self.oneConfigMap else {
            return [finds, Self.rule("", ["configmaps"], ["get", "patch", "delete"])]
        }
        let names = ["swell-inventory-\(application)", "swell-record-\(application)"]
        return [finds, Self.rule("", ["configmaps"], ["get", "patch"], names: names)]
    }

    private static func rule(
        _ group: String, _ resources: [String], _ verbs: [String], names: [String] = []
    ) -> JSONValue {
        func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        var members: [String: JSONValue] = [
            "apiGroups": [.string(group)], "resources": list(resources), "verbs": list(verbs),
        ]
        if !names.isEmpty { members["resourceNames"] = list(names) }
        return .object(members)
    }

    private func metadata(_ namespace: String?) -> JSONValue {
        var metadata: [String: JSONValue] = ["name": .string(name)]
        metadata["namespace"] = namespace.map { .string($0) }
        return .object(metadata)
    }

    private func role(_ kind: String, _ namespace: String?, _ rules: [JSONValue]) -> JSONValue {
        [
            "apiVersion": .string("\(Self.access)/v1"), "kind": .string(kind), "metadata": metadata(namespace),
            "rules": .array(rules),
        ]
    }

    private func binding(_ kind: String, _ role: String, _ namespace: String?) -> JSONValue {
        [
            "apiVersion": .string("\(Self.access)/v1"), "kind": .string(kind), "metadata": metadata(namespace),
            "roleRef": ["apiGroup": .string(Self.access), "kind": .string(role), "name": .string(name)],
            "subjects": [
                [
                    "kind": "ServiceAccount", "name": .string(serviceAccount), "namespace": .string(agentNamespace),
                ]
            ],
        ]
    }
}
