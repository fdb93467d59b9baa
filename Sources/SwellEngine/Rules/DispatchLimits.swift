internal import SwellModel

/// How much may be in flight at once, and how much is (invariant 1).
///
/// Every cap counts what is under way: forward dispatches, targets that regressed and are given time to recover, and rollbacks.
/// A cluster whose agent is away is dispatched to like any other, after those that are there, and holds its place: the assignment is
/// stored, and what the agent does on its return must not come on top of a full lane.
struct DispatchLimits {
    struct Lane: Hashable {
        var stage: Int
        var region: RegionName
    }

    private let policy: RolloutPolicy
    private let stages: [StageState]
    private let total: Int
    private var lanes: [Lane: Int] = [:]
    private var perStage: [Int: Int] = [:]
    private var inRollout = 0
    private var headroom: Int?

    init(_ rollout: Rollout, headroom: Int?) {
        self.policy = rollout.policy
        self.stages = rollout.stages
        self.total = rollout.stages.reduce(0) { $0 + $1.lanes.values.reduce(0, +) }
        self.headroom = headroom
        for target in rollout.targets.values where target.phase.isUnderWay { count(target) }
    }

    private mutating func count(_ target: TargetState) {
        lanes[Lane(stage: target.stage, region: target.region), default: 0] += 1
        perStage[target.stage, default: 0] += 1
        inRollout += 1
    }

    /// Which cap a target meets, if any; else takes a place under all of them.
    mutating func admit(_ target: TargetState) -> Cap? {
        if let cap = met(by: target) { return cap }
        count(target)
        headroom = headroom.map { $0 - 1 }
        return nil
    }

    /// The narrowest cap that a further dispatch of this target would exceed.
    func met(by target: TargetState) -> Cap? {
        let stage = policy.stages[target.stage]
        let size = stages[target.stage].lanes
        let laneCap = stage.maxConcurrent.resolved(of: size[target.region] ?? 0, atLeast: 1)
        if lanes[Lane(stage: target.stage, region: target.region)] ?? 0 >= laneCap { return .lane(laneCap) }
        if let limit = stage.maxConcurrentInStage {
            let cap = limit.resolved(of: size.values.reduce(0, +), atLeast: 1)
            if perStage[target.stage] ?? 0 >= cap { return .stage(cap) }
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

extension Rollout {
    /// Whether nothing but a cap keeps this target from being dispatched now; else what does. One rule for dispatching and for
    /// telling people why it waits.
    func dispatchBlocker(of target: TargetState, _ snapshot: FleetSnapshot) -> DispatchBlocker? {
        guard target.phase == .queued else { return .notQueued }
        guard phase == .progressing, pause == nil else { return .rolloutNotProgressing }
        guard !isStoppedByFailure else { return .failure }
        guard stages[..<target.stage].allSatisfy({ $0.phase == .passed }) else { return .earlierStage }
        let stage = stages[target.stage]
        if target.late == nil {
            // A passed stage has no regular member left in the queue; one that lost its evidence dispatches its own again.
            guard stage.startedAt != nil, stage.phase != .waiting, stage.phase != .gated, stage.phase != .failed else {
                return .stageNotOpen
            }
        } else {
            guard stage.phase == .passed else { return .stageNotOpen }
            // A region that catches up keeps the order of its own stages.
            let isBehind = targets.values.contains {
                $0.region == target.region && $0.stage < target.stage && $0.late == .deferred && !$0.isSettled
            }
            guard !isBehind else { return .earlierStage }
        }
        if pause(of: target.region, snapshot) != nil { return .regionPaused }
        if pause(of: target.cluster, snapshot) != nil { return .clusterPaused }
        guard let facts = snapshot.fleet[target.cluster] else { return .away }
        guard facts.heldBy == nil || facts.heldBy == name else { return .held }
        return nil
    }

    enum DispatchBlocker: Hashable {
        case notQueued, rolloutNotProgressing, failure, earlierStage, stageNotOpen, regionPaused, clusterPaused, away,
            held
    }
}
