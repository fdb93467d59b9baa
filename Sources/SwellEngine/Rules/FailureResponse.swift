internal import SwellModel

// What follows from failures (invariants 5 and 13).
//
// Within the budget the stage goes on; where the policy's action is rollback, each failed cluster is taken back by itself, so that
// its assignment agrees with what should run there. Beyond the budget nothing forward is dispatched anywhere in the rollout, at once;
// the policy's scope says how far the taking back reaches, never how much is stopped:
//
// | action | scope | beyond the budget |
// |---|---|---|
// | rollback | rollout | everything the rollout touched goes back; it ends rolledBack |
// | rollback | stage, region | the failed stage, or the failed clusters' regions, go back; the rollout is paused |
// | rollback | cluster | the failed clusters go back; the rollout is paused |
// | pause | any | the rollout is paused |
// | continue | any | the budget stops nothing; it says at the end whether the rollout succeeded or failed |
//
// Paused for failures it waits until failed clusters are retried or heal, a person leaves them out, or it is rolled back or aborted.
extension DecisionState {
    mutating func respondToFailures() {
        guard rollout.policy.onFailure.action == .rollback else { return }
        // First, and each for a reason of its own: beyond the budget the rest go back for theirs.
        if tally.count(.failed) > 0 {
            for name in names {
                let target = target(name)
                guard target.phase == .failed else { continue }
                rollBackTarget(name, reason: target.reason ?? "failed")
            }
        }
        if rollout.phase != .rollingBack {
            for index in rollout.stages.indices where tally.failures(inStage: index).isExceeded {
                respond(toStage: index)
            }
        }
    }

    private mutating func respond(toStage index: Int) {
        let stage = rollout.stages[index].name
        let reason = "stage '\(stage)': \(tally.failures(inStage: index))"
        let failed = names(inStage: index).filter { target($0).countsAsFailure }
        switch rollout.policy.onFailure.scope {
        case .rollout:
            let culprit = failed.first.map { "\($0): \(target($0).reason ?? "failed")" }
            rollBack(.rollout, reason: reason, culprit: culprit)
        case .stage: rollBack(.stage(stage), reason: reason)
        case .region:
            let regions = Set(failed.map { target($0).region })
            for region in regions.sorted() { rollBack(.region(region), reason: reason) }
        case .cluster: break
        }
    }
}
