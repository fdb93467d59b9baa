internal import KubernetesObjects
internal import SwellModel

/// The Kubernetes RBAC that an agent needs for the objects of one release, and nothing beyond.
///
/// What is granted follows from what the agent does: it reads, watches, applies on the server's side (`create`, `patch`) and
/// prunes (`delete`) the kinds of the release; it looks at pods and replica sets to name culprits; it keeps its inventory in
/// ConfigMaps of its own namespace; and it tells its cluster by the uid of `kube-system`. Discovery is open to every service
/// account by Kubernetes' own `system:discovery`.
struct PermissionRules: Sendable {
    var application: String
    /// The namespace of objects that name none.
    var namespace: String
    var objects: [ReleaseContentsView.Item]
    /// The names of resources that the usual rule gets wrong.
    var plurals: [GroupKind: String] = [:]
    var agentNamespace = "swell-system"
    var serviceAccount = "swell-agent"

    private static let verbs = ["get", "list", "watch", "create", "patch", "delete"]
    private static let looks = ["get", "list", "watch"]
    private static let access = "rbac.authorization.k8s.io"

    private var name: String { "swell-agent-\(application)" }

    /// The documents, as YAML.
    ///
    /// - Throws: ``CommandError`` when the release cannot live with rights in namespaces alone.
    func yaml(namespaceScoped: Bool) throws -> String {
        let documents = namespaceScoped ? try scopedDocuments() : wideDocuments()
        return documents.map { $0.yaml() }.joined(separator: "---\n")
    }

    /// The resource of a kind: as the release's definitions or the operator say, or else by the rule that nearly all kinds
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
        rules.append(Self.rule("", ["namespaces"], ["get", "create", "patch"]))
        return [
            role("ClusterRole", nil, rules), binding("ClusterRoleBinding", "ClusterRole", nil),
            role("Role", agentNamespace, [Self.records]), binding("RoleBinding", "Role", agentNamespace),
        ]
    }

    /// A Role in each namespace. A Role may also let its own namespace be read, so nothing reaches beyond.
    private func scopedDocuments() throws -> [JSONValue] {
        var byNamespace: [String: [ReleaseContentsView.Item]] = [namespace: []]
        var refused: [String] = []
        for object in objects {
            let place = object.namespace ?? namespace
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
                message: "rights in namespaces alone are not enough for this release; leave --namespace-scoped out, "
                    + "or have somebody else apply:\n" + refused.prefix(5).joined(separator: "\n") + others)
        }
        let sees: JSONValue = [
            "apiGroups": [""], "resources": ["namespaces"], "resourceNames": [.string(agentNamespace)],
            "verbs": ["get"],
        ]
        let knows: JSONValue = [
            "apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"],
        ]
        var rules: [String: [JSONValue]] = byNamespace.mapValues { kinds(of: $0) }
        rules[agentNamespace, default: []] += [Self.records, sees]
        rules["kube-system", default: []] += [knows]
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
        // Who hands out rights must hold them, or be allowed to hand out what it does not hold.
        let granting = groups[Self.access] ?? []
        var verbs: [String] = []
        if granting.contains("rolebindings") || granting.contains("clusterrolebindings") { verbs.append("bind") }
        if granting.contains("roles") || granting.contains("clusterroles") { verbs.append("escalate") }
        if !verbs.isEmpty { rules.append(Self.rule(Self.access, ["clusterroles", "roles"], verbs)) }
        return rules
    }

    /// What the agent keeps in its own namespace.
    private static let records = rule("", ["configmaps"], ["get", "list", "create", "patch"])

    private static func rule(_ group: String, _ resources: [String], _ verbs: [String]) -> JSONValue {
        [
            "apiGroups": [.string(group)], "resources": .array(resources.map { .string($0) }),
            "verbs": .array(verbs.map { .string($0) }),
        ]
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
