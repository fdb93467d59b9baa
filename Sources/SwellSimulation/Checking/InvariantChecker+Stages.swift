internal import SwellEngine
internal import SwellModel

// When stages may start and pass (invariants 2, 3 and 14).
extension InvariantChecker {
    func checkStages(_ before: Rollout, _ after: Rollout, now: Timestamp) throws(Violation) {
        for (index, stage) in after.stages.enumerated() {
            let former = before.stages[index]
            let rule = after.policy.stages[index]
            if former.startedAt == nil, stage.startedAt != nil {
                guard after.stages[..<index].allSatisfy({ $0.passedAt != nil && $0.phase == .passed }) else {
                    throw Violation(invariant: 2, message: "stage \(stage.name) starts before the earlier ones passed")
                }
                if rule.approval.before, stage.approvedBefore?.digest != after.release.digest {
                    throw Violation(invariant: 14, message: "stage \(stage.name) starts without its approval")
                }
            }
            if former.passedAt == nil, stage.passedAt != nil {
                try checkPass(index, stage, rule, after, now: now)
            }
        }
    }

    private func checkPass(
        _ index: Int, _ stage: StageState, _ rule: PolicyStage, _ after: Rollout, now: Timestamp
    ) throws(Violation) {
        let members = after.targets.values.filter {
            $0.stage == index && $0.phase != .skipped && $0.late == nil
        }
        for target in members where ![.healthy, .failed, .rolledBack, .rollbackFailed].contains(target.phase) {
            throw Violation(invariant: 2, message: "stage \(stage.name) passed, \(target.cluster) is \(target.phase)")
        }
        let healthy = members.filter { $0.phase == .healthy }
        if rule.approval.after, !members.isEmpty, stage.approvedAfter?.digest != after.release.digest {
            throw Violation(invariant: 14, message: "stage \(stage.name) passed without its approval")
        }
        guard stage.promotion == nil, !healthy.isEmpty else { return }
        for target in healthy {
            guard let since = target.healthyAt, since <= now - rule.soak || rule.soak == .zero else {
                throw Violation(invariant: 3, message: "\(target.cluster) soaked too short in stage \(stage.name)")
            }
            // By the order in which words came, so that a clock that jumps hides none.
            let subject = IngestLog.Subject(
                place: ClusterApplication(target.cluster, after.application), generation: target.generation ?? 0)
            if let bad = ledger.ingested.bad[subject], bad.digest == target.assigned?.digest,
                let heard = ledger.active[after.name]?.healthySince[target.cluster], bad.order > heard
            {
                throw Violation(invariant: 3, message: "\(target.cluster) was bad within the soak of \(stage.name)")
            }
        }
    }
}
