internal import SwellEngine
internal import SwellModel

// When stages may start and pass (invariants 2, 3, 14 and 21).
extension InvariantChecker {
    func checkStages(_ before: Rollout, _ after: Rollout, _ input: DecisionInput) throws(Violation) {
        for (index, stage) in after.stages.enumerated() {
            let former = before.stages[index]
            let rule = after.policy.stages[index]
            if former.startedAt == nil, stage.startedAt != nil {
                guard after.stages[..<index].allSatisfy({ $0.passedAt != nil && $0.phase == .passed }) else {
                    throw Violation(invariant: 2, message: "stage \(stage.name) starts before the earlier ones passed")
                }
                if rule.approval.before, !Self.isEmpty(index, after),
                    stage.approvedBefore?.digest != after.release.digest
                {
                    throw Violation(invariant: 14, message: "stage \(stage.name) starts without its approval")
                }
            }
            if former.passedAt == nil, stage.passedAt != nil {
                try checkPass(index, stage, rule, after, input)
            }
        }
    }

    /// Whether a stage has nothing to bring up and never had, or takes back what there is nothing to go back from: it asks nobody.
    private static func isEmpty(_ index: Int, _ rollout: Rollout) -> Bool {
        let targets = rollout.targets.values.filter { $0.stage == index }
        let isWaitedFor = targets.contains { $0.late == nil && $0.phase != .skipped }
        guard !isWaitedFor, !targets.contains(where: { $0.failedAt != nil && $0.late != .joined }) else { return false }
        let isHeld = rollout.kind != .release && targets.contains { $0.skip == .neverHealthy }
        return isHeld || rollout.stages[index].lanes.values.allSatisfy { $0 == 0 }
    }

    /// A stage passes without a healthy cluster where all of them failed and the policy tolerates that, or where it has none to bring
    /// up: it was planned without, or takes back what there is nothing to go back from (invariant 21).
    private func checkUnproven(_ index: Int, _ stage: StageState, _ members: [TargetState], _ after: Rollout)
        throws(Violation)
    {
        if !members.isEmpty, members.allSatisfy({ $0.failedAt != nil }) { return }
        if Self.isEmpty(index, after) { return }
        throw Violation(invariant: 21, message: "stage \(stage.name) passed, and nothing speaks for it")
    }

    /// A stage goes on without a cluster only where its region is paused and the policy says to skip it, where it is one of the few
    /// that may be away, where a person left it behind, or where it is told again.
    private func checkDeferred(
        _ index: Int, _ stage: StageState, _ after: Rollout, _ input: DecisionInput
    ) throws(Violation) {
        let deferred = after.targets.values.filter {
            $0.stage == index && $0.late == .deferred && input.rollout.targets[$0.cluster]?.late == nil
        }
        let excluded = deferred.filter { target in
            let regions = [target.region, input.snapshot.fleet[target.cluster]?.cluster.region ?? target.region]
            let isPaused = regions.contains { after.pausedRegions[$0] ?? input.snapshot.pausedRegions[$0] != nil }
            return isPaused && after.policy.pausedRegion == .skip
                || ledger.active[after.name]?.leftBehind.contains(target.cluster) == true
        }
        let away = deferred.filter { target in !excluded.contains { $0.cluster == target.cluster } }
        let size = stage.lanes.values.reduce(0, +)
        let limit = after.policy.maxUnreachable?.resolved(of: size, atLeast: 0) ?? 0
        guard away.allSatisfy({ Self.isAway($0.cluster, input) }), away.count <= limit else {
            let names = away.map(\.cluster.rawValue).sorted().joined(separator: ", ")
            throw Violation(
                invariant: 21, message: "stage \(stage.name) passed without \(names), and nothing allows that")
        }
    }

    /// People agreed to what they saw: not to what became healthy only since (invariant 14).
    private func checkAgreement(_ stage: StageState, _ healthy: [TargetState], _ after: Rollout) throws(Violation) {
        guard let active = ledger.active[after.name] else { return }
        let agreedAt = active.agreedAt[stage.name] ?? 0
        for target in healthy where active.healthySince[target.cluster] ?? 0 > agreedAt {
            throw Violation(
                invariant: 14,
                message: "stage \(stage.name) passed by an approval from before \(target.cluster) was healthy")
        }
    }

    private func checkPass(
        _ index: Int, _ stage: StageState, _ rule: PolicyStage, _ after: Rollout, _ input: DecisionInput
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
        try checkDeferred(index, stage, after, input)
        if rule.approval.after, !members.isEmpty { try checkAgreement(stage, healthy, after) }
        guard stage.promotion == nil else { return }
        try checkSight(healthy, stage, input, after.name)
        guard !healthy.isEmpty else {
            // Whoever failed was a member, though the stage goes on before it is taken back.
            let failed = after.targets.values.filter {
                $0.stage == index && $0.late == .deferred && $0.failedAt != nil && $0.phase != .skipped
                    && input.rollout.targets[$0.cluster]?.late == nil
            }
            return try checkUnproven(index, stage, members + failed, after)
        }
        let now = input.now
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
