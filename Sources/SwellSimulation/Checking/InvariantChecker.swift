internal import SwellEngine
internal import SwellModel

/// Checks every decision and every journal against the invariants, by its own reckoning: it shares no rule with the engine.
struct InvariantChecker {
    var startedAt = Timestamp(milliseconds: 0)

    struct Word: Hashable {
        var generation: Int64
        var digest: ContentDigest?
        var at: Timestamp
    }

    /// The latest good and bad word of each cluster, whatever came of it.
    private var lastGood: [ClusterName: Word] = [:]
    private var lastBad: [ClusterName: Word] = [:]
    /// The last time an agent said of a generation that it failed or reverted.
    private var lastGivenUp: [ClusterName: Word] = [:]
    private var highestAssigned: [ClusterName: Int64] = [:]
    private var consumed: Set<Int64> = []
    private var active: [RolloutName: Rollout] = [:]
    private var plans: [RolloutName: Rollout] = [:]
    private var rows: [RolloutName: [Transition]] = [:]

    // MARK: What is heard

    mutating func heard(_ cluster: ClusterName, _ report: ApplicationReport, at now: Timestamp) {
        let word = Word(generation: report.generation, digest: report.digest, at: now)
        switch report.phase {
        case .healthy where report.health == .healthy, .removed: lastGood[cluster] = word
        case .failed, .reverting, .reverted:
            lastGivenUp[cluster] = word
            lastBad[cluster] = word
        default: lastBad[cluster] = word
        }
    }

    mutating func planned(_ rollout: Rollout) {
        plans[rollout.name] = rollout
        rows[rollout.name] = []
        active[rollout.name] = rollout
    }

    /// The database went on from an earlier state: what was committed since is gone, and may be done anew.
    mutating func forgetStored(_ database: some Any) {
        highestAssigned = [:]
        consumed = []
        active = [:]
        plans = [:]
        rows = [:]
    }

    // MARK: Decisions

    mutating func check(_ input: DecisionInput, _ decision: Decision, looksTwice: Bool) throws(Violation) {
        let before = input.rollout
        let after = decision.rollout
        try checkShape(input, decision)
        if !decision.assignments.isEmpty {
            let forward = decision.assignments.filter { after.targets[$0.cluster]?.phase != .rollingBack }
            try checkGenerations(decision, input)
            try checkForward(forward, input, after)
            try checkBackward(decision.assignments.filter { after.targets[$0.cluster]?.phase == .rollingBack }, after)
        }
        if decision.transitions.isEmpty { return }
        try checkCaps(before, after)
        try checkStages(before, after, now: input.now)
        try checkTargets(input, after)
        try checkExclusive(after)
        try checkReplay(before, decision)
        if looksTwice { try checkRest(input, decision) }
    }

    private mutating func checkShape(_ input: DecisionInput, _ decision: Decision) throws(Violation) {
        let after = decision.rollout
        for verdict in decision.verdicts {
            guard consumed.insert(verdict.command).inserted else {
                throw Violation(invariant: 10, message: "command \(verdict.command) was consumed twice")
            }
        }
        guard after.phase.isEnded == (decision.wakeAt == nil), decision.wakeAt.map({ $0 > input.now }) ?? true else {
            throw Violation(
                invariant: 19,
                message: "\(after.name) is \(after.phase) and wakes at \(String(describing: decision.wakeAt))")
        }
        if !after.phase.isEnded,
            Blockers.of(after, surroundings: input.surroundings, now: input.now).isEmpty
        {
            throw Violation(invariant: 19, message: "\(after.name) is \(after.phase) and waits for nothing")
        }
    }

    private mutating func checkGenerations(_ decision: Decision, _ input: DecisionInput) throws(Violation) {
        for assignment in decision.assignments {
            let known = max(
                highestAssigned[assignment.cluster] ?? 0,
                input.surroundings.fleet[assignment.cluster]?.highestGeneration ?? 0)
            guard assignment.generation > known, assignment.epoch == input.epoch else {
                throw Violation(
                    invariant: 8,
                    message: "\(assignment.cluster) is assigned generation \(assignment.generation), \(known) is known")
            }
            highestAssigned[assignment.cluster] = assignment.generation
            guard input.surroundings.fleet[assignment.cluster] != nil else {
                throw Violation(invariant: 18, message: "\(assignment.cluster) left and is assigned something")
            }
        }
    }

    private func checkForward(_ forward: [Assignment], _ input: DecisionInput, _ after: Rollout) throws(Violation) {
        guard !forward.isEmpty else { return }
        let names = forward.map(\.cluster.rawValue).joined(separator: ", ")
        guard after.phase == .progressing || after.phase == .succeeded else {
            throw Violation(invariant: 7, message: "\(after.name) is \(after.phase) and dispatches to \(names)")
        }
        guard after.pause == nil else {
            throw Violation(invariant: 6, message: "\(after.name) is paused and dispatches to \(names)")
        }
        if let headroom = input.surroundings.fleetHeadroom, forward.count > headroom {
            throw Violation(invariant: 1, message: "\(forward.count) dispatched, the fleet's headroom is \(headroom)")
        }
        if after.policy.onFailure.action != .continue {
            for index in after.stages.indices {
                let failures = after.targets.values.count {
                    $0.stage == index && $0.failedAt != nil && $0.phase != .skipped && $0.lateness != .joined
                }
                let budget = after.policy.stages[index].failureBudget
                    .resolved(of: after.stages[index].lanes.values.reduce(0, +), atLeast: 0)
                guard failures <= budget else {
                    throw Violation(invariant: 5, message: "\(failures) failed, budget \(budget); dispatched \(names)")
                }
            }
        }
        for assignment in forward {
            guard let target = after.targets[assignment.cluster] else { continue }
            let region = target.region
            guard after.pausedRegions[region] == nil, input.surroundings.pausedRegions[region] == nil,
                after.pausedClusters[target.cluster] == nil, input.surroundings.pausedClusters[target.cluster] == nil
            else { throw Violation(invariant: 6, message: "\(target.cluster) is paused and is dispatched to") }
            guard after.stages[..<target.stage].allSatisfy({ $0.phase == .passed }) else {
                throw Violation(invariant: 2, message: "\(target.cluster) of stage \(target.stage) before its turn")
            }
            for scope in after.rolledBack where scope == .rollout || after.phase == .rollingBack {
                throw Violation(invariant: 7, message: "\(target.cluster) dispatched after rollback of \(scope)")
            }
        }
    }

    private func checkBackward(_ backward: [Assignment], _ after: Rollout) throws(Violation) {
        for assignment in backward {
            guard let target = after.targets[assignment.cluster] else { continue }
            let expected: Assignment.Goal = target.previous.map { .run($0) } ?? .remove
            guard assignment.goal == expected, assignment.fallback == nil else {
                throw Violation(
                    invariant: 13, message: "\(target.cluster) goes back to \(assignment.goal), not \(expected)")
            }
        }
    }

    private func checkCaps(_ before: Rollout, _ after: Rollout) throws(Violation) {
        func inFlight(_ rollout: Rollout) -> [TargetState] {
            rollout.targets.values.filter {
                $0.provenAt == nil && [.dispatched, .applying, .verifying, .unreachable].contains($0.phase)
            }
        }
        let now = inFlight(after)
        guard now.count > inFlight(before).count else { return }
        for (index, stage) in after.policy.stages.enumerated() {
            let inStage = now.filter { $0.stage == index }
            let sizes = after.stages[index].lanes
            for (region, targets) in Dictionary(grouping: inStage, by: \.region) {
                let cap = stage.maxConcurrent.resolved(of: sizes[region] ?? 0, atLeast: 1)
                guard targets.count <= cap else {
                    throw Violation(invariant: 1, message: "\(targets.count) in flight in \(region), the cap is \(cap)")
                }
            }
            if let cap = stage.maxConcurrentInStage?.resolved(of: sizes.values.reduce(0, +), atLeast: 1),
                inStage.count > cap
            {
                throw Violation(invariant: 1, message: "\(inStage.count) in flight in stage \(stage.name), cap \(cap)")
            }
        }
        let total = after.stages.reduce(0) { $0 + $1.lanes.values.reduce(0, +) }
        if let cap = after.policy.maxConcurrent?.resolved(of: total, atLeast: 1), now.count > cap {
            throw Violation(invariant: 1, message: "\(now.count) in flight in the rollout, the cap is \(cap)")
        }
    }

    private func checkStages(_ before: Rollout, _ after: Rollout, now: Timestamp) throws(Violation) {
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
                try checkPass(index, stage, rule, before, after, now: now)
            }
        }
    }

    private func checkPass(
        _ index: Int, _ stage: StageState, _ rule: PolicyStage, _ before: Rollout, _ after: Rollout, now: Timestamp
    ) throws(Violation) {
        let members = after.targets.values.filter {
            $0.stage == index && $0.phase != .skipped && $0.lateness == nil
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
            let earliest = now - rule.soak
            guard let since = target.healthyAt, since <= earliest || rule.soak == .zero else {
                throw Violation(invariant: 3, message: "\(target.cluster) soaked too short in stage \(stage.name)")
            }
            if let bad = lastBad[target.cluster], bad.generation == target.generation, bad.at > earliest,
                target.provenAt.map({ bad.at > $0 }) ?? false
            {
                throw Violation(invariant: 3, message: "\(target.cluster) was bad within the soak of \(stage.name)")
            }
        }
    }

    private func checkTargets(_ input: DecisionInput, _ after: Rollout) throws(Violation) {
        let before = input.rollout
        for target in after.targets.values {
            guard let former = before.targets[target.cluster], former != target else { continue }
            if target.provenAt != nil, former.provenAt != target.provenAt { try checkProof(target) }
            if target.phase == .rolledBack, former.phase == .rollingBack { try checkProof(target) }
            if former.failedAt == nil, target.failedAt != nil { try checkFailure(target, former, input) }
        }
    }

    private func checkProof(_ target: TargetState) throws(Violation) {
        guard let word = lastGood[target.cluster], word.generation == target.generation,
            word.digest == target.assigned?.digest, word.at >= target.dispatchedAt ?? word.at
        else {
            throw Violation(
                invariant: 4,
                message:
                    "\(target.cluster) counts as \(target.phase) at generation \(target.generation ?? 0) without a word of it"
            )
        }
    }

    private func checkFailure(_ target: TargetState, _ former: TargetState, _ input: DecisionInput) throws(Violation) {
        if let word = lastGivenUp[target.cluster], word.generation == former.generation { return }
        guard let deadline = former.deadlineAt, input.now >= deadline,
            let seen = input.surroundings.fleet[target.cluster]?.lastSeenAt, seen >= deadline
        else {
            throw Violation(invariant: 12, message: "\(target.cluster) failed though nothing was heard that says so")
        }
    }

    private mutating func checkExclusive(_ after: Rollout) throws(Violation) {
        active[after.name] = after.phase.isEnded ? nil : after
        guard !after.phase.isEnded else { return }
        for other in active.values where other.name != after.name && other.supersededBy == nil {
            for target in after.targets.values where target.phase.isUnderWay {
                if let theirs = other.targets[target.cluster], theirs.phase.isUnderWay,
                    theirs.generation == target.generation
                {
                    throw Violation(
                        invariant: 11, message: "\(target.cluster) is under way in \(after.name) and \(other.name)")
                }
            }
        }
    }

    private mutating func checkReplay(_ before: Rollout, _ decision: Decision) throws(Violation) {
        guard Transition.replay(onto: before, decision.transitions) == decision.rollout else {
            throw Violation(invariant: 16, message: "the rows of a decision on \(before.name) do not give its state")
        }
        guard let plan = plans[before.name] else { return }
        rows[before.name, default: []] += decision.transitions
        if decision.rollout.phase.isEnded {
            let replayed = Transition.replay(onto: plan, rows[before.name] ?? [])
            guard replayed == decision.rollout else {
                throw Violation(invariant: 16, message: "the rows of \(before.name) do not give its end")
            }
            plans[before.name] = nil
            rows[before.name] = nil
        }
    }

    /// A second look at the same moment finds nothing more to do.
    private func checkRest(_ input: DecisionInput, _ decision: Decision) throws(Violation) {
        var again = input
        again.rollout = decision.rollout
        again.commands = []
        again.reports = []
        if let headroom = input.surroundings.fleetHeadroom {
            let used = decision.assignments.count { decision.rollout.targets[$0.cluster]?.phase != .rollingBack }
            again.surroundings.fleetHeadroom = max(0, headroom - used)
        }
        for assignment in decision.assignments {
            again.surroundings.fleet[assignment.cluster]?.highestGeneration = assignment.generation
        }
        let second = DecisionMaker.decide(again)
        guard second.transitions.isEmpty, second.assignments.isEmpty else {
            throw Violation(
                invariant: 19,
                message: "a decision on \(decision.rollout.name) left something undone: "
                    + second.transitions.map { "\($0.subject) \($0.from ?? "new") -> \($0.to)" }.joined(separator: ", ")
            )
        }
    }

    // MARK: Agents

    func checkJournal(_ cluster: ClusterName, from before: AgentJournal, to after: AgentJournal) throws(Violation) {
        for (application, record) in after.applications {
            guard let former = before.applications[application] else { continue }
            guard record.highestGeneration >= former.highestGeneration else {
                throw Violation(invariant: 8, message: "the generation fell at \(cluster)")
            }
            guard record.highestEpoch >= former.highestEpoch else {
                throw Violation(invariant: 9, message: "the epoch fell at \(cluster)")
            }
        }
    }
}
