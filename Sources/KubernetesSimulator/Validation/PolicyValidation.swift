internal import KubernetesObjects

// MARK: - Disruption budgets and priorities

extension Validation {
    static func disruptionBudget(_ object: JSONValue, into findings: inout Findings) {
        let spec = object["spec"]
        if spec?["minAvailable"] != nil, spec?["maxUnavailable"] != nil {
            findings.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
        }
        for field in ["minAvailable", "maxUnavailable"] {
            findings.countOrPercentage("spec.\(field)", spec?[field])
            findings.notAboveAll("spec.\(field)", spec?[field])
        }
        selector(spec?["selector"], field: "spec.selector", into: &findings)
        findings.oneOf(
            ["AlwaysAllow", "IfHealthyBudget"], "spec.unhealthyPodEvictionPolicy", spec?["unhealthyPodEvictionPolicy"])
    }

    static func priorityClass(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let isSystem = object.name.hasPrefix("system-")
        if isSystem, object.name != "system-cluster-critical", object.name != "system-node-critical" {
            findings.forbidden(
                "metadata.name",
                "priority class names with 'system-' prefix are reserved for system use only. error: \(object.name) is not a known system priority class"
            )
        }
        if let value = object["value"]?.intValue, value > 1_000_000_000, !isSystem {
            findings.forbidden(
                "value", "maximum allowed value of a user defined priority is 1000000000")
        }
        if object["preemptionPolicy"] == "" {
            findings.required("preemptionPolicy")
        } else {
            let known = ["PreemptLowerPriority", "Never"]
            if let policy = object["preemptionPolicy"], !known.contains(policy.stringValue ?? "") {
                findings.unsupported("preemptionPolicy", policy, known, isSorted: false)
            }
        }
        guard let old else { return }
        if old["value"] != object["value"] { findings.forbidden("value", "may not be changed in an update.") }
        immutable("preemptionPolicy", object["preemptionPolicy"], old["preemptionPolicy"], into: &findings)
    }
}
