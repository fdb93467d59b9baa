public import KubernetesObjects

extension RolloutPolicy {
    /// Reads the body of a `RolloutPolicy` document.
    static func read(metadata: Metadata, spec: Field?) -> RolloutPolicy? {
        metadata.refuseLabels()
        guard let fields = spec?.fields(.policy) else { return nil }
        let stages = readStages(fields)
        guard let name: PolicyName = metadata.name("a policy") else { return nil }
        var policy = RolloutPolicy(name: name, stages: stages)
        policy.maxConcurrent = fields["maxConcurrent"]?.limit(isCap: true)
        if let value = fields["minHealthyTime"]?.interval() { policy.minHealthyTime = value }
        if let value = fields["progressDeadline"]?.positiveInterval() { policy.progressDeadline = value }
        if let value = fields["unreachableAfter"]?.positiveInterval() { policy.unreachableAfter = value }
        policy.maxUnreachable = fields["maxUnreachable"]?.limit(isCap: false)
        if let value = fields["onFailure"]?.failurePolicy() { policy.onFailure = value }
        if let value = fields["pausedRegion"]?.choice(PausedRegionRule.self) { policy.pausedRegion = value }
        policy.silentControllers = fields["silentControllers"]?.choice(SilentControllerRule.self)
        if policy.unreachableAfter < RolloutPolicy.leastUnreachableAfter, let field = fields["unreachableAfter"] {
            field.fail(
                .invalidValue,
                "\(policy.unreachableAfter) is less than \(RolloutPolicy.leastUnreachableAfter), three heartbeats of an agent, so "
                    + "that live clusters would count as unreachable")
        }
        policy.checkTimes(fields)
        return policy
    }

    /// Refuses times under which no cluster could ever count, also where one of them is the default.
    private func checkTimes(_ fields: Fields) {
        guard minHealthyTime >= progressDeadline else { return }
        if let field = fields["minHealthyTime"] {
            field.fail(
                .invalidValue,
                "\(minHealthyTime) is not less than progressDeadline (\(progressDeadline)), so that no cluster "
                    + "could ever count as healthy in time")
        } else if let field = fields["progressDeadline"] {
            field.fail(
                .invalidValue,
                "\(progressDeadline) is not more than minHealthyTime (\(minHealthyTime) unless it is written), so that no "
                    + "cluster could ever count as healthy in time")
        }
    }

    private static func readStages(_ fields: Fields) -> [PolicyStage] {
        guard let field = fields.required("stages", "at least one stage"), let elements = field.list(of: "stages")
        else {
            return []
        }
        if elements.isEmpty { field.fail(.invalidValue, "is empty; a policy has at least one stage") }
        if elements.count > 64 { field.fail(.tooLarge, "has \(elements.count) stages; at most 64 are allowed") }
        var read: [(stage: PolicyStage, field: Field)] = []
        for element in elements.prefix(64) {
            guard let stage = PolicyStage.read(element) else { continue }
            for earlier in read {
                if earlier.stage.name == stage.name {
                    element.fail(
                        .duplicate, "a stage named '\(stage.name)' is there already, on line \(earlier.field.node.line)"
                    )
                } else if let overlap = earlier.stage.select.plainOverlap(with: stage.select) {
                    element.fail(
                        .invalidValue,
                        "stages '\(earlier.stage.name)' (line \(earlier.field.node.line)) and '\(stage.name)' overlap: both "
                            + "select \(overlap); a cluster belongs to one stage")
                }
            }
            read.append((stage, element))
        }
        return read.map(\.stage)
    }

    /// The document that reads back as this policy.
    public var document: JSONValue {
        var spec: [String: JSONValue] = [
            "stages": .array(stages.map(\.document)), "minHealthyTime": .string(minHealthyTime.description),
            "progressDeadline": .string(progressDeadline.description),
            "unreachableAfter": .string(unreachableAfter.description),
            "onFailure": [
                "action": .string(onFailure.action.rawValue), "scope": .string(onFailure.scope.rawValue),
            ],
            "pausedRegion": .string(pausedRegion.rawValue),
        ]
        spec["maxConcurrent"] = maxConcurrent?.document
        spec["maxUnreachable"] = maxUnreachable?.document
        spec["silentControllers"] = silentControllers.map { .string($0.rawValue) }
        return DocumentKind.rolloutPolicy.document(metadata: ["name": .string(name.rawValue)], spec: spec)
    }
}

extension PolicyStage {
    fileprivate static func read(_ field: Field) -> PolicyStage? {
        guard let fields = field.fields(.stage) else { return nil }
        let select = fields.required("select", "which clusters it covers, such as {regions: [us-east-1]}")?.selector()
        let maxConcurrent = fields["maxConcurrent"]?.limit(isCap: true)
        let inStage = fields["maxConcurrentInStage"]?.limit(isCap: true)
        let soak = fields["soak"]?.interval()
        let budget = fields["failureBudget"]?.limit(isCap: false)
        let approval = fields["approval"]?.approvalRule()
        guard let name: StageName = fields.required("name", "a name unique in the policy")?.name("a stage"), let select
        else { return nil }
        return PolicyStage(
            name: name, select: select, maxConcurrent: maxConcurrent ?? .percent(100), maxConcurrentInStage: inStage,
            soak: soak ?? .zero, failureBudget: budget ?? .count(0), approval: approval ?? ApprovalRule())
    }

    fileprivate var document: JSONValue {
        var document: [String: JSONValue] = [
            "name": .string(name.rawValue), "select": select.document, "maxConcurrent": maxConcurrent.document,
            "soak": .string(soak.description), "failureBudget": failureBudget.document,
        ]
        document["maxConcurrentInStage"] = maxConcurrentInStage?.document
        if approval != ApprovalRule() {
            document["approval"] = ["before": .bool(approval.before), "after": .bool(approval.after)]
        }
        return .object(document)
    }
}

extension Field {
    fileprivate func positiveInterval() -> Interval? {
        guard let interval = interval() else { return nil }
        guard interval > .zero else {
            fail(.invalidValue, "must be longer than nothing, such as 10m")
            return nil
        }
        return interval
    }

    fileprivate func approvalRule() -> ApprovalRule? {
        guard let fields = fields(.approval) else { return nil }
        return ApprovalRule(before: fields["before"]?.bool() ?? false, after: fields["after"]?.bool() ?? false)
    }

    /// `rollback`, or `{action: rollback, scope: region}`.
    fileprivate func failurePolicy() -> FailurePolicy? {
        if node.entries == nil { return choice(FailurePolicy.Action.self).map { FailurePolicy(action: $0) } }
        guard let fields = fields(.failure) else { return nil }
        let action = fields.required("action", "rollback, pause or continue")?.choice(FailurePolicy.Action.self)
        let scope = fields["scope"]?.choice(FailurePolicy.Scope.self)
        return FailurePolicy(action: action ?? .rollback, scope: scope ?? .rollout)
    }
}

extension Limit {
    /// As documents write it.
    var document: JSONValue {
        switch self {
        case .count(let count): .integer(Int64(count))
        case .percent: .string(description)
        }
    }
}

extension ClusterSelector {
    /// As documents write it.
    var document: JSONValue {
        var document: [String: JSONValue] = [:]
        if !regions.isEmpty { document["regions"] = .array(regions.map { .string($0.rawValue) }) }
        if !environments.isEmpty { document["environments"] = .array(environments.map { .string($0.rawValue) }) }
        if !clusters.isEmpty { document["clusters"] = .array(clusters.map { .string($0.rawValue) }) }
        if !labels.isEmpty { document["labels"] = .object(labels.mapValues(JSONValue.string)) }
        return .object(document)
    }
}
