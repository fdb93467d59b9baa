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
            guard let rules = spec?.at("behavior", direction) else { continue }
            scaling(rules, field: here, into: &findings)
        }
    }

    private static func scaling(_ rules: JSONValue, field: String, into findings: inout Findings) {
        if let policy = rules["selectPolicy"], !["Disabled", "Max", "Min"].contains(policy.stringValue) {
            findings.unsupported("\(field).selectPolicy", policy, ["Disabled", "Max", "Min"])
        }
        let policies = rules["policies"]?.arrayValue ?? []
        if policies.isEmpty { findings.required("\(field).policies", "must specify at least one Policy") }
        for (index, policy) in policies.enumerated() {
            let here = "\(field).policies[\(index)]"
            let type = policy["type"]?.stringValue ?? ""
            if !["Percent", "Pods"].contains(type) {
                findings.unsupported("\(here).type", .string(type), ["Percent", "Pods"])
            }
            for name in ["value", "periodSeconds"] where policy[name]?.intValue ?? 0 <= 0 {
                findings.invalid("\(here).\(name)", policy[name] ?? 0, "must be greater than zero")
            }
            if policy["periodSeconds"]?.intValue ?? 0 > 1_800 {
                findings.invalid(
                    "\(here).periodSeconds", policy["periodSeconds"], "must be less than or equal to 1800")
            }
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
        let here = "\(field).\(name)"
        switch type {
        case "Resource", "ContainerResource":
            if (source["name"]?.stringValue ?? "").isEmpty {
                findings.required("\(here).name", "must specify a resource name")
            }
        case "Object":
            for part in ["kind", "name"] where (source.at("describedObject", part)?.stringValue ?? "").isEmpty {
                findings.required("\(here).describedObject.\(part)")
            }
            fallthrough
        default:
            if (source.at("metric", "name")?.stringValue ?? "").isEmpty {
                findings.required("\(here).metric.name", "must specify a metric name")
            }
            selector(source.at("metric", "selector"), field: "\(here).metric.selector", into: &findings)
        }
        metricTarget(source["target"], of: type, field: "\(here).target", into: &findings)
    }

    private static func metricTarget(
        _ target: JSONValue?, of metric: String, field: String, into findings: inout Findings
    ) {
        let type = target?["type"]?.stringValue ?? ""
        if type.isEmpty { findings.required("\(field).type", "must specify a metric target type") }
        if !["AverageValue", "Utilization", "Value"].contains(type) {
            findings.invalid("\(field).type", .string(type), "must be either Utilization, Value, or AverageValue")
        }
        for name in ["value", "averageValue"] {
            if let amount = target?[name].flatMap(Quantity.amount), amount <= 0 {
                findings.invalid("\(field).\(name)", target?[name], "must be positive")
            }
        }
        let has = { (name: String) in target?[name] != nil }
        switch metric {
        case "Resource", "ContainerResource":
            if !has("averageUtilization"), !has("averageValue") {
                findings.required(
                    "\(field).averageUtilization", "must set either a target raw value or a target utilization")
            }
        case "Pods":
            if !has("averageValue") {
                findings.required("\(field).averageValue", "must specify a positive target averageValue")
            }
        case "Object":
            if !has("value"), !has("averageValue") {
                findings.required("\(field).averageValue", "must set either a target value or averageValue")
            }
        default:
            if !has("value"), !has("averageValue") {
                findings.required(
                    "\(field).averageValue", "must set either a target value for metric or a per-pod target")
            }
        }
        if let number = target?["averageUtilization"]?.intValue, number < 1 {
            findings.invalid(
                "\(field).averageUtilization", target?["averageUtilization"], "must be greater than 0")
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
            ["Never", "PreemptLowerPriority"], "preemptionPolicy", object["preemptionPolicy"], isRequired: true)
        guard let old else { return }
        if old["value"] != object["value"] { findings.forbidden("value", "may not be changed in an update.") }
        immutable("preemptionPolicy", object["preemptionPolicy"], old["preemptionPolicy"], into: &findings)
    }

    static func limitRange(_ object: JSONValue, into findings: inout Findings) {
        var seen: Set<String> = []
        for (index, limit) in (object.at("spec", "limits")?.arrayValue ?? []).enumerated() {
            let here = "spec.limits[\(index)]"
            let type = limit["type"]?.stringValue ?? ""
            findings.invalid("\(here).type", type, NameRules.qualifiedName(type))
            if !seen.insert(type).inserted { findings.duplicate("\(here).type", .string(type)) }
            if type == "PersistentVolumeClaim", limit.at("min", "storage") == nil, limit.at("max", "storage") == nil {
                findings.required(
                    "\(here).limits", "either minimum or maximum storage value is required, but neither was provided")
            }
            if type == "Pod" {
                for field in ["default", "defaultRequest"] where limit[field]?.objectValue?.isEmpty == false {
                    findings.forbidden("\(here).\(field)", "may not be specified when `type` is 'Pod'")
                }
            }
            let names = ["min", "max", "default", "defaultRequest", "maxLimitRequestRatio"].flatMap {
                (limit[$0]?.objectValue ?? [:]).keys
            }
            for name in Set(names).sorted() { order(of: name, in: limit, field: here, into: &findings) }
        }
    }

    /// From the least to the most, whatever of it is said: least, requested by default, allowed by default, most.
    private static func order(
        of resource: String, in limit: JSONValue, field: String, into findings: inout Findings
    ) {
        func check(_ low: String, _ lowWord: String, _ high: String, _ highWord: String, blaming part: String) {
            guard let less = limit.at(low, resource), let more = limit.at(high, resource),
                let least = Quantity.amount(less), let most = Quantity.amount(more), least > most
            else { return }
            findings.invalid(
                "\(field).\(part)[\(resource)]", limit.at(part, resource),
                "\(lowWord) value \(less.stringValue ?? "") is greater than \(highWord) value \(more.stringValue ?? "")"
            )
        }
        check("min", "min", "max", "max", blaming: "min")
        check("min", "min", "defaultRequest", "default request", blaming: "defaultRequest")
        check("defaultRequest", "default request", "max", "max", blaming: "defaultRequest")
        check("defaultRequest", "default request", "default", "default limit", blaming: "defaultRequest")
        check("min", "min", "default", "default", blaming: "default")
        check("default", "default", "max", "max", blaming: "default")
        guard let ratio = limit.at("maxLimitRequestRatio", resource), let amount = Quantity.amount(ratio) else {
            return
        }
        if amount < 1 {
            findings.invalid(
                "\(field).maxLimitRequestRatio[\(resource)]", ratio,
                "ratio \(ratio.stringValue ?? "") is less than 1")
        }
    }

    static func resourceQuota(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        for (name, value) in (object.at("spec", "hard")?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            let here = "spec.hard[\(name)]"
            let problems = NameRules.qualifiedName(name)
            findings.invalid(here, name, problems)
            if problems.isEmpty, !name.contains("/"), !quotaResources.contains(name),
                !["requests.hugepages-", "hugepages-"].contains(where: name.hasPrefix)
            {
                findings.invalid(here, .string(name), "must be a standard resource type or fully qualified")
                findings.invalid(here, .string(name), "must be a standard resource for quota")
            }
            if let amount = Quantity.amount(value), amount < 0 {
                findings.invalid(here, value, "must be greater than or equal to 0")
            }
        }
        scopes(object["spec"], into: &findings)
        if let old { immutable("spec.scopes", object.at("spec", "scopes"), old.at("spec", "scopes"), into: &findings) }
    }

    /// What a quota can count beside objects of any kind, `count/deployments.apps`.
    private static let quotaResources: Set = [
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods", "services",
        "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims",
        "services.nodeports", "services.loadbalancers", "storage",
    ]
    private static let quotaScopes: Set = [
        "BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating",
        "VolumeAttributesClass",
    ]

    private static func scopes(_ spec: JSONValue?, into findings: inout Findings) {
        let list = (spec?["scopes"]?.arrayValue ?? []).map { $0.stringValue ?? "" }
        for scope in list where !quotaScopes.contains(scope) {
            findings.invalid("spec.scopes", spec?["scopes"], "unsupported scope")
        }
        for pair in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]]
        where pair.allSatisfy(list.contains) {
            findings.invalid("spec.scopes", spec?["scopes"], "conflicting scopes")
        }
        let here = "spec.scopeSelector.matchExpressions"
        for requirement in spec?.at("scopeSelector", "matchExpressions")?.arrayValue ?? [] {
            let scope = requirement["scopeName"] ?? ""
            let comparison = requirement["operator"] ?? ""
            let values = requirement["values"]?.arrayValue ?? []
            if !quotaScopes.contains(scope.stringValue ?? "") {
                findings.invalid("\(here).scopeName", scope, "unsupported scope")
            }
            if ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"].contains(
                scope.stringValue), comparison != "Exists"
            {
                findings.invalid(
                    "\(here).operator", comparison,
                    "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
                )
            }
            switch comparison {
            case "In", "NotIn":
                if values.isEmpty {
                    findings.required(
                        "\(here).values",
                        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")
                }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    findings.invalid(
                        "\(here).values", .array(values),
                        "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")
                }
            default: findings.invalid("\(here).operator", comparison, "not a valid selector operator")
            }
        }
    }
}
