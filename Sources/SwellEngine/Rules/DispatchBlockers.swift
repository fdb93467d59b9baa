internal import SwellModel

/// What keeps queued targets from being dispatched, caps aside. One rule for dispatching and for telling people why a target waits.
///
/// What holds for all targets of a stage is found once, so that asking for each of ten thousand costs what ten thousand cost.
struct DispatchBlockers {
    enum DispatchBlocker: Hashable {
        case notQueued, rolloutNotProgressing, failure, earlierStage, stageNotOpen, regionPaused, clusterPaused, away,
            held, unreachable
    }

    private let rollout: Rollout
    private let snapshot: FleetSnapshot
    private let now: Timestamp
    /// What stops everything.
    private let general: DispatchBlocker?
    /// How many stages from the first one on have passed.
    private let passed: Int
    /// The earliest stage of each region in which somebody still has to be brought level.
    private let behind: [RegionName: Int]

    init(_ rollout: Rollout, _ snapshot: FleetSnapshot, isStoppedByFailure: Bool, now: Timestamp) {
        self.rollout = rollout
        self.snapshot = snapshot
        self.now = now
        if rollout.phase != .progressing || rollout.pause != nil {
            general = .rolloutNotProgressing
        } else {
            general = isStoppedByFailure ? .failure : nil
        }
        passed = rollout.stages.firstIndex { $0.phase != .passed } ?? rollout.stages.count
        var behind: [RegionName: Int] = [:]
        for target in rollout.targets.values where target.late == .deferred && !target.isSettled {
            guard !Self.isUnreachable(target, rollout, snapshot, now) else { continue }
            behind[target.region] = min(behind[target.region] ?? target.stage, target.stage)
        }
        self.behind = behind
    }

    /// What keeps a target from being dispatched now; nil where nothing but a cap does.
    func blocker(of target: TargetState) -> DispatchBlocker? {
        guard target.phase == .queued else { return .notQueued }
        if let general { return general }
        guard target.stage <= passed else { return .earlierStage }
        let stage = rollout.stages[target.stage]
        if target.late == nil {
            // A passed stage has no regular member left in the queue; one that lost its evidence dispatches its own again.
            guard stage.startedAt != nil, stage.phase != .waiting, stage.phase != .gated, stage.phase != .failed else {
                return .stageNotOpen
            }
        } else {
            guard stage.phase == .passed else { return .stageNotOpen }
            // A region that catches up keeps the order of its own stages.
            guard behind[target.region] ?? target.stage >= target.stage else { return .earlierStage }
        }
        if rollout.regionPause(of: target, snapshot) != nil { return .regionPaused }
        if rollout.clusterPause(of: target, snapshot) != nil { return .clusterPaused }
        guard let facts = snapshot.fleet[target.cluster] else { return .away }
        guard facts.heldBy == nil || facts.heldBy == rollout.name else { return .held }
        // What an agent that is away would do on its return nobody watches, and meanwhile it would hold a slot.
        guard !Self.isUnreachable(target, rollout, snapshot, now) else { return .unreachable }
        return nil
    }

    private static func isUnreachable(
        _ target: TargetState, _ rollout: Rollout, _ snapshot: FleetSnapshot, _ now: Timestamp
    ) -> Bool {
        snapshot.fleet[target.cluster]?.isUnreachable(at: now, after: rollout.policy.unreachableAfter) ?? true
    }
}
