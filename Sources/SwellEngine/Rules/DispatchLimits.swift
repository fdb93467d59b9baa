internal import SwellModel

/// How much may be in flight at once, and how much is (invariant 1).
///
/// Every cap counts what is under way: forward dispatches, targets that regressed and are given time to recover, and rollbacks.
struct DispatchLimits {
    private let policy: RolloutPolicy
    private let stages: [StageState]
    private let total: Int
    private var lanes: [RolloutTally.Lane: Int]
    private var perStage: [Int]
    private var inRollout: Int
    private var headroom: Int?

    init(_ rollout: Rollout, _ tally: RolloutTally, headroom: Int?) {
        self.policy = rollout.policy
        self.stages = rollout.stages
        self.total = tally.stages.reduce(0) { $0 + $1.planned }
        self.lanes = tally.lanes
        self.perStage = tally.stages.map(\.underWay)
        self.inRollout = tally.underWay
        self.headroom = headroom
    }

    /// Which cap a target meets, if any; else takes a slot under all of them.
    mutating func admit(_ target: TargetState) -> Cap? {
        if let cap = met(by: target) { return cap }
        lanes[RolloutTally.Lane(stage: target.stage, region: target.region), default: 0] += 1
        perStage[target.stage] += 1
        inRollout += 1
        headroom = headroom.map { $0 - 1 }
        return nil
    }

    /// The narrowest cap that a further dispatch of this target would exceed.
    func met(by target: TargetState) -> Cap? {
        let stage = policy.stages[target.stage]
        let size = stages[target.stage].lanes
        let laneCap = stage.maxConcurrent.resolved(of: size[target.region] ?? 0, atLeast: 1)
        if lanes[RolloutTally.Lane(stage: target.stage, region: target.region)] ?? 0 >= laneCap {
            return .lane(laneCap)
        }
        if let limit = stage.maxConcurrentInStage {
            let cap = limit.resolved(of: size.values.reduce(0, +), atLeast: 1)
            if perStage[target.stage] >= cap { return .stage(cap) }
        }
        if let limit = policy.maxConcurrent {
            let cap = limit.resolved(of: total, atLeast: 1)
            if inRollout >= cap { return .rollout(cap) }
        }
        if let headroom, headroom <= 0 { return .fleet }
        return nil
    }

    /// A cap that was met, with its size.
    enum Cap: Hashable {
        case lane(Int)
        case stage(Int)
        case rollout(Int)
        case fleet
    }
}
