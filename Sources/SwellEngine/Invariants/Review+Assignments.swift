internal import SwellModel

// What is assigned to whom (invariants 2, 5 to 9, 13, 18, 20 and 22).
extension DecisionReview {
    mutating func reviewAssignments(_ decision: Decision) {
        guard !decision.assignments.isEmpty else { return }
        let after = decision.rollout
        let overspent = overspentStages(after)
        let passed = after.stages.firstIndex { $0.phase != .passed } ?? after.stages.count
        for assignment in decision.assignments {
            guard let target = after.targets[assignment.cluster], let attempt = target.attempt else {
                note(.identity, "\(assignment.cluster)", seen: "it is assigned to", expected: "it is a target")
                continue
            }
            reviewNumbers(assignment, attempt)
            if target.phase == .rollingBack {
                reviewWayBack(assignment, target, after, overspent)
            } else {
                reviewForward(assignment, target, after, overspent, passed)
            }
        }
    }

    /// Generations rise, and an epoch is the lease's or the cluster's own; what is noted is what is assigned.
    private mutating func reviewNumbers(_ assignment: Assignment, _ attempt: Attempt) {
        let name = assignment.cluster
        let facts = input.snapshot.fleet[name]
        let seen = reports[name] ?? []
        let known = max(
            facts?.highestGeneration ?? 0, before.targets[name]?.attempt?.generation ?? 0,
            facts?.report.map { $0.generation < 1 << 52 ? $0.generation : 0 } ?? 0)
        if assignment.generation <= known {
            note(
                .generation, "\(name)", seen: "generation \(assignment.generation)",
                expected: "\(known) is known already")
        }
        let floor = max(
            input.epoch, facts?.report?.epoch ?? 0, before.targets[name]?.attempt?.epoch ?? 0,
            seen.map(\.report.epoch).max() ?? 0)
        if assignment.epoch < input.epoch || assignment.epoch > floor {
            note(
                .epoch, "\(name)", seen: "epoch \(assignment.epoch)",
                expected: "the lease's is \(input.epoch) and the cluster has seen \(floor)")
        }
        if attempt.generation != assignment.generation || attempt.goal != assignment.goal
            || attempt.epoch != assignment.epoch
        {
            note(
                .evidence, "\(name)", seen: "it is noted under generation \(attempt.generation)",
                expected: "it is assigned under \(assignment.generation), with the same goal and epoch")
        }
        if facts == nil { note(.membership, "\(name)", seen: "it is assigned to", expected: "it left the fleet") }
    }

    private mutating func reviewForward(
        _ assignment: Assignment, _ target: TargetState, _ after: Rollout, _ overspent: Set<Int>, _ passed: Int
    ) {
        let subject = "\(target.cluster)"
        // One that the rollout ends without goes out in the very decision that ends it.
        if after.phase != .progressing, after.phase != .succeeded, after.phase != .failed {
            note(.precedence, subject, seen: "it is dispatched to", expected: "the rollout is \(after.phase.rawValue)")
        }
        if after.pause != nil || isPaused(target, after) {
            note(.pause, subject, seen: "it is dispatched to", expected: "a pause covers it")
        }
        if after.policy.onFailure.action != .continue, let stage = overspent.min() {
            note(
                .budget, subject, seen: "it is dispatched to",
                expected: "stage \(after.stages[stage].name) has more failures than its budget")
        }
        if target.stage > passed {
            note(
                .stageOrder, subject, seen: "it is dispatched to",
                expected: "stage \(after.stages[passed].name), before its own, has not passed")
        }
        if isOrderedBack(target, after) {
            note(.precedence, subject, seen: "it is dispatched to", expected: "it was ordered to go back")
        }
        reviewGoal(assignment, target, after)
    }

    /// Whether an order to go back covers it, and none after that to try again.
    private func isOrderedBack(_ target: TargetState, _ after: Rollout) -> Bool {
        var isOrdered = false
        for command in obeyed {
            switch command {
            case .rollback(let scope, _, _): isOrdered = isOrdered || isCovered(target, by: scope, after)
            case .retry(let clusters): if clusters.isEmpty || clusters.contains(target.cluster) { isOrdered = false }
            default: break
            }
        }
        return isOrdered
    }

    private mutating func reviewGoal(_ assignment: Assignment, _ target: TargetState, _ after: Rollout) {
        let others = input.snapshot.fleet[target.cluster]?.proven.filter { $0.digest != after.release.digest } ?? []
        let expected: Assignment.Goal
        switch after.kind {
        case .release: expected = .run(after.release)
        case .undo: expected = others.first.map { .run($0) } ?? .remove
        case .removal: expected = .remove
        }
        if assignment.goal != expected {
            note(.wayBack, "\(target.cluster)", seen: "it is to \(assignment.goal)", expected: "it should \(expected)")
        }
        if let fallback = assignment.fallback, fallback.digest == after.release.digest || after.kind != .release {
            note(
                .wayBack, "\(target.cluster)", seen: "it may fall back to \(fallback.version)",
                expected: "that is what may have failed, or is being undone")
        }
    }

    /// Back to what was proven there before; removed only where somebody said so; and only where something covers it.
    private mutating func reviewWayBack(
        _ assignment: Assignment, _ target: TargetState, _ after: Rollout, _ overspent: Set<Int>
    ) {
        let subject = "\(target.cluster)"
        switch assignment.goal {
        case .run(let release):
            if release != target.previous || release.digest == after.release.digest {
                note(
                    .wayBack, subject, seen: "it goes back to \(release.version)",
                    expected: "\(target.previous?.version ?? "nothing") was proven there before")
            }
        case .remove:
            let isOrdered = obeyed.contains {
                if case .rollback(let scope, _, true) = $0 { isCovered(target, by: scope, after) } else { false }
            }
            let wasRemoval = before.targets[target.cluster].map {
                ($0.phase == .rollingBack || $0.phase == .rolledBack) && $0.attempt?.goal == .remove
            }
            if target.previous != nil
                || !(isOrdered || wasRemoval == true || after.strategy.whenNeverHealthy == .remove)
            {
                note(.wayBack, subject, seen: "it is removed", expected: "nobody said to remove there")
            }
        }
        if before.targets[target.cluster]?.ranBefore == true, target.ranBefore, !isNamed(target.cluster) {
            note(
                .healthyIsLeftAlone, subject, seen: "it is taken back",
                expected: "it ran \(after.release.version) before this rollout")
        }
        if !mayGoBack(target, after, overspent) {
            note(.healthyIsLeftAlone, subject, seen: "it is taken back", expected: "nothing that covers it was")
        }
    }

    /// Whether a person named the cluster to go back, in this decision or before.
    private func isNamed(_ name: ClusterName) -> Bool {
        before.rolledBack.contains(.cluster(name))
            || obeyed.contains { if case .rollback(.cluster(name), _, _) = $0 { true } else { false } }
    }

    /// Whether an order, its own failure, or what the policy makes of failures takes a target back.
    private func mayGoBack(_ target: TargetState, _ after: Rollout, _ overspent: Set<Int>) -> Bool {
        let former = before.targets[target.cluster]
        if former?.phase == .rollingBack || former?.phase == .rolledBack || before.phase == .rollingBack { return true }
        if target.failedAt != nil, after.policy.onFailure.action == .rollback { return true }
        let scopes = obeyed.compactMap { if case .rollback(let scope, _, _) = $0 { scope } else { nil } }
        if (scopes + before.rolledBack).contains(where: { isCovered(target, by: $0, after) }) { return true }
        guard after.policy.onFailure.action == .rollback, !overspent.isEmpty else { return false }
        switch after.policy.onFailure.scope {
        case .rollout: return true
        case .stage: return overspent.contains(target.stage)
        case .region: return failedRegions(after, overspent).contains(target.region)
        case .cluster: return false
        }
    }

    private func failedRegions(_ after: Rollout, _ overspent: Set<Int>) -> Set<RegionName> {
        Set(after.targets.values.lazy.filter { $0.failedAt != nil && overspent.contains($0.stage) }.map(\.region))
    }

    func isPaused(_ target: TargetState, _ after: Rollout) -> Bool {
        let regions = [target.region, input.snapshot.fleet[target.cluster]?.cluster.region ?? target.region]
        return regions.contains { after.pausedRegions[$0] != nil || input.snapshot.pausedRegions[$0] != nil }
            || after.pausedClusters[target.cluster] != nil || input.snapshot.pausedClusters[target.cluster] != nil
    }

    func isCovered(_ target: TargetState, by scope: RollbackScope, _ rollout: Rollout) -> Bool {
        switch scope {
        case .rollout: true
        case .stage(let name): rollout.policy.stages[target.stage].name == name
        case .region(let name): target.region == name
        case .cluster(let name): target.cluster == name
        }
    }

    /// The stages in which more clusters failed than may, each counted as it stands after the decision.
    func overspentStages(_ rollout: Rollout) -> Set<Int> {
        var failed = Array(repeating: 0, count: rollout.stages.count)
        var takingPart = failed
        for target in rollout.targets.values where target.late != .joined {
            if target.failedAt != nil { failed[target.stage] += 1 }
            if target.failedAt != nil || target.phase != .skipped { takingPart[target.stage] += 1 }
        }
        return Set(
            rollout.stages.indices.filter { index in
                let planned = rollout.stages[index].lanes.values.reduce(0, +)
                let size = min(planned, takingPart[index])
                return failed[index] > rollout.policy.stages[index].failureBudget.resolved(of: size, atLeast: 0)
            })
    }
}
