internal import KubernetesObjects

// MARK: - Autoscalers

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
        scaled(spec?["scaleTargetRef"], field: "spec.scaleTargetRef", into: &findings)
        let metrics = spec?["metrics"]?.arrayValue ?? []
        for (index, metric) in metrics.enumerated() {
            self.metric(metric, field: "spec.metrics[\(index)]", into: &findings)
        }
        if least == 0, !metrics.contains(where: { $0["type"] == "Object" || $0["type"] == "External" }) {
            findings.forbidden(
                "spec.metrics",
                "must specify at least one Object or External metric to support scaling to zero replicas")
        }
        for direction in ["scaleUp", "scaleDown"] {
            guard let rules = spec?.at("behavior", direction) else { continue }
            scaling(rules, field: "spec.behavior.\(direction)", into: &findings)
        }
    }

    /// A reference to what is scaled or measured.
    private static func scaled(_ reference: JSONValue?, field: String, into findings: inout Findings) {
        for part in ["kind", "name"] { findings.name("\(field).\(part)", reference?[part], NameRules.pathSegment) }
    }

    private static func metric(_ metric: JSONValue, field: String, into findings: inout Findings) {
        let type = metric["type"]?.stringValue ?? ""
        let known = ["ContainerResource", "External", "Object", "Pods", "Resource"]
        func source(_ type: String) -> String { type.prefix(1).lowercased() + type.dropFirst() }
        if type.isEmpty { findings.required("\(field).type", "must specify a metric source type") }
        if !known.contains(type) { findings.unsupported("\(field).type", .string(type), known) }
        // The server looks at the first source that it finds, in this order.
        let given = ["Object", "External", "Pods", "Resource", "ContainerResource"].filter { metric[source($0)] != nil }
        if let first = given.first, let value = metric[source(first)] {
            self.source(value, type: first, field: "\(field).\(source(first))", into: &findings)
        }
        if known.contains(type), metric[source(type)] == nil {
            findings.required(
                "\(field).\(source(type))", "must populate information for the given metric source")
        }
        guard given.count != 1 else { return }
        for other in given where other != type {
            findings.forbidden("\(field).\(source(other))", "must populate the given metric source only")
        }
    }

    private static func source(_ source: JSONValue, type: String, field: String, into findings: inout Findings) {
        let target = source["target"]
        let here = "\(field).target"
        switch type {
        case "Resource", "ContainerResource":
            if (source["name"]?.stringValue ?? "").isEmpty {
                findings.required("\(field).name", "must specify a resource name")
            }
            if type == "ContainerResource", (source["container"]?.stringValue ?? "").isEmpty {
                findings.required("\(field).container", "must specify a container")
            }
        default:
            if type == "Object" {
                scaled(source["describedObject"], field: "\(field).describedObject", into: &findings)
            }
            findings.name(
                "\(field).metric.name", source.at("metric", "name"), why: "must specify a metric name",
                NameRules.pathSegment)
        }
        self.target(target, field: here, into: &findings)
        let (value, average, share) = (target?["value"], target?["averageValue"], target?["averageUtilization"])
        switch type {
        case "Pods":
            if average == nil {
                findings.required("\(here).averageValue", "must specify a positive target averageValue")
            }
        case "Resource", "ContainerResource":
            if share == nil, average == nil {
                findings.required(
                    "\(here).averageUtilization", "must set either a target raw value or a target utilization")
            } else if share != nil, average != nil {
                findings.forbidden(
                    "\(here).averageValue", "may not set both a target raw value and a target utilization")
            }
        default:
            if value == nil, average == nil {
                findings.required(
                    "\(here).averageValue",
                    type == "Object"
                        ? "must set either a target value or averageValue"
                        : "must set either a target value for metric or a per-pod target")
            } else if type == "External", value != nil, average != nil {
                findings.forbidden(
                    "\(here).value", "may not set both a target value for metric and a per-pod target")
            }
        }
    }

    private static func target(_ target: JSONValue?, field: String, into findings: inout Findings) {
        let type = target?["type"]?.stringValue ?? ""
        if type.isEmpty { findings.required("\(field).type", "must specify a metric target type") }
        if !["AverageValue", "Utilization", "Value"].contains(type) {
            findings.invalid("\(field).type", .string(type), "must be either Utilization, Value, or AverageValue")
        }
        for name in ["value", "averageValue"] {
            guard let value = target?[name], let amount = Quantity.amount(value), amount <= 0 else { continue }
            findings.invalid("\(field).\(name)", value, "must be positive")
        }
        if let share = target?["averageUtilization"], share.intValue ?? 0 < 1 {
            findings.invalid("\(field).averageUtilization", share, "must be greater than 0")
        }
    }

    private static func scaling(_ rules: JSONValue, field: String, into findings: inout Findings) {
        if let window = rules["stabilizationWindowSeconds"], !(0...3600).contains(window.intValue ?? 0) {
            findings.invalid(
                "\(field).stabilizationWindowSeconds", window,
                window.intValue ?? 0 < 0
                    ? "must be greater than or equal to zero" : "must be less than or equal to 3600")
        }
        findings.oneOfGiven(["Disabled", "Max", "Min"], "\(field).selectPolicy", rules["selectPolicy"])
        let policies = rules["policies"]?.arrayValue ?? []
        if policies.isEmpty { findings.required("\(field).policies", "must specify at least one Policy") }
        for (index, policy) in policies.enumerated() {
            let here = "\(field).policies[\(index)]"
            findings.oneOfGiven(["Percent", "Pods"], "\(here).type", policy["type"] ?? "")
            for name in ["value", "periodSeconds"] where policy[name]?.intValue ?? 0 <= 0 {
                findings.invalid("\(here).\(name)", policy[name] ?? 0, "must be greater than zero")
            }
            if policy["periodSeconds"]?.intValue ?? 0 > 1800 {
                findings.invalid(
                    "\(here).periodSeconds", policy["periodSeconds"], "must be less than or equal to 1800")
            }
        }
        findings.notNegativeQuantity("\(field).tolerance", rules["tolerance"])
    }
}
