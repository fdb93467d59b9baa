internal import KubernetesObjects

// MARK: - Limit ranges and resource quotas

extension Validation {
    static func limitRange(_ object: JSONValue, into findings: inout Findings) {
        var seen: Set<String> = []
        for (index, limit) in (object.at("spec", "limits")?.arrayValue ?? []).enumerated() {
            let here = "spec.limits[\(index)]"
            let type = limit["type"]?.stringValue ?? ""
            let problems = NameRules.qualifiedName(type)
            findings.invalid("\(here).type", type, problems)
            if problems.isEmpty, !type.contains("/"), !["Container", "PersistentVolumeClaim", "Pod"].contains(type) {
                findings.invalid(
                    "\(here).type", .string(type), "must be a standard limit type or fully qualified")
            }
            if !seen.insert(type).inserted { findings.duplicate("\(here).type", .string(type)) }
            if type == "Pod" {
                for field in ["default", "defaultRequest"] where limit[field]?.objectValue?.isEmpty == false {
                    findings.forbidden("\(here).\(field)", "may not be specified when `type` is 'Pod'")
                }
            }
            if type == "PersistentVolumeClaim", limit.at("min", "storage") == nil, limit.at("max", "storage") == nil {
                findings.required(
                    "\(here).limits",
                    "either minimum or maximum storage value is required, but neither was provided")
            }
            limits(limit, isPod: type == "Pod", field: here, into: &findings)
        }
    }

    /// One bound of a limit range that must not lie above another, where both are given.
    private struct Order {
        var lower: String
        var upper: String
        /// Which of the two the server names, and whose value it shows.
        var named: String
        var shown: String
        var lowerName: String
        var upperName: String
    }

    private static let orders = [
        Order(lower: "min", upper: "max", named: "min", shown: "min", lowerName: "min", upperName: "max"),
        Order(
            lower: "min", upper: "defaultRequest", named: "defaultRequest", shown: "defaultRequest", lowerName: "min",
            upperName: "default request"),
        Order(
            lower: "defaultRequest", upper: "max", named: "defaultRequest", shown: "defaultRequest",
            lowerName: "default request", upperName: "max"),
        Order(
            lower: "defaultRequest", upper: "default", named: "defaultRequest", shown: "defaultRequest",
            lowerName: "default request", upperName: "default limit"),
        Order(
            lower: "min", upper: "default", named: "default", shown: "min", lowerName: "min", upperName: "default"),
        Order(
            lower: "default", upper: "max", named: "default", shown: "max", lowerName: "default", upperName: "max"),
    ]

    private static func limits(_ limit: JSONValue, isPod: Bool, field: String, into findings: inout Findings) {
        func given(_ bound: String) -> [String: JSONValue] {
            isPod && bound.hasPrefix("default") ? [:] : limit[bound]?.objectValue ?? [:]
        }
        let bounds = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"]
        for name in Set(bounds.flatMap { given($0).keys }).sorted() {
            func amount(_ bound: String) -> Double? { given(bound)[name].flatMap(Quantity.amount) }
            func text(_ bound: String) -> String { given(bound)[name]?.stringValue ?? "" }
            for order in orders {
                guard let low = amount(order.lower), let high = amount(order.upper), low > high else { continue }
                findings.invalid(
                    "\(field).\(order.named)[\(name)]", .string(text(order.shown)),
                    "\(order.lowerName) value \(text(order.lower)) is greater than \(order.upperName) value \(text(order.upper))"
                )
            }
            guard let ratio = amount("maxLimitRequestRatio") else { continue }
            let here = "\(field).maxLimitRequestRatio[\(name)]"
            let shown = text("maxLimitRequestRatio")
            if ratio < 1 { findings.invalid(here, .string(shown), "ratio \(shown) is less than 1") }
            guard let low = amount("min"), let high = amount("max"), ratio > high / low else { continue }
            findings.invalid(
                here, .string(shown), "ratio \(shown) is greater than max/min = \(sixDigits(high / low))")
        }
    }

    /// A number as Go's `%f` writes it.
    private static func sixDigits(_ number: Double) -> String {
        guard abs(number) < 1e12 else { return number.isInfinite ? (number < 0 ? "-Inf" : "+Inf") : "\(number)" }
        let scaled = Int64((abs(number) * 1_000_000).rounded())
        let digits = String(1_000_000 + scaled % 1_000_000).dropFirst()
        return "\(number < 0 ? "-" : "")\(scaled / 1_000_000).\(digits)"
    }

    // MARK: Quotas

    private static let standardQuotas: Set = [
        "configmaps", "cpu", "ephemeral-storage", "limits.cpu", "limits.ephemeral-storage", "limits.memory", "memory",
        "persistentvolumeclaims", "pods", "replicationcontrollers", "requests.cpu", "requests.ephemeral-storage",
        "requests.memory", "requests.storage", "resourcequotas", "secrets", "services", "services.loadbalancers",
        "services.nodeports",
    ]
    private static let podScopes: Set = [
        "BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "Terminating",
    ]

    static func resourceQuota(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let hard = object.at("spec", "hard")?.objectValue ?? [:]
        for (name, value) in hard.sorted(by: { $0.key < $1.key }) {
            let here = "spec.hard[\(name)]"
            let problems = NameRules.qualifiedName(name)
            findings.invalid(here, name, problems)
            if problems.isEmpty, !name.contains("/"), !standardQuotas.contains(name), !name.hasPrefix("hugepages-"),
                !name.hasPrefix("requests.hugepages-")
            {
                if name != "storage" {
                    findings.invalid(here, .string(name), "must be a standard resource type or fully qualified")
                }
                findings.invalid(here, .string(name), "must be a standard resource for quota")
            }
            findings.notNegativeQuantity(here, value)
        }
        quotaScopes(object, into: &findings)
        for requirement in object.at("spec", "scopeSelector", "matchExpressions")?.arrayValue ?? [] {
            quotaScope(requirement, into: &findings)
        }
        if let old { immutable("spec.scopes", object.at("spec", "scopes"), old.at("spec", "scopes"), into: &findings) }
    }

    private static func isScope(_ name: String) -> Bool {
        podScopes.contains(name) || ["PriorityClass", "VolumeAttributesClass"].contains(name)
    }

    private static func quotaScopes(_ object: JSONValue, into findings: inout Findings) {
        let scopes = object.at("spec", "scopes")
        let names = (scopes?.arrayValue ?? []).compactMap(\.stringValue)
        for name in names where !isScope(name) { findings.invalid("spec.scopes", scopes, "unsupported scope") }
        for kind in ["BestEffort", "Terminating"] where names.contains(kind) && names.contains("Not\(kind)") {
            findings.invalid("spec.scopes", scopes, "conflicting scopes")
        }
    }

    private static func quotaScope(_ requirement: JSONValue, into findings: inout Findings) {
        let here = "spec.scopeSelector.matchExpressions"
        let scope = requirement["scopeName"]?.stringValue ?? ""
        let kind = requirement["operator"]?.stringValue ?? ""
        let values = requirement["values"]
        if !isScope(scope) { findings.invalid("\(here).scopeName", .string(scope), "unsupported scope") }
        if podScopes.contains(scope), kind != "Exists" {
            findings.invalid(
                "\(here).operator", .string(kind),
                "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
            )
        }
        switch kind {
        case "In", "NotIn":
            if values?.arrayValue?.isEmpty != false {
                findings.required(
                    "\(here).values",
                    "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")
            }
        case "Exists", "DoesNotExist":
            if values?.arrayValue?.isEmpty == false {
                findings.invalid(
                    "\(here).values", values,
                    "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")
            }
        default: findings.invalid("\(here).operator", .string(kind), "not a valid selector operator")
        }
    }
}
