internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// What an onlooker remembers of a path, and holds every step to. It shares no rule with the engine, and is small, since what it
/// remembers tells states apart.
struct ExplorerLedger {
    /// The last word that a cluster said: since when it says so, of which generation.
    struct Word: Hashable {
        var generation: Int64
        var digest: ContentDigest?
        var isGood: Bool
        var since: Timestamp
    }

    /// What a cluster was last said to be well under.
    struct Proof: Hashable {
        var generation: Int64
        var digest: ContentDigest?
    }

    private(set) var words: [Word?] = [nil, nil, nil]
    // These stand when something else is said later: a decision may take in both at once.
    private(set) var proofs: [Proof?] = [nil, nil, nil]
    /// The last generation that a cluster's agent gave up: failed, reverting or reverted.
    private(set) var givenUp: [Int64?] = [nil, nil, nil]
    /// The highest epoch that was ever granted.
    var latestEpoch: Int64 = 0
    var hasStalled = false
    // What operators ordered, as they were told that it is stored.
    private(set) var isPaused = false
    private(set) var isFarPaused = false
    private(set) var isFarPausedForAll = false
    private(set) var isStopped = false

    /// The same, knowing of what agents said only what was known then: what came later is the next decision's.
    func knowing(_ earlier: ExplorerLedger) -> ExplorerLedger {
        var ledger = self
        ledger.words = earlier.words
        ledger.proofs = earlier.proofs
        ledger.givenUp = earlier.givenUp
        return ledger
    }

    mutating func note(_ order: ExplorerOrder) {
        switch order {
        case .pauseRollout: isPaused = true
        case .resumeRollout: isPaused = false
        case .pauseRegion: isFarPaused = true
        case .resumeRegion: isFarPaused = false
        case .pauseRegionForAll: isFarPausedForAll = true
        case .resumeRegionForAll: isFarPausedForAll = false
        case .rollBack, .abort: isStopped = true
        case .retry: break
        }
    }

    mutating func heard(_ report: ApplicationReport, from agent: Int, at now: Timestamp) {
        // A late copy of what was said of an older generation takes nothing back.
        guard report.generation >= words[agent]?.generation ?? 0 else { return }
        let isGood = report.phase == .healthy && report.health == .healthy
        if [.failed, .reverting, .reverted].contains(report.phase) { givenUp[agent] = report.generation }
        if isGood { proofs[agent] = Proof(generation: report.generation, digest: report.digest) }
        if let former = words[agent], former.generation == report.generation, former.digest == report.digest,
            former.isGood == isGood
        {
            return
        }
        words[agent] = Word(generation: report.generation, digest: report.digest, isGood: isGood, since: now)
    }

    // MARK: Decisions

    func check(
        _ input: DecisionInput, _ decision: Decision, by lease: Lease, agents: [TinyFleet.Agent]
    ) throws(Violation) {
        guard lease.epoch == latestEpoch else {
            throw Violation(
                invariant: 9, message: "\(lease.holder) commits under epoch \(lease.epoch), \(latestEpoch) was granted")
        }
        let before = input.rollout
        let after = decision.rollout
        for assignment in decision.assignments {
            guard let target = after.targets[assignment.cluster] else { continue }
            // The lease's epoch, or a higher one that this very cluster has seen.
            let facts = input.snapshot.fleet[assignment.cluster]
            let seen = max(facts?.report?.epoch ?? 0, before.targets[assignment.cluster]?.epoch ?? 0)
            guard assignment.epoch == max(input.epoch, seen) else {
                throw Violation(
                    invariant: 9,
                    message: "\(target.cluster) is told under epoch \(assignment.epoch), not \(input.epoch)")
            }
            if target.phase == .rollingBack {
                try checkBackward(assignment)
            } else {
                try checkForward(assignment, target, after)
            }
        }
        try checkLanes(after, input)
        try checkStages(before, after, input)
        try checkTargets(before, after, input)
        guard Transition.replay(onto: before, decision.transitions) == after else {
            throw Violation(invariant: 16, message: "the rows of a decision do not give its state")
        }
    }

    private func checkForward(_ assignment: Assignment, _ target: TargetState, _ after: Rollout) throws(Violation) {
        let name = target.cluster
        guard !isStopped else { throw Violation(invariant: 7, message: "\(name) is dispatched to after the stop") }
        let isFar = target.region == TinyFleet.farRegion
        guard !isPaused, !isFar || !(isFarPaused || isFarPausedForAll) else {
            throw Violation(invariant: 6, message: "\(name) is dispatched to, and what covers it is paused")
        }
        guard after.stages[..<target.stage].allSatisfy({ $0.phase == .passed }) else {
            throw Violation(invariant: 2, message: "\(name) is dispatched to before its stage's turn")
        }
        guard !after.targets.values.contains(where: { $0.failedAt != nil }) else {
            throw Violation(invariant: 5, message: "\(name) is dispatched to after a failure, the budget is none")
        }
        guard assignment.goal == .run(TinyFleet.release) else {
            throw Violation(invariant: 0, message: "\(name) is to go forward to \(assignment.goal)")
        }
    }

    private func checkBackward(_ assignment: Assignment) throws(Violation) {
        guard assignment.goal == .run(TinyFleet.former) else {
            throw Violation(invariant: 13, message: "\(assignment.cluster) is to go back to \(assignment.goal)")
        }
    }

    private func checkLanes(_ after: Rollout, _ input: DecisionInput) throws(Violation) {
        let inFlight = after.targets.values.filter {
            $0.region == TinyFleet.farRegion && $0.provenAt == nil
                && [.dispatched, .applying, .verifying, .unreachable].contains($0.phase)
                && !InvariantChecker.isForsaken($0, input)
        }
        guard inFlight.count <= 1 else {
            throw Violation(invariant: 1, message: "\(inFlight.count) clusters in flight in a lane of one")
        }
    }

    private func checkStages(_ before: Rollout, _ after: Rollout, _ input: DecisionInput) throws(Violation) {
        for (index, stage) in after.stages.enumerated() {
            if before.stages[index].startedAt == nil, stage.startedAt != nil,
                !after.stages[..<index].allSatisfy({ $0.phase == .passed })
            {
                throw Violation(invariant: 2, message: "stage \(stage.name) starts before those before it passed")
            }
            guard before.stages[index].passedAt == nil, stage.passedAt != nil else { continue }
            let soak = index == 0 ? TinyFleet.soak : .zero
            for target in after.targets.values where target.stage == index && target.phase != .skipped {
                guard target.phase == .healthy, let word = word(of: target), word.isGood,
                    input.now - word.since >= soak
                else {
                    throw Violation(
                        invariant: 3, message: "stage \(stage.name) passes, \(target.cluster) was not well for \(soak)")
                }
            }
        }
    }

    private func checkTargets(_ before: Rollout, _ after: Rollout, _ input: DecisionInput) throws(Violation) {
        for target in after.targets.values {
            guard let former = before.targets[target.cluster], former != target else { continue }
            if isProvenNow(target, former), !isSaid(target) {
                throw Violation(
                    invariant: 4,
                    message: "\(target.cluster) counts as \(target.phase) without a word of generation "
                        + "\(target.generation ?? 0)")
            }
            if former.failedAt == nil, target.failedAt != nil, !isGivenUp(former), !isOverdue(former, input) {
                throw Violation(
                    invariant: 12, message: "\(target.cluster) failed though nothing was heard that says so")
            }
        }
    }

    private func isProvenNow(_ target: TargetState, _ former: TargetState) -> Bool {
        target.provenAt != nil && former.provenAt != target.provenAt
            || target.phase == .rolledBack && former.phase == .rollingBack
    }

    private func isSaid(_ target: TargetState) -> Bool {
        guard let agent = place(of: target), let proof = proofs[agent] else { return false }
        return proof.generation == target.generation && proof.digest == target.assigned?.digest
    }

    /// Whether its agent gave up what the target was assigned.
    private func isGivenUp(_ target: TargetState) -> Bool {
        guard let agent = place(of: target), let generation = givenUp[agent] else { return false }
        return generation == target.generation
    }

    private func isOverdue(_ target: TargetState, _ input: DecisionInput) -> Bool {
        guard let deadline = target.deadlineAt.map({ InvariantChecker.judgement(at: $0, input) }),
            let seen = input.snapshot.fleet[target.cluster]?.lastSeenAt
        else { return false }
        return input.now >= deadline && seen >= deadline
    }

    /// The last word of a target's cluster, where it is of what the target is assigned.
    private func word(of target: TargetState) -> Word? {
        guard let agent = place(of: target) else { return nil }
        return words[agent].flatMap { $0.generation == target.generation ? $0 : nil }
    }

    private func place(of target: TargetState) -> Int? {
        TinyFleet.clusters.firstIndex { $0.name == target.cluster }
    }

    // MARK: Agents

    func check(
        _ event: AgentEvent, at agent: Int, from before: AgentRecord?, to after: AgentRecord?, _ actions: [AgentAction]
    ) throws(Violation) {
        guard let after else { return }
        let name = TinyFleet.clusters[agent].name
        guard after.highestGeneration >= before?.highestGeneration ?? 0 else {
            throw Violation(invariant: 8, message: "the generation fell at \(name)")
        }
        guard after.highestEpoch >= before?.highestEpoch ?? 0 else {
            throw Violation(invariant: 9, message: "the epoch fell at \(name)")
        }
        guard case .assigned = event, after.highestGeneration == before?.highestGeneration else { return }
        for action in actions {
            switch action {
            case .apply, .remove, .cancel:
                throw Violation(invariant: 10, message: "\(name) acts on an assignment that is not new")
            default: break
            }
        }
    }

    // MARK: Every state

    /// What must hold whenever one looks.
    func check(_ fleet: TinyFleet) throws(Violation) {
        guard let rollout = fleet.database.rollout(TinyFleet.rollout) else {
            throw Violation(invariant: 0, message: "the rollout is gone")
        }
        for (index, agent) in fleet.agents.enumerated() {
            let cluster = TinyFleet.clusters[index]
            guard let record = agent.record, let assignment = fleet.database.assignments(of: cluster.name).first else {
                continue
            }
            guard record.highestGeneration <= assignment.generation,
                record.highestGeneration < assignment.generation || record.assignment?.goal == assignment.goal
            else {
                throw Violation(
                    invariant: 10,
                    message: "\(cluster.name) follows generation \(record.highestGeneration), "
                        + "\(assignment.generation) is what was decided last")
            }
            if cluster.region == TinyFleet.farRegion, assignment.generation > 1, rollout.stages[0].passedAt == nil {
                throw Violation(invariant: 2, message: "\(cluster.name) has an assignment before the canary passed")
            }
        }
        try checkRest(fleet)
    }

    /// A rollout that is not due has nothing to decide: no wake-up is missing.
    private func checkRest(_ fleet: TinyFleet) throws(Violation) {
        guard fleet.plantedBug == nil, fleet.database.dueRollouts(limit: 1).isEmpty,
            let input = fleet.database.decisionInput(of: TinyFleet.rollout, epoch: latestEpoch),
            !input.rollout.phase.isEnded
        else { return }
        let decision = DecisionMaker.decide(input)
        guard decision.transitions.isEmpty, decision.assignments.isEmpty, decision.pauses.isEmpty else {
            throw Violation(
                invariant: 19,
                message: "the rollout is not due, and yet something is to be decided: "
                    + decision.transitions.map { "\($0.subject) \($0.from ?? "new") -> \($0.to)" }.joined(
                        separator: ", "))
        }
    }
}
