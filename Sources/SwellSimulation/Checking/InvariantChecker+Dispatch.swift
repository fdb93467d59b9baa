internal import SwellEngine
internal import SwellModel

// What may be dispatched, forward and back (invariants 1, 2, 5 to 9, 13 and 18).
extension InvariantChecker {
    mutating func checkGenerations(_ decision: Decision, _ input: DecisionInput) throws(Violation) {
        for assignment in decision.assignments {
            let place = ClusterApplication(assignment)
            let facts = input.snapshot.fleet[assignment.cluster]
            try checkEpoch(assignment, place, input)
            let known = max(ledger.highestAssigned[place] ?? 0, facts?.highestGeneration ?? 0)
            guard assignment.generation > known else {
                throw Violation(
                    invariant: 8,
                    message: "\(assignment.cluster) is assigned generation \(assignment.generation), \(known) is known")
            }
            try checkReach(assignment, known: known)
            ledger.highestAssigned[place] = assignment.generation
            ledger.removals[place] = assignment.goal == .remove ? assignment.generation : nil
            guard facts != nil else {
                throw Violation(invariant: 18, message: "\(assignment.cluster) left and is assigned something")
            }
        }
    }

    /// An assignment carries the lease's epoch; a higher one only where this very cluster is known to have seen it, since its agent
    /// would refuse any lower (invariants 9 and 22).
    private mutating func checkEpoch(
        _ assignment: Assignment, _ place: ClusterApplication, _ input: DecisionInput
    ) throws(Violation) {
        let reported = input.snapshot.fleet[assignment.cluster]?.report?.epoch ?? 0
        let lowest = max(input.epoch, reported, input.rollout.targets[assignment.cluster]?.epoch ?? 0)
        let highest = max(lowest, ledger.ingested.highestEpoch[place] ?? 0, ledger.highestEpoch[place] ?? 0)
        guard (lowest...highest).contains(assignment.epoch) else {
            throw Violation(
                invariant: assignment.epoch > highest && isAnothers(assignment.epoch, place) ? 22 : 9,
                message:
                    "\(assignment.cluster) is told under epoch \(assignment.epoch), the lease is of \(input.epoch) "
                    + "and the cluster has seen \(highest)")
        }
        ledger.highestEpoch[place] = max(ledger.highestEpoch[place] ?? 0, assignment.epoch)
    }

    /// Whether an agent is not heard of: nobody knows what its cluster does.
    static func isAway(_ cluster: ClusterName, _ input: DecisionInput) -> Bool {
        guard let seen = input.snapshot.fleet[cluster]?.lastSeenAt else { return true }
        return input.now - seen > input.rollout.policy.unreachableAfter
    }

    /// Whether nobody waits for a target any more: it was left behind, and is not heard of.
    static func isForsaken(_ target: TargetState, _ input: DecisionInput) -> Bool {
        target.late == .deferred && isAway(target.cluster, input)
    }

    mutating func checkForward(
        _ forward: [Assignment], _ input: DecisionInput, _ after: Rollout
    ) throws(Violation) {
        guard !forward.isEmpty else { return }
        let names = forward.map(\.cluster.rawValue).joined(separator: ", ")
        guard after.phase == .progressing || after.phase == .succeeded else {
            throw Violation(invariant: 7, message: "\(after.name) is \(after.phase) and dispatches to \(names)")
        }
        guard after.pause == nil else {
            throw Violation(invariant: 6, message: "\(after.name) is paused and dispatches to \(names)")
        }
        let watched = forward.count { assignment in
            after.targets[assignment.cluster].map { !Self.isForsaken($0, input) } ?? true
        }
        if let headroom = input.snapshot.fleetHeadroom, watched > headroom {
            throw Violation(invariant: 1, message: "\(watched) dispatched, the fleet's headroom is \(headroom)")
        }
        if after.policy.onFailure.action != .continue {
            for index in after.stages.indices {
                let (failures, budget) = Self.failures(inStage: index, of: after)
                guard failures <= budget else {
                    throw Violation(invariant: 5, message: "\(failures) failed, budget \(budget); dispatched \(names)")
                }
            }
        }
        for assignment in forward {
            guard let target = after.targets[assignment.cluster] else { continue }
            try checkWay(of: target, input, after)
            try checkGoal(of: assignment, target, input, after)
        }
    }

    /// How many of a stage's clusters failed, and how many may. Who failed and left has failed; a share is of those who are there, and
    /// of those who failed, never of more than were planned (invariant 21).
    static func failures(inStage index: Int, of rollout: Rollout) -> (failures: Int, budget: Int) {
        let regular = rollout.targets.values.filter { $0.stage == index && $0.late != .joined }
        let failures = regular.count { $0.failedAt != nil }
        let present = regular.count { $0.failedAt != nil || $0.phase != .skipped }
        let size = min(present, rollout.stages[index].lanes.values.reduce(0, +))
        return (failures, rollout.policy.stages[index].failureBudget.resolved(of: size, atLeast: 0))
    }

    private func checkWay(of target: TargetState, _ input: DecisionInput, _ after: Rollout) throws(Violation) {
        // Who is left behind for good finds its assignment when it is back; nobody else is told anything while it is away.
        if Self.isAway(target.cluster, input), !(after.phase.isEnded && target.late == .deferred) {
            throw Violation(invariant: 12, message: "\(target.cluster) is not heard of and is dispatched to")
        }
        // Of the region as it was planned, and of the one where the cluster is by now.
        let regions = [target.region, input.snapshot.fleet[target.cluster]?.cluster.region ?? target.region]
        guard
            regions.allSatisfy({ after.pausedRegions[$0] == nil && input.snapshot.pausedRegions[$0] == nil }),
            after.pausedClusters[target.cluster] == nil, input.snapshot.pausedClusters[target.cluster] == nil
        else { throw Violation(invariant: 6, message: "\(target.cluster) is paused and is dispatched to") }
        guard after.stages[..<target.stage].allSatisfy({ $0.phase == .passed }) else {
            throw Violation(invariant: 2, message: "\(target.cluster) of stage \(target.stage) before its turn")
        }
        if isTakenBack(target, of: after) {
            throw Violation(invariant: 7, message: "\(target.cluster) dispatched after it was ordered to go back")
        }
        // Where nobody else is left to prove the stage, a joiner has become its member.
        let isOneOfOthers = after.targets.values.contains {
            $0.stage == target.stage && $0.holdsStage && input.rollout.targets[$0.cluster]?.holdsStage == true
        }
        let wasJoiner = input.rollout.targets[target.cluster]?.late == .joined
        if target.late == .joined || wasJoiner && isOneOfOthers, after.stages[target.stage].phase != .passed {
            throw Violation(
                invariant: 18, message: "\(target.cluster) joined late and goes before its stage has passed")
        }
    }

    /// A release goes forward with the way back that is proven; an undo goes to the last other release that is.
    private mutating func checkGoal(
        of assignment: Assignment, _ target: TargetState, _ input: DecisionInput, _ after: Rollout
    ) throws(Violation) {
        let proven = ledger.proven[ClusterApplication(assignment)] ?? []
        if ledger.active[after.name]?.arrived.insert(target.cluster).inserted == true {
            if after.kind == .release, Self.runs(after.release, input.snapshot.fleet[target.cluster], proven) {
                ledger.active[after.name]?.unchanged.insert(target.cluster)
            }
            ledger.active[after.name]?.returns[target.cluster] = proven.first { $0.digest != after.release.digest }
        }
        let goal: Assignment.Goal
        var fallback = ledger.active[after.name]?.returns[target.cluster]
        switch after.kind {
        case .release: goal = .run(after.release)
        case .undo:
            let other = proven.first { $0.digest != after.release.digest }
            guard other != nil || after.strategy.whenNeverHealthy == .remove else {
                throw Violation(
                    invariant: 13, message: "\(target.cluster) has nothing to go back to, and is not held but told")
            }
            goal = other.map { .run($0) } ?? .remove
            fallback = nil
        case .removal:
            goal = .remove
            fallback = nil
        }
        guard assignment.goal == goal, assignment.fallback == fallback else {
            throw Violation(
                invariant: 13,
                message: "\(target.cluster) goes to \(assignment.goal) with the way back "
                    + "\(assignment.fallback?.version ?? "none"), not \(goal) with \(fallback?.version ?? "none")")
        }
    }

    /// Whether a cluster is told to run a release, has proven it last of all, and never spoke of another since.
    private static func runs(
        _ release: ReleaseReference, _ facts: ClusterFacts?, _ proven: [ReleaseReference]
    ) -> Bool {
        guard let facts, facts.assigned?.digest == release.digest, proven.first?.digest == release.digest else {
            return false
        }
        return facts.report == nil || facts.report?.digest == release.digest
    }

    // MARK: Back

    /// Who failed a release has no claim to it, whatever ran there before.
    mutating func noteFailures(_ input: DecisionInput, _ after: Rollout) {
        guard ledger.active[after.name]?.unchanged.isEmpty == false else { return }
        for target in after.targets.values where target.failedAt != nil {
            ledger.active[after.name]?.unchanged.remove(target.cluster)
        }
        for record in input.reports where [.failed, .reverting, .reverted].contains(record.report.phase) {
            ledger.active[after.name]?.unchanged.remove(record.cluster)
        }
    }

    mutating func checkBackward(
        _ backward: [Assignment], _ before: Rollout, _ after: Rollout
    ) throws(Violation) {
        for assignment in backward {
            guard let target = after.targets[assignment.cluster] else { continue }
            let isNamed = ledger.active[after.name]?.takenBack.contains(.cluster(target.cluster)) == true
            if ledger.active[after.name]?.unchanged.contains(target.cluster) == true, !isNamed {
                throw Violation(
                    invariant: 20,
                    message:
                        "\(target.cluster) ran \(after.release.version) before \(after.name), and is taken back with it"
                )
            }
            let proven = ledger.active[after.name]?.returns[target.cluster]
            let isRemoved =
                after.strategy.whenNeverHealthy == .remove
                || ledger.active[after.name]?.removed.contains { Self.covers($0, target, of: after) } == true
            guard proven != nil || isRemoved else {
                throw Violation(
                    invariant: 13, message: "\(target.cluster) was never healthy, and is not held but reissued")
            }
            let expected: Assignment.Goal = proven.map { .run($0) } ?? .remove
            guard assignment.goal == expected, assignment.fallback == nil else {
                throw Violation(
                    invariant: 13, message: "\(target.cluster) goes back to \(assignment.goal), not \(expected)")
            }
            guard mayGoBack(target, before, after) else {
                throw Violation(
                    invariant: 13, message: "\(target.cluster) is taken back, though nothing that covers it was")
            }
        }
    }

    /// Whether an order, its own failure or what its policy makes of others' takes a target back.
    private func mayGoBack(_ target: TargetState, _ before: Rollout, _ after: Rollout) -> Bool {
        let ordered = ledger.active[after.name]?.takenBack ?? []
        if ordered.contains(where: { Self.covers($0, target, of: after) }) { return true }
        if let former = before.targets[target.cluster]?.phase, former == .rollingBack || former == .rolledBack {
            return true
        }
        let rule = after.policy.onFailure
        guard rule.action == .rollback else { return false }
        if target.failedAt != nil { return true }
        let overspent = after.stages.indices.filter {
            let (failures, budget) = Self.failures(inStage: $0, of: after)
            return failures > budget
        }
        switch rule.scope {
        case .rollout: return !overspent.isEmpty || before.phase == .rollingBack
        case .stage: return overspent.contains(target.stage) || wasTakenBack(target, before)
        case .region:
            return wasTakenBack(target, before)
                || after.targets.values.contains {
                    $0.region == target.region && $0.failedAt != nil && overspent.contains($0.stage)
                }
        case .cluster: return false
        }
    }

    private func wasTakenBack(_ target: TargetState, _ before: Rollout) -> Bool {
        before.rolledBack.contains { Self.covers($0, target, of: before) }
    }

    // MARK: Caps

    /// What is dispatched finds room: all that is under way there, but whom nobody waits for any more, stays within each cap.
    func checkCaps(_ forward: [Assignment], _ input: DecisionInput, _ after: Rollout) throws(Violation) {
        let dispatched = forward.compactMap { after.targets[$0.cluster] }.filter { !Self.isForsaken($0, input) }
        guard !dispatched.isEmpty else { return }
        let underWay = after.targets.values.filter {
            [.dispatched, .applying, .verifying, .unreachable, .rollingBack].contains($0.phase)
                && !Self.isForsaken($0, input)
        }
        for (index, targets) in Dictionary(grouping: dispatched, by: \.stage) {
            let stage = after.policy.stages[index]
            let inStage = underWay.filter { $0.stage == index }
            let sizes = after.stages[index].lanes
            for region in Set(targets.map(\.region)) {
                let count = inStage.count { $0.region == region }
                let cap = stage.maxConcurrent.resolved(of: sizes[region] ?? 0, atLeast: 1)
                guard count <= cap else {
                    throw Violation(invariant: 1, message: "\(count) in flight in \(region), the cap is \(cap)")
                }
            }
            if let cap = stage.maxConcurrentInStage?.resolved(of: sizes.values.reduce(0, +), atLeast: 1),
                inStage.count > cap
            {
                throw Violation(invariant: 1, message: "\(inStage.count) in flight in stage \(stage.name), cap \(cap)")
            }
        }
        let total = after.stages.reduce(0) { $0 + $1.lanes.values.reduce(0, +) }
        if let cap = after.policy.maxConcurrent?.resolved(of: total, atLeast: 1), underWay.count > cap {
            throw Violation(invariant: 1, message: "\(underWay.count) in flight in the rollout, the cap is \(cap)")
        }
    }
}
