internal import SwellModel

// The rollout's own phase, and how it ends. Every end is reached by what the targets say, or by an order.
extension DecisionState {
    /// The phase as pauses, failures and the start say; rolling back and the ends stay.
    mutating func deriveRolloutPhase() {
        guard !rollout.phase.isEnded, rollout.phase != .rollingBack else { return }
        if let pause = rollout.pause {
            moveRollout(to: .paused, reason: pause.reason ?? "paused by \(pause.by)")
        } else if let stage = tally.overspent, waitsForPeople {
            moveRollout(to: .paused, reason: "stage '\(rollout.stages[stage].name)': \(tally.failures(inStage: stage))")
        } else if let start = rollout.startsAt, rollout.stages.allSatisfy({ $0.startedAt == nil }), now < start {
            moveRollout(to: .scheduled, reason: nil)
        } else if rollout.awaitsStart, let taken = wordsOnTaken {
            moveRollout(to: .scheduled, reason: "it is time to start, but \(taken)")
        } else {
            moveRollout(to: .progressing, reason: nil)
        }
    }

    /// What keeps a rollout from claiming its clusters; nil where they are free, or its own.
    private var wordsOnTaken: String? {
        let taken = rollout.taken(in: snapshot)
        guard !taken.isEmpty else { return nil }
        let holders = Set(taken.compactMap { snapshot.fleet[$0]?.heldBy }).sorted().map(\.rawValue)
        return "\(named(taken)) held by rollout \(holders.joined(separator: ", "))"
    }

    /// Whether a stop for failures is a person's to end: the policy pauses, or takes back less than the whole.
    private var waitsForPeople: Bool {
        switch rollout.policy.onFailure.action {
        case .pause: true
        case .rollback: rollout.policy.onFailure.scope != .rollout
        case .continue: false
        }
    }

    mutating func endIfDone() {
        switch rollout.phase {
        case .rollingBack: endRollback()
        case .progressing: if !isStoppedByFailure { endForward() }
        case .scheduled, .paused, .succeeded, .rolledBack, .failed, .aborted, .superseded: break
        }
    }

    private mutating func endRollback() {
        let done = tally.count(.rolledBack) + tally.count(.rollbackFailed) + tally.count(.skipped)
        // What failed and is held has nowhere to go.
        let held = tally.count(.failed)
        guard done + held == rollout.targets.count else { return }
        let reason = rollout.reason ?? "rolled back by order"
        let failed = tally.count(.rollbackFailed)
        let heldInAll = held + tally.stages.reduce(0) { $0 + $1.held }
        if failed > 0 {
            moveRollout(to: .failed, reason: "\(failed) could not be rolled back; \(reason)")
        } else if heldInAll > 0 {
            // What is held still runs what was to be taken back: that is no rollback.
            moveRollout(
                to: .failed, reason: "\(heldInAll) held, since no other release was ever proven there; \(reason)")
        } else {
            moveRollout(to: .rolledBack, reason: rollout.reason)
        }
    }

    private mutating func endForward() {
        guard !isAllTakenBack else { return moveRollout(to: .rolledBack, reason: "every cluster was rolled back") }
        guard rollout.stages.allSatisfy({ $0.phase == .passed }) else { return }
        var leftToThemselves: [ClusterName] = []
        for name in names where !target(name).isSettled {
            guard isLeftToItself(target(name)) else { return }
            leftToThemselves.append(name)
        }
        let rolledBack = tally.count(.rolledBack)
        if tally.count(.rollbackFailed) > 0 {
            moveRollout(to: .failed, reason: "\(tally.count(.rollbackFailed)) could not be rolled back")
        } else if let stage = tally.overspent {
            moveRollout(to: .failed, reason: "stage '\(rollout.stages[stage].name)': \(tally.failures(inStage: stage))")
        } else if tally.count(.healthy) == 0, rolledBack > 0 {
            moveRollout(to: .rolledBack, reason: "every cluster was rolled back")
        } else {
            bequeath(to: leftToThemselves)
            moveRollout(to: .succeeded, reason: remarks(rolledBack, leftToThemselves))
        }
    }

    /// Whether orders have taken back every cluster that the rollout came to: nothing is left that could go forward, whatever its stages
    /// still wait for.
    private var isAllTakenBack: Bool {
        let back = tally.count(.rolledBack)
        return back > 0 && back + tally.count(.skipped) == rollout.targets.count
            && tally.stages.allSatisfy { $0.held == 0 }
    }

    /// Nobody waits for these any more: each finds its assignment when it is back. What did not succeed elsewhere is not left to them
    /// (invariant 7), and where there is nothing to go back to, nothing is removed unasked (invariant 13).
    private mutating func bequeath(to names: [ClusterName]) {
        for name in names where target(name).phase == .queued && target(name).late == .deferred {
            guard !skipsWithoutGoal(target(name)) else { continue }
            send(target(name))
        }
    }

    /// What a success should not keep quiet about.
    private func remarks(_ rolledBack: Int, _ left: [ClusterName]) -> String? {
        var remarks: [String] = []
        if rolledBack > 0 { remarks.append("\(rolledBack) rolled back on the way") }
        if tally.count(.failed) > 0 {
            let failed = names.filter { target($0).phase == .failed }
            remarks.append("\(failed.count) failed and tolerated: \(named(failed))")
        }
        let ordered = names.filter { target($0).skip == .ordered }
        if !ordered.isEmpty { remarks.append("\(named(ordered)) left out by order") }
        if !left.isEmpty { remarks.append("without \(named(left)), whose agents are away") }
        return remarks.isEmpty ? nil : remarks.joined(separator: "; ")
    }

    /// A late cluster whose agent went away does not hold the end: its assignment is stored, or the next rollout brings it level.
    private func isLeftToItself(_ target: TargetState) -> Bool {
        guard target.late != nil else { return false }
        switch target.phase {
        case .unreachable, .queued, .rollingBack: break
        default: return false
        }
        guard isUnreachable(target.cluster) else { return false }
        return target.late == .joined || !isPaused(target)
    }
}
