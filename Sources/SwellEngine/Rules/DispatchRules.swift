internal import SwellModel

// Dispatching forward: what is open, unhindered and within the caps, in stage order, agents that are there first.
extension DecisionState {
    mutating func dispatch() {
        guard rollout.phase == .progressing, !rollout.isStoppedByFailure else { return }
        var limits = DispatchLimits(rollout, headroom: headroom)
        for index in rollout.stages.indices {
            let queued = names.filter { rollout.targets[$0].map { $0.stage == index && $0.phase == .queued } ?? false }
            for name in queued.filter({ !isUnreachable($0) }) + queued.filter({ isUnreachable($0) }) {
                guard let target = rollout.targets[name], rollout.dispatchBlocker(of: target, snapshot) == nil else {
                    continue
                }
                // A joiner whose agent went away is left to itself: it holds no place, nor the end (invariant 18).
                guard target.late != .joined || !isUnreachable(name) else { continue }
                // Told under too low an epoch, the agent would refuse: the lease is claimed again first (invariant 9).
                guard seenEpoch(at: name) <= epoch else { continue }
                guard !skipsWithoutGoal(target) else { continue }
                guard limits.admit(target) == nil else { continue }
                headroom = headroom.map { $0 - 1 }
                send(target)
            }
        }
    }

    private mutating func send(_ target: TargetState) {
        let facts = snapshot.fleet[target.cluster]
        // Where a rollback goes is what was proven when the rollout first came, whatever is proven later (invariant 13).
        if target.attempts == 0 { update(target.cluster) { $0.previous = facts?.proven.first } }
        update(target.cluster) { $0.attempts += 1 }
        let previous = rollout.targets[target.cluster]?.previous
        switch rollout.kind {
        case .release:
            let fallback = previous?.digest == rollout.release.digest ? nil : previous
            assign(target.cluster, goal: .run(rollout.release), fallback: fallback, phase: .dispatched, reason: nil)
        case .undo:
            if let goal = facts?.provenOther(than: rollout.release) {
                assign(target.cluster, goal: .run(goal), fallback: nil, phase: .dispatched, reason: nil)
            } else {
                assign(target.cluster, goal: .remove, fallback: nil, phase: .dispatched, reason: nil)
            }
        }
    }

    /// An undo has nowhere to go where nothing else was ever proven, and the strategy says to hold.
    private mutating func skipsWithoutGoal(_ target: TargetState) -> Bool {
        guard case .undo = rollout.kind, rollout.strategy.whenNeverHealthy == .hold,
            snapshot.fleet[target.cluster]?.provenOther(than: rollout.release) == nil
        else { return false }
        update(target.cluster) {
            $0.phase = .skipped
            $0.skip = .neverHealthy
            $0.reason = "held as it is: no other release was ever proven here"
        }
        return true
    }
}
