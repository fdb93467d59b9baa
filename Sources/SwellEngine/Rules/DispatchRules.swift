internal import SwellModel

// Dispatching forward: what is open, unhindered and within the caps, in stage order.
extension DecisionState {
    mutating func dispatch() {
        guard rollout.phase == .progressing, !isStoppedByFailure else { return }
        let blockers = DispatchBlockers(rollout, snapshot, isStoppedByFailure: false, now: now)
        // First, since who has nowhere to go takes no part, and a budget in percent is of those who do.
        for name in names where blockers.blocker(of: target(name)) == nil { skipsWithoutGoal(target(name)) }
        guard !isStoppedByFailure else { return }
        var limits = DispatchLimits(rollout, tally, headroom: headroom)
        for index in rollout.stages.indices {
            for name in names(inStage: index) {
                let target = target(name)
                guard blockers.blocker(of: target) == nil, limits.admit(target) == nil else {
                    continue
                }
                headroom = headroom.map { $0 - 1 }
                send(target)
            }
        }
    }

    /// Assigns the release, what an undo goes to, or that the application is removed.
    mutating func send(_ target: TargetState) {
        let facts = snapshot.fleet[target.cluster]
        // Where a rollback goes is what was proven when the rollout first came, whatever is proven later (invariant 13); never what
        // this rollout brings, which a failure says not to be trusted.
        let known = target.attempts == 0 ? facts?.provenOther(than: rollout.release) : target.previous
        let previous = rollout.kind.isRemoval ? nil : known
        let ranBefore =
            target.attempts == 0
            ? rollout.kind == .release && facts?.runsProven(rollout.release) == true : target.ranBefore
        update(target.cluster) {
            $0.previous = previous
            $0.ranBefore = ranBefore
            $0.attempts += 1
        }
        switch rollout.kind {
        case .release:
            assign(target.cluster, goal: .run(rollout.release), fallback: previous, phase: .dispatched, reason: nil)
        case .undo:
            let goal = facts?.provenOther(than: rollout.release).map { Assignment.Goal.run($0) } ?? .remove
            assign(target.cluster, goal: goal, fallback: nil, phase: .dispatched, reason: nil)
        case .removal:
            assign(target.cluster, goal: .remove, fallback: nil, phase: .dispatched, reason: nil)
        }
    }

    /// An undo has nowhere to go where nothing else was ever proven, and nobody said to remove.
    @discardableResult
    mutating func skipsWithoutGoal(_ target: TargetState) -> Bool {
        guard case .undo = rollout.kind, rollout.strategy.whenNeverHealthy == .hold,
            snapshot.fleet[target.cluster]?.provenOther(than: rollout.release) == nil
        else { return false }
        update(target.cluster) { $0.leaveOut(.neverHealthy, "held as it is: no other release was ever proven here") }
        return true
    }
}
