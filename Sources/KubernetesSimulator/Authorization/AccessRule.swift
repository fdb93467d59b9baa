internal import KubernetesObjects

/// One rule of a Role or ClusterRole.
struct AccessRule: Sendable, Hashable {
    var groups: [String]
    var resources: [String]
    var verbs: [String]
    /// Empty for objects of every name.
    var names: [String]

    init(groups: [String], resources: [String], verbs: [String], names: [String] = []) {
        self.groups = groups
        self.resources = resources
        self.verbs = verbs
        self.names = names
    }

    init(_ json: JSONValue) {
        func texts(_ field: String) -> [String] { json[field]?.arrayValue?.compactMap(\.stringValue) ?? [] }
        self.init(
            groups: texts("apiGroups"), resources: texts("resources"), verbs: texts("verbs"),
            names: texts("resourceNames"))
    }

    func allows(_ access: Access) -> Bool {
        func holds(_ list: [String], _ value: String) -> Bool { list.contains(value) || list.contains("*") }
        let isResource =
            holds(resources, access.qualifiedResource)
            || (!access.subresource.isEmpty && resources.contains("*/\(access.subresource)"))
        return holds(verbs, access.verb) && holds(groups, access.group) && isResource
            && (names.isEmpty || (!access.name.isEmpty && names.contains(access.name)))
    }

    /// The rule taken apart, so that each part names one group, resource, verb and name at most.
    var parts: [AccessRule] {
        var parts: [AccessRule] = []
        for group in groups {
            for resource in resources {
                for verb in verbs {
                    for name in names.isEmpty ? [nil] : names.map(Optional.some) {
                        parts.append(
                            AccessRule(
                                groups: [group], resources: [resource], verbs: [verb], names: name.map { [$0] } ?? []))
                    }
                }
            }
        }
        return parts
    }

    /// Whether this rule grants all that another one, taken apart, does.
    func covers(_ part: AccessRule) -> Bool {
        func holds(_ list: [String], _ wanted: [String]) -> Bool {
            list.contains("*") || wanted.allSatisfy(list.contains)
        }
        let isResource =
            holds(resources, part.resources)
            || part.resources.allSatisfy { resource in
                resource.split(separator: "/").dropFirst().first.map { resources.contains("*/\($0)") } ?? false
            }
        return holds(groups, part.groups) && isResource && holds(verbs, part.verbs)
            && (names.isEmpty || (!part.names.isEmpty && part.names.allSatisfy(names.contains)))
    }

    /// As the API server prints it.
    var text: String {
        func list(_ values: [String]) -> String { "[" + values.map { "\"\($0)\"" }.joined(separator: " ") + "]" }
        var text = "{APIGroups:\(list(groups)), Resources:\(list(resources))"
        if !names.isEmpty { text += ", ResourceNames:\(list(names))" }
        return text + ", Verbs:\(list(verbs))}"
    }
}

// MARK: - The rules in force, from the roles and bindings that are stored

extension ClusterState {
    static let accessGroup = "rbac.authorization.k8s.io"

    /// What a caller may do in a namespace, or (with an empty one) in the whole cluster.
    func rules(for caller: Caller, in namespace: String) -> [AccessRule] {
        var rules = Self.everybodysRules(caller)
        for binding in store.all("clusterrolebindings.\(Self.accessGroup)").map(\.value)
        where Self.isBound(caller, by: binding, in: nil) {
            rules += self.rules(ofRole: binding["roleRef"], in: "") ?? []
        }
        if namespace.isEmpty { return rules }
        for binding in store.all("rolebindings.\(Self.accessGroup)", namespace: namespace).map(\.value)
        where Self.isBound(caller, by: binding, in: namespace) {
            rules += self.rules(ofRole: binding["roleRef"], in: namespace) ?? []
        }
        return rules
    }

    /// The rules of the role that a binding refers to; nil when there is none such.
    func rules(ofRole reference: JSONValue?, in namespace: String) -> [AccessRule]? {
        let name = reference?["name"]?.stringValue ?? ""
        let role =
            reference?["kind"]?.stringValue == "Role"
            ? store.get("roles.\(Self.accessGroup)", ObjectKey(namespace: namespace, name: name))
            : store.get("clusterroles.\(Self.accessGroup)", ObjectKey(namespace: "", name: name))
        return role.map { Self.rules(in: $0.value) }
    }

    /// The rules that a role has written in it.
    static func rules(in role: JSONValue) -> [AccessRule] { (role["rules"]?.arrayValue ?? []).map { AccessRule($0) } }

    private static func isBound(_ caller: Caller, by binding: JSONValue, in namespace: String?) -> Bool {
        binding["subjects"]?.arrayValue?.contains { caller.isMeant(by: $0, bindingNamespace: namespace) } ?? false
    }

    /// What `system:basic-user` grants: to ask about oneself.
    private static func everybodysRules(_ caller: Caller) -> [AccessRule] {
        guard caller != .anonymous else { return [] }
        return [
            AccessRule(
                groups: ["authorization.k8s.io"], resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
                verbs: ["create"]),
            AccessRule(groups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"]),
        ]
    }
}
