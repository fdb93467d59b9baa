internal import KubernetesObjects

// MARK: - Roles and their bindings

extension Validation {
    static func role(_ object: JSONValue, kind: String, into findings: inout Findings) {
        for (index, rule) in (object["rules"]?.arrayValue ?? []).enumerated() {
            let here = "rules[\(index)]"
            func isEmpty(_ field: String) -> Bool { rule[field]?.arrayValue?.isEmpty != false }
            if isEmpty("verbs") { findings.required("\(here).verbs", "verbs must contain at least one value") }
            if !isEmpty("nonResourceURLs") {
                if kind == "Role" {
                    findings.invalid(
                        "\(here).nonResourceURLs", rule["nonResourceURLs"],
                        "namespaced rules cannot apply to non-resource URLs")
                }
                if !isEmpty("apiGroups") || !isEmpty("resources") || !isEmpty("resourceNames") {
                    findings.invalid(
                        "\(here).nonResourceURLs", rule["nonResourceURLs"],
                        "rules cannot apply to both regular resources and non-resource URLs")
                }
                continue
            }
            if isEmpty("apiGroups") {
                findings.required("\(here).apiGroups", "resource rules must supply at least one api group")
            }
            if isEmpty("resources") {
                findings.required("\(here).resources", "resource rules must supply at least one resource")
            }
        }
        guard let aggregation = object["aggregationRule"] else { return }
        let selectors = aggregation["clusterRoleSelectors"]?.arrayValue ?? []
        if selectors.isEmpty {
            findings.required(
                "aggregationRule.clusterRoleSelectors",
                "at least one clusterRoleSelector required if aggregationRule is non-nil")
        }
        for (index, selector) in selectors.enumerated() {
            self.selector(selector, field: "aggregationRule.clusterRoleSelectors[\(index)]", into: &findings)
            if !isReadable(selector) {
                findings.invalid("aggregationRule.clusterRoleSelectors[\(index)]", nil, "invalid label selector.")
            }
        }
    }

    static func binding(_ object: JSONValue, old: JSONValue?, kind: String, into findings: inout Findings) {
        let reference = object["roleRef"]
        let group = reference?["apiGroup"]?.stringValue ?? ""
        if group != "rbac.authorization.k8s.io" {
            findings.unsupported("roleRef.apiGroup", .string(group), ["rbac.authorization.k8s.io"])
        }
        let known = kind == "RoleBinding" ? ["Role", "ClusterRole"] : ["ClusterRole"]
        let named = reference?["kind"]?.stringValue ?? ""
        if !known.contains(named) { findings.unsupported("roleRef.kind", .string(named), known, isSorted: false) }
        let name = reference?["name"]?.stringValue ?? ""
        if name.isEmpty {
            findings.required("roleRef.name")
        } else {
            findings.invalid("roleRef.name", name, NameRules.pathSegment(name))
        }
        for (index, subject) in (object["subjects"]?.arrayValue ?? []).enumerated() {
            self.subject(
                subject, isNamespaced: kind == "RoleBinding", field: "subjects[\(index)]", into: &findings)
        }
        if let old, old["roleRef"] != object["roleRef"] {
            findings.invalid("roleRef", object["roleRef"], "cannot change roleRef")
        }
    }

    private static func subject(
        _ subject: JSONValue, isNamespaced: Bool, field: String, into findings: inout Findings
    ) {
        let name = subject["name"]?.stringValue ?? ""
        let group = subject["apiGroup"]?.stringValue ?? ""
        if name.isEmpty { findings.required("\(field).name") }
        switch subject["kind"]?.stringValue {
        case "ServiceAccount":
            if !name.isEmpty { findings.invalid("\(field).name", name, NameRules.dnsSubdomain(name)) }
            if !group.isEmpty { findings.unsupported("\(field).apiGroup", .string(group), [""]) }
            // Within a namespace, no namespace is that one.
            if !isNamespaced, (subject["namespace"]?.stringValue ?? "").isEmpty {
                findings.required("\(field).namespace")
            }
        case "User", "Group":
            if group != "rbac.authorization.k8s.io" {
                findings.unsupported("\(field).apiGroup", .string(group), ["rbac.authorization.k8s.io"])
            }
        default:
            findings.unsupported(
                "\(field).kind", subject["kind"], ["ServiceAccount", "User", "Group"], isSorted: false)
        }
    }
}
