internal import SwellModel

// The rollout's own phase, and how it ends. Every end is reached by what the targets say, or by an order.
extension DecisionState {
    /// The phase as pauses, failures and the start say; rolling back and the ends stay.
    mutating func deriveRolloutPhase() {
        guard !rollout.phase.isEnded, rollout.phase != .rollingBack else { return }
        if let pause = rollout.pause {
            moveRollout(to: .paused, reason: pause.reason ?? "paused by \(pause.by)")
        } else if rollout.isStoppedByFailure, rollout.policy.onFailure.action == .pause {
            let stage = rollout.stages.indices.first { rollout.exceedsBudget(stage: $0) } ?? 0
            moveRollout(
                to: .paused,
                reason: "stage '\(rollout.stages[stage].name)': \(rollout.failures(inStage: stage)) failed, "
                    + "more than the budget of \(rollout.failureBudget(ofStage: stage))")
        } else if let start = rollout.startsAt, now < start, rollout.stages.allSatisfy({ $0.startedAt == nil }) {
            moveRollout(to: .scheduled, reason: nil)
        } else {
            moveRollout(to: .progressing, reason: nil)
        }
    }

    mutating func endIfDone() {
        switch rollout.phase {
        case .rollingBack: endRollback()
        case .progressing: rollout.isStoppedByFailure ? endAfterFailure() : endForward()
        case .scheduled, .paused, .succeeded, .rolledBack, .failed, .aborted, .superseded: break
        }
    }

    private func count(_ phase: TargetPhase) -> Int { rollout.targets.values.count { $0.phase == phase } }

    private mutating func endRollback() {
        let isDone = rollout.targets.values.allSatisfy { target in
            switch target.phase {
            case .rolledBack, .rollbackFailed, .skipped: true
            default: false
            }
        }
        guard isDone else { return }
        let failed = count(.rollbackFailed)
        if failed > 0 {
            moveRollout(
                to: .failed, reason: "\(failed) could not be rolled back; \(rollout.reason ?? "rolled back by order")")
        } else {
            moveRollout(to: .rolledBack, reason: rollout.reason)
        }
    }

    /// More failed than the budget, and the policy takes back less than the whole: it ends once nothing is under way.
    private mutating func endAfterFailure() {
        guard rollout.targets.values.allSatisfy({ !$0.phase.isUnderWay }),
            let stage = rollout.stages.first(where: { $0.phase == .failed })
        else { return }
        moveRollout(to: .failed, reason: "stage '\(stage.name)': \(stage.reason ?? "failed")")
    }

    private mutating func endForward() {
        guard rollout.stages.allSatisfy({ $0.phase == .passed }),
            rollout.targets.values.allSatisfy({ $0.isSettled || isLeftToItself($0) })
        else { return }
        let rollbackFailed = count(.rollbackFailed)
        let rolledBack = count(.rolledBack)
        let overspent = rollout.stages.indices.filter { rollout.exceedsBudget(stage: $0) }
        if rollbackFailed > 0 {
            moveRollout(to: .failed, reason: "\(rollbackFailed) could not be rolled back")
        } else if let stage = overspent.first {
            moveRollout(
                to: .failed,
                reason: "stage '\(rollout.stages[stage].name)': \(rollout.failures(inStage: stage)) failed, "
                    + "more than the budget of \(rollout.failureBudget(ofStage: stage))")
        } else if count(.healthy) == 0, rolledBack > 0 {
            moveRollout(to: .rolledBack, reason: "every cluster was rolled back")
        } else {
            moveRollout(to: .succeeded, reason: rolledBack > 0 ? "\(rolledBack) rolled back on the way" : nil)
        }
    }

    /// A joiner whose agent went away does not hold the end: its assignment is stored, or the next rollout brings it level.
    private func isLeftToItself(_ target: TargetState) -> Bool {
        target.late == .joined && (target.phase == .unreachable || target.phase == .queued)
            && isUnreachable(target.cluster)
    }
}
