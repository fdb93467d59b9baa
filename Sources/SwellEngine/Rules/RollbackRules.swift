internal import SwellModel

// Taking back (invariants 7, 8 and 13). A rollback within a rollout goes before pauses and every cap: a bad release is taken back
// everywhere at once. What it has under way holds forward dispatches back, though. Taking back in stages, with caps and a preview,
// is an undo rollout (`PlanRequest.undo`).
//
// Where no other release was ever proven, a cluster is held as it is: it stays failed, or is left out, and is not called rolled
// back. What the release brought is removed only where the strategy says so, or a person did.
//
// What ran the very release before the rollout came is left as it is, unless it failed itself or a person names the cluster: there is
// nothing of this rollout to take back there, and an older release would be a change that nobody asked for.
extension DecisionState {
    /// Takes back what a scope covers. The rest of the rollout is left alone, unless the scope is all of it.
    ///
    /// A rollback that failed is tried again only where a person orders it, so that no failure repeats itself for ever.
    /// The `culprit` is named once, at the rollout, and not at each cluster that goes back with it.
    mutating func rollBack(
        _ scope: RollbackScope, reason: String, culprit: String? = nil, isOrdered: Bool = false, removes: Bool = false
    ) {
        if scope == .rollout {
            moveRollout(to: .rollingBack, reason: culprit.map { "\(reason); \($0)" } ?? reason)
        } else if !rollout.rolledBack.contains(scope) {
            updateHeader { $0.rolledBack.append(scope) }
        }
        for name in names {
            let target = target(name)
            guard rollout.covers(scope, target) else { continue }
            guard !rollout.spares(target, from: scope) else {
                leaveUnchanged(name)
                continue
            }
            rollBackTarget(
                name, reason: reason, again: isOrdered && target.phase == .rollbackFailed, removes: removes)
        }
    }

    /// Leaves one cluster as it is, since the rollout has changed nothing there.
    mutating func leaveUnchanged(_ name: ClusterName) {
        let version = rollout.release.version
        update(name) { $0.leaveOut(.rolledBack, "ran \(version) before this rollout: left as it is") }
    }

    /// Takes one cluster back to the last release proven healthy there before the rollout: a higher generation with an older digest.
    /// What is taken back already is left alone, unless it must be assigned `again`.
    mutating func rollBackTarget(_ name: ClusterName, reason: String, again: Bool = false, removes: Bool = false) {
        let target = target(name)
        // Who left is skipped (invariant 18), and what a successor took over is told by that alone, even if it has ended since
        // (invariant 11): an order to take back may come in the same decision as either.
        guard let facts = snapshot.fleet[name] else { return }
        // Nothing went there, so that nothing has to be held to leave it out: also of one that waits for its start, and for the clusters.
        if target.phase == .queued, target.generation == nil {
            return update(name) { $0.leaveOut(.rolledBack, reason) }
        }
        guard facts.heldBy == rollout.name || (facts.heldBy == nil && !isReplaced)
        else { return }
        switch target.phase {
        case .skipped:
            // Held by the policy, and now a person says to remove.
            guard removes, target.skip == .neverHealthy, target.generation != nil else { return }
        case .rollingBack, .rolledBack, .rollbackFailed:
            guard again else { return }
        case .queued, .dispatched, .applying, .verifying, .healthy, .failed, .unreachable: break
        }
        let isRemoval =
            (target.phase == .rollingBack || target.phase == .rolledBack) && target.attempt?.goal == .remove
        if let previous = target.previous {
            assign(name, goal: .run(previous), fallback: nil, phase: .rollingBack, reason: reason)
        } else if removes || isRemoval || rollout.strategy.whenNeverHealthy == .remove {
            assign(name, goal: .remove, fallback: nil, phase: .rollingBack, reason: reason)
        } else {
            // What failed by itself says of what, and not what became of the others.
            let why = target.failedAt == nil ? reason : target.reason ?? reason
            update(name) { $0.hold(Self.held(why)) }
        }
    }

    /// Says once that a cluster is held, however often it is looked at.
    private static func held(_ reason: String) -> String {
        let prefix = "held as it is, since no other release was ever proven here: "
        return reason.hasPrefix(prefix) ? reason : prefix + reason
    }
}
