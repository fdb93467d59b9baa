internal import SwellEngine
internal import SwellModel

/// Checks every decision, journal and record against the invariants, by its own reckoning: it shares no rule with the engine.
///
/// Here is what it is told, and the order in which a decision is checked; the rules are in the extensions, one concern a file.
struct InvariantChecker {
    var startedAt = Timestamp(milliseconds: 0)
    var ledger = Ledger()
    var reports = ReportLog()
    /// How many decisions were checked.
    var decisions = 0
    /// What each agent's process has under way or done: nothing is done twice.
    var works: [Int: [ApplicationName: WorkRecord]] = [:]

    struct WorkRecord {
        var process: Int
        var work: AgentWork
        var isStopped = false
    }

    // MARK: What it is told

    mutating func said(_ report: ApplicationReport, by cluster: ClusterName) { reports.say(report, by: cluster) }

    mutating func heard(_ report: ApplicationReport, of cluster: ClusterName, at now: Timestamp) {
        ledger.ingested.hear(report, of: cluster, at: now)
    }

    /// A cluster of the fleet was heard to have removed an application: where it was told to, what was proven before is nothing to go
    /// back to.
    mutating func removed(_ report: ApplicationReport, of cluster: ClusterName) {
        let place = ClusterApplication(cluster, report.application)
        if ledger.removals[place] == report.generation { ledger.proven[place] = nil }
    }

    mutating func granted(_ lease: Lease, on rollout: RolloutName) { ledger.leases[rollout] = lease }

    mutating func reissued(_ assignments: [Assignment]) {
        reports.issue(assignments)
        for assignment in assignments {
            let place = ClusterApplication(assignment)
            ledger.highestAssigned[place] = assignment.generation
            ledger.removals[place] = assignment.goal == .remove ? assignment.generation : nil
            ledger.highestEpoch[place] = max(ledger.highestEpoch[place] ?? 0, assignment.epoch)
        }
    }

    /// A rollout was stored, in the place of those.
    mutating func planned(_ rollout: Rollout, superseding: [RolloutName]) throws(Violation) {
        for name in superseding {
            ledger.active[name]?.stoppedBy = "\(rollout.name) took its place"
            ledger.active[name]?.clusters = []
        }
        ledger.active[rollout.name] = Ledger.ActiveRollout(application: rollout.application, clusters: [])
        try checkExclusive(rollout)
    }

    // MARK: Decisions

    /// Checks one decision: what it was made from, and what it says. `clock` is the database's, whatever the input says.
    mutating func check(
        _ input: DecisionInput, _ decision: Decision, clock: Timestamp, isThorough: Bool
    ) throws(Violation) {
        let before = input.rollout
        let after = decision.rollout
        try checkLease(input, clock: clock)
        try checkReports(input)
        try checkVerdicts(input, decision)
        noteDarkness(input, after)
        try checkWake(input, decision)
        noteFailures(input, after)
        if !decision.assignments.isEmpty {
            let isBackward = { (assignment: Assignment) in after.targets[assignment.cluster]?.phase == .rollingBack }
            try checkGenerations(decision, input)
            try checkForward(decision.assignments.filter { !isBackward($0) }, input, after)
            try checkBackward(decision.assignments.filter(isBackward), before, after)
            try checkCaps(decision.assignments.filter { !isBackward($0) }, input, after)
            reports.issue(decision.assignments)
        }
        reports.issue(decision.pauses, of: after.application)
        try checkMembers(input, after)
        if !decision.transitions.isEmpty {
            try checkReplay(before, decision)
            try checkTargets(input, decision)
            try checkStages(before, after, input)
            let isStarting = before.awaitsStart && !after.awaitsStart && !after.phase.isEnded
            let isTurning = after.targets.values.contains {
                $0.phase != .skipped && before.targets[$0.cluster]?.phase == .skipped
            }
            if before.targets.count != after.targets.count || isStarting || isTurning {
                try checkExclusive(after)
            }
            for proof in decision.proven { prove(proof) }
            if isThorough { try checkRest(input, decision) }
        }
        if after.phase.isEnded { ledger.active[after.name] = nil }
    }

    private mutating func prove(_ proof: ProvenRelease) {
        let place = ClusterApplication(proof.cluster, proof.application)
        var list = ledger.proven[place] ?? []
        list.removeAll { $0.digest == proof.release.digest }
        list.insert(proof.release, at: 0)
        ledger.proven[place] = list
    }

    /// Decisions are made by whoever holds the lease, on the database's clock (invariant 9).
    private func checkLease(_ input: DecisionInput, clock: Timestamp) throws(Violation) {
        guard let lease = ledger.leases[input.rollout.name] else {
            throw Violation(invariant: 9, message: "\(input.rollout.name) is decided without a lease")
        }
        guard lease.epoch == input.epoch, lease.expiresAt > clock else {
            throw Violation(
                invariant: 9,
                message: "\(input.rollout.name) is decided under epoch \(input.epoch), the lease is of \(lease.epoch) "
                    + "and \(lease.expiresAt > clock ? "lives" : "has expired")")
        }
    }

    /// What counts as a cluster's word was said by its agent (invariant 15).
    private func checkReports(_ input: DecisionInput) throws(Violation) {
        for record in input.reports {
            guard reports.has(record.cluster, said: record.report) else {
                throw Violation(
                    invariant: 15,
                    message:
                        "generation \(record.report.generation) \(record.report.phase) counts as \(record.cluster)'s "
                        + "word, whose agent never said it")
            }
        }
    }

    /// A rollout that has not ended looks again (invariant 19).
    private func checkWake(_ input: DecisionInput, _ decision: Decision) throws(Violation) {
        let after = decision.rollout
        guard after.phase.isEnded == (decision.wakeAt == nil), decision.wakeAt.map({ $0 > input.now }) ?? true else {
            throw Violation(
                invariant: 19,
                message: "\(after.name) is \(after.phase) and wakes at \(String(describing: decision.wakeAt))")
        }
    }

    /// No cluster is in two rollouts of one application at once (invariant 11).
    private mutating func checkExclusive(_ rollout: Rollout) throws(Violation) {
        // Who starts later needs no cluster yet; who ends with this decision, whatever it turned to before, none any more.
        guard ledger.active[rollout.name] != nil, !rollout.awaitsStart, !rollout.phase.isEnded else { return }
        // What was left out before a later start was never claimed; it is claimed when the rollout turns to it after all.
        let claimed = rollout.targets.values.filter { rollout.startsAt == nil || $0.phase != .skipped }
        let clusters = Set(claimed.map(\.cluster))
        for (name, other) in ledger.active where name != rollout.name && other.application == rollout.application {
            if let shared = other.clusters.intersection(clusters).min() {
                throw Violation(invariant: 11, message: "\(shared) is in \(rollout.name) and in \(name)")
            }
        }
        ledger.active[rollout.name]?.clusters = clusters
    }

    /// The rows give the state (invariant 16).
    private func checkReplay(_ before: Rollout, _ decision: Decision) throws(Violation) {
        guard Transition.replay(onto: before, decision.transitions) == decision.rollout else {
            throw Violation(invariant: 16, message: "the rows of a decision on \(before.name) do not give its state")
        }
    }

    /// A second look at the same moment finds nothing more to do (invariant 19).
    private func checkRest(_ input: DecisionInput, _ decision: Decision) throws(Violation) {
        var again = input
        again.rollout = decision.rollout
        again.commands = []
        again.reports = []
        again.dueAt = decision.wakeAt
        if let headroom = input.snapshot.fleetHeadroom {
            let used = decision.assignments.count { decision.rollout.targets[$0.cluster]?.phase != .rollingBack }
            again.snapshot.fleetHeadroom = max(0, headroom - used)
        }
        for assignment in decision.assignments {
            again.snapshot.fleet[assignment.cluster]?.highestGeneration = assignment.generation
        }
        for notice in decision.pauses {
            again.snapshot.fleet[notice.cluster]?.pausedGeneration = notice.isPaused ? notice.generation : nil
        }
        let second = DecisionMaker.decide(again)
        guard second.transitions.isEmpty, second.assignments.isEmpty, second.pauses.isEmpty else {
            throw Violation(
                invariant: 19,
                message: "a decision on \(decision.rollout.name) left something undone: "
                    + second.transitions.map { "\($0.subject) \($0.from ?? "new") -> \($0.to)" }.joined(separator: ", ")
            )
        }
    }
}
