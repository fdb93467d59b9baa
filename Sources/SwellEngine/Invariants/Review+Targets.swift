internal import SwellModel

// What targets count as, and on whose word (invariants 4, 12, 18, 20 to 23).
extension DecisionReview {
    mutating func reviewTargets(_ after: Rollout) {
        for target in after.targets.values {
            guard let former = before.targets[target.cluster] else { continue }
            if !after.phase.isEnded, target.phase != .skipped, input.snapshot.fleet[target.cluster] == nil {
                note(
                    .membership, "\(target.cluster)", seen: "it is \(target.phase.rawValue)",
                    expected: "it left the fleet")
            }
            guard former != target else { continue }
            reviewProof(target, former)
            reviewFailure(target, former, after)
            if former.failedAt != nil, target.failedAt == nil { reviewForgetting(target, former) }
        }
    }

    /// Healthy, or back, is what the cluster's own agent said of this very attempt.
    private mutating func reviewProof(_ target: TargetState, _ former: TargetState) {
        guard let attempt = target.attempt, case .healthy = attempt.evidence.standing,
            former.attempt?.evidence.standing != attempt.evidence.standing
                || former.attempt?.generation != attempt.generation
        else { return }
        // It was said before, and only had to wait until it could be true.
        if former.attempt?.generation == attempt.generation, case .asserted? = former.attempt?.evidence.standing {
            return
        }
        let isSaid = reports[target.cluster]?.contains {
            Self.proves($0.report, attempt) && $0.receivedAt >= attempt.dispatchedAt
        }
        if isSaid == true { return }
        if let facts = input.snapshot.fleet[target.cluster], let report = facts.report, Self.proves(report, attempt),
            facts.reportedAt.map({ $0 >= attempt.dispatchedAt }) == true
        {
            return
        }
        note(
            .evidence, "\(target.cluster)", seen: "it counts as \(target.phase.rawValue)",
            expected: "no report says so of generation \(attempt.generation)")
    }

    private static func proves(_ report: ApplicationReport, _ attempt: Attempt) -> Bool {
        guard report.generation == attempt.generation, report.epoch == attempt.epoch else { return false }
        guard let release = attempt.release else { return report.phase == .removed }
        return report.phase == .healthy && report.health == .healthy && report.digest == release.digest
    }

    /// Failed is what the agent said, or what a deadline says of a cluster that could be judged all the while.
    private mutating func reviewFailure(_ target: TargetState, _ former: TargetState, _ after: Rollout) {
        let hasFailed = former.failedAt == nil && target.failedAt != nil
        guard hasFailed || former.phase == .rollingBack && target.phase == .rollbackFailed, let attempt = former.attempt
        else { return }
        let isSaid = reports[target.cluster]?.contains {
            $0.report.generation == attempt.generation && [.failed, .reverting, .reverted].contains($0.report.phase)
        }
        if isSaid == true { return }
        if let report = input.snapshot.fleet[target.cluster]?.report, report.generation == attempt.generation,
            [.failed, .reverting, .reverted].contains(report.phase)
        {
            return
        }
        switch attempt.evidence.standing {
        case .unknown, .unseen:
            note(
                .unknownStopsClocks, "\(target.cluster)", seen: "it failed", expected: "nothing was known of it")
        case .none, .good, .asserted, .healthy:
            guard case .running(let until) = attempt.deadline, input.now >= until,
                input.snapshot.fleet[target.cluster]?.lastSeenAt.map({ $0 >= until }) == true
            else {
                return note(
                    .unknownIsNeither, "\(target.cluster)", seen: "it failed",
                    expected: "neither its agent nor a deadline says so")
            }
        }
    }

    /// A failure is forgotten for a retry, for proof, or for a person who leaves the cluster out; never since the cluster left.
    private mutating func reviewForgetting(_ target: TargetState, _ former: TargetState) {
        if target.phase == .healthy { return }
        // It healed, and something else befell it within this very decision.
        if case .asserted? = former.attempt?.evidence.standing { return }
        if let attempt = former.attempt,
            reports[target.cluster]?.contains(where: { Self.proves($0.report, attempt) }) == true
        {
            return
        }
        let isOrdered = obeyed.contains {
            switch $0 {
            case .retry(let clusters): clusters.isEmpty || clusters.contains(target.cluster)
            case .skip(let cluster, _): cluster == target.cluster
            default: false
            }
        }
        if !isOrdered {
            note(
                .stageProof, "\(target.cluster)", seen: "its failure is forgotten",
                expected: "nobody retried it or left it out")
        }
    }
}
