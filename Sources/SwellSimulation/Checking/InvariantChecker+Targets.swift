internal import SwellEngine
internal import SwellModel

// What targets count as, and on whose word (invariants 4, 12, 13 and 18).
extension InvariantChecker {
    mutating func checkTargets(_ input: DecisionInput, _ decision: Decision) throws(Violation) {
        for row in decision.transitions {
            guard case .target(let name) = row.subject, let target = decision.rollout.targets[name],
                let former = input.rollout.targets[name], former != target
            else { continue }
            if target.healthyAt != former.healthyAt {
                ledger.active[decision.rollout.name]?.healthySince[name] =
                    target.healthyAt == nil ? nil : ledger.ingested.count
                ledger.active[decision.rollout.name]?.litSince[name] = decisions
            }
            if target.provenAt != nil, former.provenAt != target.provenAt { try checkProof(target, input.rollout) }
            if target.phase == .rolledBack, former.phase == .rollingBack { try checkProof(target, input.rollout) }
            try checkOwnWord(target, former, input.rollout)
            try checkLateness(target, former, input)
            if former.failedAt == nil, target.failedAt != nil { try checkFailure(target, former, input) }
            if former.failedAt != nil, target.failedAt == nil { try checkForgiven(target, former, input.rollout) }
        }
    }

    private func checkProof(_ target: TargetState, _ rollout: Rollout) throws(Violation) {
        let subject = IngestLog.Subject(
            place: ClusterApplication(target.cluster, rollout.application), generation: target.generation ?? 0)
        if let word = ledger.ingested.good[subject],
            ledger.ingested.goodDigests[subject]?.contains(target.assigned?.digest) == true,
            word.at >= target.dispatchedAt ?? word.at
        {
            return
        }
        // An agent that went back by itself says so; that is never evidence for the release (invariant 13).
        let wentBack = ledger.ingested.givenUp[subject] != nil
        throw Violation(
            invariant: wentBack ? 13 : 4,
            message: "\(target.cluster) counts as \(target.phase) at generation \(target.generation ?? 0), "
                + (wentBack ? "which its agent gave up" : "without a word of it"))
    }

    private func checkFailure(
        _ target: TargetState, _ former: TargetState, _ input: DecisionInput
    ) throws(Violation) {
        let subject = IngestLog.Subject(
            place: ClusterApplication(target.cluster, input.rollout.application), generation: former.generation ?? 0)
        if ledger.ingested.givenUp[subject] != nil { return }
        guard let deadline = former.deadlineAt.map({ Self.judgement(at: $0, input) }), input.now >= deadline,
            let seen = input.snapshot.fleet[target.cluster]?.lastSeenAt, seen >= deadline
        else {
            throw Violation(invariant: 12, message: "\(target.cluster) failed though nothing was heard that says so")
        }
    }

    /// When a deadline may be held against a cluster: an agent that stood still for less than the policy calls silence is later by as
    /// much, and a time in which nobody decided counts against nobody (invariants 12 and 23).
    static func judgement(at deadline: Timestamp, _ input: DecisionInput) -> Timestamp {
        var moment = deadline + input.rollout.policy.unreachableAfter
        if let dueAt = input.dueAt, input.now - dueAt > .seconds(10) { moment = moment + (input.now - dueAt) }
        return moment
    }

    /// A failure stands until a person says otherwise, or its cluster proves what it failed (invariant 21).
    private func checkForgiven(_ target: TargetState, _ former: TargetState, _ rollout: Rollout) throws(Violation) {
        if ledger.active[rollout.name]?.forgiven.contains(target.cluster) == true { return }
        let subject = IngestLog.Subject(
            place: ClusterApplication(target.cluster, rollout.application), generation: former.generation ?? 0)
        guard ledger.ingested.goodDigests[subject]?.contains(former.assigned?.digest) == true else {
            throw Violation(
                invariant: 21, message: "\(target.cluster) does not count as failed any more, and nothing says so")
        }
    }

    // MARK: Members

    /// Who left is skipped, and who joined is part of it before it succeeds (invariant 18).
    func checkMembers(_ input: DecisionInput, _ after: Rollout) throws(Violation) {
        let fleet = input.snapshot.fleet
        if !after.phase.isEnded {
            for target in after.targets.values where target.phase != .skipped && fleet[target.cluster] == nil {
                throw Violation(invariant: 18, message: "\(target.cluster) left and counts as \(target.phase)")
            }
        }
        guard after.phase == .succeeded, input.rollout.phase != .succeeded, after.kind == .release else { return }
        for facts in fleet.values where after.targets[facts.cluster.name] == nil {
            let cluster = facts.cluster
            guard facts.isEnrolled, let seen = facts.lastSeenAt, input.now - seen <= after.policy.unreachableAfter,
                facts.heldBy == nil || facts.heldBy == after.name, after.select.matches(cluster),
                let stage = after.policy.stages.firstIndex(where: { $0.select.matches(cluster) })
            else { continue }
            let isTakenBack = after.rolledBack.contains { scope in
                switch scope {
                case .rollout: true
                case .stage(let name): after.policy.stages[stage].name == name
                case .region(let name): cluster.region == name
                case .cluster(let name): cluster.name == name
                }
            }
            guard isTakenBack else {
                throw Violation(
                    invariant: 18, message: "\(cluster.name) joined and \(after.name) succeeded without it")
            }
        }
    }
}
