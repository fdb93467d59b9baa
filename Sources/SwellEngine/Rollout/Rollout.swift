public import SwellModel

/// One release going over one set of clusters under one policy: everything decided so far, and nothing else.
///
/// A value: `DecisionMaker` turns it and what happened into its successor. All of it is stored; see `Transition` for how each change is
/// told. What its header holds reads as if it stood here.
@dynamicMemberLookup
public struct Rollout: Sendable, Hashable {
    public var header: RolloutHeader
    public var stages: [StageState]
    public var targets: [ClusterName: TargetState]

    public init(header: RolloutHeader, stages: [StageState], targets: [ClusterName: TargetState]) {
        self.header = header
        self.stages = stages
        self.targets = targets
    }

    public subscript<Value>(dynamicMember member: KeyPath<RolloutHeader, Value>) -> Value { header[keyPath: member] }

    public subscript<Value>(dynamicMember member: WritableKeyPath<RolloutHeader, Value>) -> Value {
        get { header[keyPath: member] }
        set { header[keyPath: member] = newValue }
    }
}

/// Stored flat, the header's fields beside stages and targets, as rows of every version are.
extension Rollout: Codable {
    private enum Key: String, CodingKey { case stages, targets }

    public init(from decoder: any Decoder) throws {
        let row = try decoder.container(keyedBy: Key.self)
        self.init(
            header: try RolloutHeader(from: decoder), stages: try row.decode([StageState].self, forKey: .stages),
            targets: try row.decode([ClusterName: TargetState].self, forKey: .targets))
    }

    public func encode(to encoder: any Encoder) throws {
        try header.encode(to: encoder)
        var row = encoder.container(keyedBy: Key.self)
        try row.encode(stages, forKey: .stages)
        try row.encode(targets, forKey: .targets)
    }
}

extension Rollout {
    /// What holds of every rollout that this program made. Asked of what is read, before anything follows from it: a row that does
    /// not hold together fails its own rollout, by name, and no other.
    public func checkShape() throws(Impossible) {
        func fail(_ what: StaticString, _ context: String) throws(Impossible) -> Never {
            throw Impossible(what, "rollout \(header.name): \(context)")
        }
        guard stages.count == header.policy.stages.count else {
            try fail("stages other than the policy's", "\(stages.count) of \(header.policy.stages.count)")
        }
        for (name, target) in targets {
            guard target.cluster == name else { try fail("a target under another's name", "\(name)") }
            guard stages.indices.contains(target.stage) else {
                try fail("a target of no stage", "\(name), stage \(target.stage) of \(stages.count)")
            }
            guard target.attempt != nil || !(target.phase.isUnderWay || target.phase == .healthy) else {
                try fail("a target under way without an assignment", "\(name) is \(target.phase.rawValue)")
            }
            guard target.skip == nil || target.phase == .skipped else {
                try fail("a reason to skip what is not skipped", "\(name) is \(target.phase.rawValue)")
            }
        }
    }
}
