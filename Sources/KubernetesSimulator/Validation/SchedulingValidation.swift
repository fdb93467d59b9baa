internal import KubernetesObjects

// MARK: - Where a pod may run

extension Validation {
    static func tolerations(_ list: JSONValue?, field: String, into findings: inout Findings) {
        for (index, toleration) in (list?.arrayValue ?? []).enumerated() {
            let here = "\(field)[\(index)]"
            let key = toleration["key"]?.stringValue ?? ""
            if !key.isEmpty { findings.invalid("\(here).key", key, NameRules.qualifiedName(key)) }
            let comparison = toleration["operator"]?.stringValue ?? ""
            if key.isEmpty, comparison != "Exists" {
                findings.invalid(
                    "\(here).operator", .string(comparison),
                    "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
            }
            if toleration["tolerationSeconds"] != nil, toleration["effect"] != "NoExecute" {
                findings.invalid(
                    "\(here).effect", toleration["effect"] ?? "",
                    "effect must be 'NoExecute' when `tolerationSeconds` is set")
            }
            switch comparison {
            case "", "Equal":
                let value = toleration["value"]?.stringValue ?? ""
                let problems = NameRules.labelValue(value)
                if !problems.isEmpty {
                    findings.invalid("\(here).operator", .string(value), problems.joined(separator: ";"))
                }
            case "Exists":
                if (toleration["value"]?.stringValue ?? "").isEmpty == false {
                    findings.invalid(
                        "\(here).operator", toleration, "value must be empty when `operator` is 'Exists'")
                }
            default: findings.unsupported("\(here).operator", .string(comparison), ["Equal", "Exists"])
            }
            findings.oneOf(["NoExecute", "NoSchedule", "PreferNoSchedule"], "\(here).effect", toleration["effect"])
        }
    }

    static func spreading(_ list: JSONValue?, field: String, into findings: inout Findings) {
        let constraints = list?.arrayValue ?? []
        for (index, constraint) in constraints.enumerated() {
            let here = "\(field)[\(index)]"
            if constraint["maxSkew"]?.intValue ?? 0 <= 0 {
                findings.invalid("\(here).maxSkew", constraint["maxSkew"] ?? 0, "must be greater than zero")
            }
            let key = constraint["topologyKey"]?.stringValue ?? ""
            if key.isEmpty {
                findings.required("\(here).topologyKey", "can not be empty")
            } else {
                findings.invalid("\(here).topologyKey", key, NameRules.qualifiedName(key))
            }
            let action = constraint["whenUnsatisfiable"]?.stringValue ?? ""
            if !["DoNotSchedule", "ScheduleAnyway"].contains(action) {
                findings.unsupported("\(here).whenUnsatisfiable", .string(action), ["DoNotSchedule", "ScheduleAnyway"])
            }
            let isRepeated = constraints[(index + 1)...].contains {
                ($0["topologyKey"]?.stringValue ?? "") == key && ($0["whenUnsatisfiable"]?.stringValue ?? "") == action
            }
            if isRepeated {
                findings.duplicate("\(here).{topologyKey, whenUnsatisfiable}", text: "{\(key), \(action)}")
            }
            selector(constraint["labelSelector"], field: "\(here).labelSelector", into: &findings)
        }
    }

    static func affinity(_ affinity: JSONValue?, field: String, into findings: inout Findings) {
        let hard = "requiredDuringSchedulingIgnoredDuringExecution"
        let soft = "preferredDuringSchedulingIgnoredDuringExecution"
        if let required = affinity?.at("nodeAffinity", hard) {
            nodeSelector(required, field: "\(field).nodeAffinity.\(hard)", into: &findings)
        }
        for (index, weighted) in (affinity?.at("nodeAffinity", soft)?.arrayValue ?? []).enumerated() {
            let here = "\(field).nodeAffinity.\(soft)[\(index)]"
            weight(of: weighted, field: here, into: &findings)
            nodeTerm(weighted["preference"], field: "\(here).preference", checksValues: false, into: &findings)
        }
        for kind in ["podAffinity", "podAntiAffinity"] {
            let here = "\(field).\(kind)"
            for (index, term) in (affinity?.at(kind, hard)?.arrayValue ?? []).enumerated() {
                podTerm(term, field: "\(here).\(hard)[\(index)]", into: &findings)
            }
            for (index, weighted) in (affinity?.at(kind, soft)?.arrayValue ?? []).enumerated() {
                let place = "\(here).\(soft)[\(index)]"
                weight(of: weighted, field: place, into: &findings)
                podTerm(weighted["podAffinityTerm"], field: "\(place).podAffinityTerm", into: &findings)
            }
        }
    }

    private static func weight(of term: JSONValue, field: String, into findings: inout Findings) {
        if !(1...100).contains(term["weight"]?.intValue ?? 0) {
            findings.invalid("\(field).weight", term["weight"] ?? 0, "must be in the range 1-100")
        }
    }

    // MARK: Nodes

    /// What a node must be like: a pod's hard affinity, or where a volume is.
    static func nodeSelector(_ selector: JSONValue, field: String, into findings: inout Findings) {
        let terms = selector["nodeSelectorTerms"]?.arrayValue ?? []
        if terms.isEmpty {
            findings.required("\(field).nodeSelectorTerms", "must have at least one node selector term")
        }
        for (index, term) in terms.enumerated() {
            nodeTerm(term, field: "\(field).nodeSelectorTerms[\(index)]", checksValues: true, into: &findings)
        }
    }

    /// - Parameter checksValues: whether values have to be what labels can be; what is only preferred need not.
    private static func nodeTerm(
        _ term: JSONValue?, field: String, checksValues: Bool, into findings: inout Findings
    ) {
        for (index, requirement) in (term?["matchExpressions"]?.arrayValue ?? []).enumerated() {
            nodeRequirement(
                requirement, field: "\(field).matchExpressions[\(index)]", checksValues: checksValues, into: &findings)
        }
        for (index, requirement) in (term?["matchFields"]?.arrayValue ?? []).enumerated() {
            nodeFieldRequirement(requirement, field: "\(field).matchFields[\(index)]", into: &findings)
        }
    }

    private static func nodeRequirement(
        _ requirement: JSONValue, field: String, checksValues: Bool, into findings: inout Findings
    ) {
        let values = requirement["values"]?.arrayValue ?? []
        switch requirement["operator"]?.stringValue ?? "" {
        case "In", "NotIn":
            if values.isEmpty {
                findings.required("\(field).values", "must be specified when `operator` is 'In' or 'NotIn'")
            }
        case "Exists", "DoesNotExist":
            if !values.isEmpty {
                findings.forbidden(
                    "\(field).values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
            }
        case "Gt", "Lt":
            if values.count != 1 {
                findings.required(
                    "\(field).values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
            }
        case let other: findings.invalid("\(field).operator", .string(other), "not a valid selector operator")
        }
        let key = requirement["key"]?.stringValue ?? ""
        findings.invalid("\(field).key", key, NameRules.qualifiedName(key))
        guard checksValues else { return }
        for (place, value) in values.enumerated() {
            let text = value.stringValue ?? ""
            findings.invalid("\(field).values[\(place)]", text, NameRules.labelValue(text))
        }
    }

    private static func nodeFieldRequirement(_ requirement: JSONValue, field: String, into findings: inout Findings) {
        let values = requirement["values"]?.arrayValue ?? []
        switch requirement["operator"]?.stringValue ?? "" {
        case "In", "NotIn":
            if values.count != 1 {
                findings.required(
                    "\(field).values",
                    "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
            }
        case let other: findings.invalid("\(field).operator", .string(other), "not a valid selector operator")
        }
        guard requirement["key"] == "metadata.name" else {
            return findings.invalid("\(field).key", requirement["key"] ?? "", "not a valid field selector key")
        }
        for (place, value) in values.enumerated() {
            let name = value.stringValue ?? ""
            findings.invalid("\(field).values[\(place)]", name, NameRules.dnsSubdomain(name))
        }
    }

    // MARK: Other pods

    private static func podTerm(_ term: JSONValue?, field: String, into findings: inout Findings) {
        selector(term?["labelSelector"], field: "\(field).labelSelector", into: &findings)
        selector(term?["namespaceSelector"], field: "\(field).namespaceSelector", into: &findings)
        for name in (term?["namespaces"]?.arrayValue ?? []).map({ $0.stringValue ?? "" }) {
            findings.invalid("\(field).namespace", name, NameRules.dnsLabel(name))
        }
        let key = term?["topologyKey"]?.stringValue ?? ""
        if key.isEmpty { findings.required("\(field).topologyKey", "can not be empty") }
        findings.invalid("\(field).topologyKey", key, NameRules.qualifiedName(key))
    }
}
