internal import KubernetesObjects

// MARK: - Deployments, replica sets, stateful sets and daemon sets

extension Validation {
    static func deployment(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        findings.notNegative("spec.replicas", object.at("spec", "replicas"))
        if workloadSelector(object, kind: "deployment", into: &findings) { template(of: object, into: &findings) }
        let strategy = object.at("spec", "strategy")
        switch strategy?["type"]?.stringValue {
        case "Recreate":
            if strategy?["rollingUpdate"] != nil {
                findings.forbidden(
                    "spec.strategy.rollingUpdate",
                    "may not be specified when strategy `type` is 'Recreate'")
            }
        case "RollingUpdate":
            rollingUpdate(strategy?["rollingUpdate"], field: "spec.strategy.rollingUpdate", into: &findings)
        default:
            unknownStrategy(
                "spec.strategy", strategy, "FieldValueNotSupported",
                "supported values: \"Recreate\", \"RollingUpdate\"", members: ["maxUnavailable", "maxSurge"],
                into: &findings)
        }
        findings.notNegative("spec.minReadySeconds", object.at("spec", "minReadySeconds"))
        findings.notNegative("spec.revisionHistoryLimit", object.at("spec", "revisionHistoryLimit"))
        if let deadline = object.at("spec", "progressDeadlineSeconds") {
            findings.notNegative("spec.progressDeadlineSeconds", deadline)
            if deadline.intValue ?? 0 <= object.at("spec", "minReadySeconds")?.intValue ?? 0 {
                findings.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")
            }
        }
        if let old {
            immutable("spec.selector", object.at("spec", "selector"), old.at("spec", "selector"), into: &findings)
        }
    }

    /// One of the two has to leave room, or nothing could ever move.
    private static func rollingUpdate(_ update: JSONValue?, field: String, into findings: inout Findings) {
        func isNone(_ value: JSONValue?) -> Bool { value == nil || value == 0 || value == "0%" || value == "0" }
        findings.countOrPercentage("\(field).maxUnavailable", update?["maxUnavailable"])
        findings.countOrPercentage("\(field).maxSurge", update?["maxSurge"])
        if isNone(update?["maxUnavailable"]), isNone(update?["maxSurge"]) {
            findings.invalid(
                "\(field).maxUnavailable", update?["maxUnavailable"] ?? 0, "may not be 0 when `maxSurge` is 0")
        }
        findings.notAboveAll("\(field).maxUnavailable", update?["maxUnavailable"])
    }

    static func replicaSet(_ object: JSONValue, old: JSONValue?, kind: String, into findings: inout Findings) {
        findings.notNegative("spec.replicas", object.at("spec", "replicas"))
        findings.notNegative("spec.minReadySeconds", object.at("spec", "minReadySeconds"))
        if kind == "ReplicationController" {
            let selector = object.at("spec", "selector")
            if selector?.objectValue?.isEmpty != false { findings.required("spec.selector") }
            if object.at("spec", "template") == nil {
                findings.required("spec.template")
            } else if !LabelSelector(labels: selector).matches(object.at("spec", "template", "metadata", "labels")) {
                findings.invalid(
                    "spec.template.metadata.labels", object.at("spec", "template", "metadata", "labels"),
                    "`selector` does not match template `labels`")
            }
            return template(of: object, into: &findings)
        }
        if workloadSelector(object, kind: "deployment", into: &findings) { template(of: object, into: &findings) }
        if let old {
            immutable("spec.selector", object.at("spec", "selector"), old.at("spec", "selector"), into: &findings)
        }
    }

    static func statefulSet(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let spec = object["spec"]
        let policy = spec?["podManagementPolicy"]
        if policy != "OrderedReady", policy != "Parallel" {
            findings.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
        }
        let strategy = spec?["updateStrategy"]
        switch strategy?["type"]?.stringValue {
        case "OnDelete":
            if strategy?["rollingUpdate"] != nil {
                findings.invalid(
                    "spec.updateStrategy.rollingUpdate", strategy?["rollingUpdate"],
                    "only allowed for updateStrategy 'RollingUpdate'")
            }
        case "RollingUpdate":
            findings.notNegative(
                "spec.updateStrategy.rollingUpdate.partition", strategy?.at("rollingUpdate", "partition"))
            findings.countOrPercentage(
                "spec.updateStrategy.rollingUpdate.maxUnavailable", strategy?.at("rollingUpdate", "maxUnavailable"))
        case nil, "": findings.required("spec.updateStrategy")
        default:
            unknownStrategy(
                "spec.updateStrategy", strategy, "FieldValueInvalid", "must be 'RollingUpdate' or 'OnDelete'",
                members: ["partition", "maxUnavailable"], into: &findings)
        }
        for field in ["whenDeleted", "whenScaled"] {
            findings.oneOf(
                ["Retain", "Delete"], "spec.persistentVolumeClaimRetentionPolicy.\(field)",
                spec?.at("persistentVolumeClaimRetentionPolicy", field))
        }
        findings.notNegative("spec.replicas", spec?["replicas"])
        findings.notNegative("spec.minReadySeconds", spec?["minReadySeconds"])
        findings.notNegative("spec.ordinals.start", spec?.at("ordinals", "start"))
        if workloadSelector(object, kind: "statefulset", into: &findings) {
            let claims = Set((spec?["volumeClaimTemplates"]?.arrayValue ?? []).map(\.name))
            template(of: object, claims: claims, into: &findings)
        }
        onlyAlways(object, into: &findings)
        if let name = spec?["serviceName"]?.stringValue, !name.isEmpty, old == nil {
            findings.invalid("spec.serviceName", name, NameRules.dnsSubdomain(name))
        }
        guard let old else { return }
        var before = old["spec"] ?? .null
        var after = spec ?? .null
        for field in [
            "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
        ] {
            before[field] = nil
            after[field] = nil
        }
        if before != after {
            findings.forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
            )
        }
    }

    static func daemonSet(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        _ = workloadSelector(object, kind: "daemonset", into: &findings)
        template(of: object, into: &findings)
        onlyAlways(object, into: &findings)
        findings.notNegative("spec.minReadySeconds", object.at("spec", "minReadySeconds"))
        let strategy = object.at("spec", "updateStrategy")
        switch strategy?["type"]?.stringValue {
        case "OnDelete": break
        case "RollingUpdate":
            let field = "spec.updateStrategy.rollingUpdate"
            let update = strategy?["rollingUpdate"]
            findings.countOrPercentage("\(field).maxUnavailable", update?["maxUnavailable"])
            findings.countOrPercentage("\(field).maxSurge", update?["maxSurge"])
            func isSome(_ name: String) -> Bool {
                // A text that is no percentage is refused above, and counts for something here.
                if let text = update?[name]?.stringValue, !text.hasSuffix("%") { return true }
                return IntOrPercent.resolve(update?[name], of: 100, roundingUp: true) > 0
            }
            if isSome("maxUnavailable"), isSome("maxSurge") {
                findings.invalid(
                    "\(field).maxSurge", update?["maxSurge"], "may not be set when maxUnavailable is non-zero")
            } else if !isSome("maxUnavailable"), !isSome("maxSurge") {
                findings.required("\(field).maxUnavailable", "cannot be 0 when maxSurge is 0")
            }
            findings.notAboveAll("\(field).maxUnavailable", update?["maxUnavailable"])
        default:
            unknownStrategy(
                "spec.updateStrategy", strategy, "FieldValueNotSupported",
                "supported values: \"RollingUpdate\", \"OnDelete\"", members: ["maxUnavailable", "maxSurge"],
                into: &findings)
        }
        findings.notNegative("spec.revisionHistoryLimit", object.at("spec", "revisionHistoryLimit"))
        if let old {
            immutable("spec.selector", object.at("spec", "selector"), old.at("spec", "selector"), into: &findings)
        }
    }

    // MARK: What they have in common

    /// A strategy of an unknown type: the server shows its own form of the whole of it.
    private static func unknownStrategy(
        _ field: String, _ strategy: JSONValue?, _ reason: String, _ why: String, members: [String],
        into findings: inout Findings
    ) {
        let isStateful = members.contains("partition")
        let update = strategy?["rollingUpdate"].map { update in
            let pairs = members.map { name in
                let unset: JSONValue = isStateful && name != "partition" ? .null : 0
                return "\"\(name.prefix(1).uppercased())\(name.dropFirst())\":\((update[name] ?? unset).serialized())"
            }
            return "{\(pairs.joined(separator: ","))}"
        }
        let type = (strategy?["type"] ?? "").serialized()
        let shown = "{\"Type\":\(type),\"RollingUpdate\":\(update ?? "null")}"
        let word = reason == "FieldValueInvalid" ? "Invalid" : "Unsupported"
        findings.append(
            APIStatus.Cause(reason: reason, message: "\(word) value: \(shown): \(why)", field: field))
    }

    /// A workload's selector; says whether it can be read, for the template is not looked at where it cannot.
    private static func workloadSelector(_ object: JSONValue, kind: String, into findings: inout Findings) -> Bool {
        let selector = object.at("spec", "selector")
        let labels = object.at("spec", "template", "metadata", "labels")
        func mismatch(_ labels: JSONValue?) {
            findings.invalid(
                "spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
        }
        guard let selector else {
            if kind != "daemonset" { findings.required("spec.selector") }
            mismatch(labels)
            return true
        }
        self.selector(selector, field: "spec.selector", into: &findings)
        if LabelSelector(object: selector).isEmpty, selector["matchExpressions"] == nil {
            findings.invalid("spec.selector", selector, "empty selector is invalid for \(kind)")
            return true
        }
        guard isReadable(selector) else {
            switch kind {
            case "daemonset": return true
            case "statefulset": findings.invalid("spec.selector", selector, "")
            default: findings.invalid("spec.selector", selector, "invalid label selector")
            }
            return false
        }
        if !LabelSelector(object: selector).matches(labels) { mismatch(labels ?? .object([:])) }
        return true
    }

    /// Whether a label selector's keys, operators and values are such that anything can be selected by it.
    static func isReadable(_ selector: JSONValue) -> Bool {
        var findings = Findings()
        self.selector(selector, field: "", into: &findings)
        return findings.isEmpty
    }

    private static func template(of object: JSONValue, claims: Set<String> = [], into findings: inout Findings) {
        podTemplate(object.at("spec", "template"), field: "spec.template", claims: claims, into: &findings)
        let kind = object["kind"]?.stringValue ?? ""
        if ["Deployment", "ReplicaSet", "ReplicationController"].contains(kind) { onlyAlways(object, into: &findings) }
        if object.at("spec", "template", "spec", "activeDeadlineSeconds") != nil {
            findings.forbidden(
                "spec.template.spec.activeDeadlineSeconds",
                "activeDeadlineSeconds in \(kind) is not Supported")
        }
    }

    /// Pods that end by themselves have no place under these controllers.
    private static func onlyAlways(_ object: JSONValue, into findings: inout Findings) {
        let policy = object.at("spec", "template", "spec", "restartPolicy")
        if let policy, policy != "Always" {
            findings.unsupported("spec.template.spec.restartPolicy", policy, ["Always"])
        }
    }
}
