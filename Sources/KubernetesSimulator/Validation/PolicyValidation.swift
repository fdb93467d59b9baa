internal import KubernetesObjects

// MARK: - Autoscalers, disruption budgets, priorities, ranges and quotas

extension Validation {
    static func autoscaler(_ object: JSONValue, into findings: inout Findings) {
        let spec = object["spec"]
        let least = spec?["minReplicas"]
        if let number = least?.intValue, number < 1 {
            findings.invalid("spec.minReplicas", least, "must be greater than or equal to 1")
        }
        let most = spec?["maxReplicas"] ?? 0
        if most.intValue ?? 0 < 1 { findings.invalid("spec.maxReplicas", most, "must be greater than 0") }
        if let number = least?.intValue, most.intValue ?? 0 < number {
            findings.invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
        }
        for field in ["kind", "name"] {
            let text = spec?.at("scaleTargetRef", field)?.stringValue ?? ""
            if text.isEmpty {
                findings.required("spec.scaleTargetRef.\(field)")
            } else {
                findings.invalid("spec.scaleTargetRef.\(field)", text, NameRules.pathSegment(text))
            }
        }
        for (index, metric) in (spec?["metrics"]?.arrayValue ?? []).enumerated() {
            self.metric(metric, field: "spec.metrics[\(index)]", into: &findings)
        }
        for direction in ["scaleUp", "scaleDown"] {
            let here = "spec.behavior.\(direction)"
            if let window = spec?.at("behavior", direction, "stabilizationWindowSeconds"),
                !(0...3600).contains(window.intValue ?? 0)
            {
                findings.invalid(
                    "\(here).stabilizationWindowSeconds", window,
                    window.intValue ?? 0 < 0
                        ? "must be greater than or equal to zero" : "must be less than or equal to 3600")
            }
            findings.oneOf(
                ["Disabled", "Max", "Min"], "\(here).selectPolicy", spec?.at("behavior", direction, "selectPolicy"))
        }
    }

    private static func metric(_ metric: JSONValue, field: String, into findings: inout Findings) {
        let type = metric["type"]?.stringValue ?? ""
        let known = ["ContainerResource", "External", "Object", "Pods", "Resource"]
        if type.isEmpty { return findings.required("\(field).type", "must specify a metric source type") }
        guard known.contains(type) else { return findings.unsupported("\(field).type", .string(type), known) }
        let name = type.prefix(1).lowercased() + type.dropFirst()
        guard let source = metric[name] else {
            return findings.required("\(field).\(name)", "must populate information for the given metric source")
        }
        if type == "Resource" || type == "ContainerResource", (source["name"]?.stringValue ?? "").isEmpty {
            findings.required("\(field).\(name).name", "must specify a resource name")
        }
        let target = source["target"]
        if (target?["type"]?.stringValue ?? "").isEmpty {
            findings.required("\(field).\(name).target.type", "must specify a metric target type")
        } else {
            findings.oneOf(["AverageValue", "Utilization", "Value"], "\(field).\(name).target.type", target?["type"])
        }
        if let number = target?["averageUtilization"]?.intValue, number < 1 {
            findings.invalid(
                "\(field).\(name).target.averageUtilization", target?["averageUtilization"], "must be greater than 0")
        }
    }

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
        findings.oneOf(
            ["Never", "PreemptLowerPriority"], "preemptionPolicy", object["preemptionPolicy"])
        guard let old else { return }
        if old["value"] != object["value"] { findings.forbidden("value", "may not be changed in an update.") }
        immutable("preemptionPolicy", object["preemptionPolicy"], old["preemptionPolicy"], into: &findings)
    }

    static func limitRange(_ object: JSONValue, into findings: inout Findings) {
        var seen: Set<String> = []
        for (index, limit) in (object.at("spec", "limits")?.arrayValue ?? []).enumerated() {
            let here = "spec.limits[\(index)]"
            let type = limit["type"]?.stringValue ?? ""
            if !seen.insert(type).inserted { findings.duplicate("\(here).type", .string(type)) }
            if type == "Pod" {
                for field in ["default", "defaultRequest"] where limit[field]?.objectValue?.isEmpty == false {
                    findings.forbidden("\(here).\(field)", "may not be specified when `type` is 'Pod'")
                }
            }
            for (name, value) in (limit["min"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                guard let most = limit.at("max", name), let low = Quantity.amount(value),
                    let high = Quantity.amount(most), low > high
                else { continue }
                findings.invalid(
                    "\(here).min[\(name)]", value,
                    "min value \(value.stringValue ?? "") is greater than max value \(most.stringValue ?? "")")
            }
        }
    }

    static func resourceQuota(_ object: JSONValue, into findings: inout Findings) {
        for (name, value) in (object.at("spec", "hard")?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            let here = "spec.hard[\(name)]"
            findings.invalid(here, name, NameRules.qualifiedName(name))
            if let amount = Quantity.amount(value), amount < 0 {
                findings.invalid(here, value, "must be greater than or equal to 0")
            }
        }
    }
}
