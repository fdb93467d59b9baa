internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// What a replica thinks about outside of any transaction.
struct Thought {
    var reading: DecisionReading
    var decision: Decision
    var lease: Lease
    /// What agents had said when it was read.
    var ingested: IngestLog
}

// Decisions: read, thought, committed. What happens between the first and the last is nobody's but the world's.
extension World {
    private enum Commit { case known, unknown, lost }

    /// What became of it; nil where it is thought about for longer.
    mutating func decide(_ name: RolloutName, replica index: Int) throws(Violation) -> DecisionQueue.Outcome? {
        if storeFails(30) { return .stopped }
        guard let lease = lease(on: name, replica: index) else { return .elsewhere }
        // It was due before the database went back to where it was not planned yet.
        guard database.rollout(name) != nil else {
            database.releaseLease(lease)
            replicas[index].memory.leases.drop(LeaseTable.name(of: name))
            return .ended
        }
        guard let thought = think(of: name, under: lease, replica: index) else { return .elsewhere }
        guard happens(.slowThoughts, 200) else { return try commit(thought, replica: index, isFresh: true) }
        replicas[index].memory.thoughts[name] = thought
        let length = Interval.milliseconds(random.number(1...6_000))
        schedule(.thoughtEnds(index, replicas[index].boot, name), in: length)
        if has(.operators), !thought.decision.assignments.isEmpty, random.chance(100) {
            schedule(.stopTempted(name), in: .milliseconds(random.number(1...length.milliseconds)))
        }
        return nil
    }

    /// A replica that stood still comes to its commit when it goes on; one that died never does.
    mutating func endThought(of name: RolloutName, replica index: Int, boot: Int) throws(Violation) {
        guard replicas[index].isRunning, replicas[index].boot == boot else { return }
        guard !replicas[index].isFrozen else {
            return schedule(.thoughtEnds(index, boot, name), at: replicas[index].frozenUntil)
        }
        guard let thought = replicas[index].memory.thoughts.removeValue(forKey: name) else { return }
        let outcome = storeFails(30) ? .stopped : try commit(thought, replica: index, isFresh: false)
        replicas[index].memory.queue.done(name, outcome, now: tick)
    }

    private mutating func think(of name: RolloutName, under lease: Lease, replica index: Int) -> Thought? {
        let bug = settings.plantedBug
        let clock = database.now
        let shown = fence(lease, on: name)
        defer { database.now = clock }
        guard var reading = try? database.readDecision(name, under: shown) else {
            forget(name, replica: index)
            return nil
        }
        reading.input.epoch = lease.epoch
        return Thought(
            reading: reading, decision: bug?.decide(reading.input) ?? DecisionMaker.decideReviewed(reading.input),
            lease: lease, ingested: checker.ledger.ingested)
    }

    private mutating func forget(_ rollout: RolloutName, replica index: Int) {
        coverage.leasesLost += 1
        replicas[index].memory.leases.drop(LeaseTable.name(of: rollout))
    }

    /// - Parameter isFresh: whether nothing happened since it was read.
    private mutating func commit(
        _ thought: Thought, replica index: Int, isFresh: Bool
    ) throws(Violation) -> DecisionQueue.Outcome {
        let name = thought.reading.input.rollout.name
        let commit: Commit = happens(.outcomeUnknown, 30) ? random.pick([.unknown, .lost]) : .known
        let present = database.decisionInput(of: name, epoch: thought.lease.epoch)
        if let outcome = try store(thought, replica: index, isKept: commit != .lost, isFresh: isFresh) {
            return outcome
        }
        let decision = thought.decision
        guard commit != .lost else {
            if settings.plantedBug == .deliversBeforeCommit { leak(decision.assignments, replica: index) }
            return .stopped
        }
        try check(thought, present: present)
        note(decision)
        coverage.note(decision)
        tempt(decision)
        temptMembership(decision)
        guard commit == .known else { return .stopped }
        guard decision.rollout.phase.isEnded else { return .decided }
        database.releaseLease(thought.lease)
        replicas[index].memory.leases.drop(LeaseTable.name(of: name))
        return .ended
    }

    /// Stores it, where it is kept. Nil where it is stored, else what became of it.
    private mutating func store(
        _ thought: Thought, replica index: Int, isKept: Bool, isFresh: Bool
    ) throws(Violation) -> DecisionQueue.Outcome? {
        let name = thought.reading.input.rollout.name
        let clock = database.now
        let lease = fence(thought.lease, on: name)
        defer { database.now = clock }
        var reading = thought.reading
        if settings.plantedBug == .commitsStale, let present = try? database.readDecision(name, under: lease) {
            reading = reading.passedOff(as: present)
        }
        var refusal: StoreError?
        do throws(StoreError) {
            let outcome: CommitOutcome
            if isKept {
                outcome = try database.commit(thought.decision, on: reading, under: lease)
            } else {
                var copy = database
                outcome = try copy.commit(thought.decision, on: reading, under: lease)
            }
            if outcome == .committed { return nil }
        } catch {
            guard error.code != .leaseLost else {
                forget(name, replica: index)
                return .elsewhere
            }
            // The database may have gone back to before it was planned.
            guard isFresh || error.code != .notFound else { return .ended }
            refusal = error
        }
        database.now = clock
        if refusal == nil, !isFresh {
            // Read and thought again, as it is by whoever finds that it was overtaken.
            coverage.overtaken += 1
            guard let again = think(of: name, under: thought.lease, replica: index) else { return .elsewhere }
            return try commit(again, replica: index, isFresh: true)
        }
        // The store's own guard bit; the checker says which invariant it kept.
        try checker.check(thought.reading.input, thought.decision, clock: clock, isThorough: false)
        throw Violation(
            invariant: 0,
            message: "the store refused a decision on \(name): " + (refusal.map { "\($0)" } ?? "it calls it overtaken"))
    }

    /// The lease that the store is shown, with the database's clock where a planted bug wants it.
    private mutating func fence(_ lease: Lease, on rollout: RolloutName) -> Lease {
        switch settings.plantedBug {
        // A replica that judged its lease by a clock of its own would find it valid when it is not.
        case .trustsOwnClock: database.now = min(database.now, lease.expiresAt - .milliseconds(1))
        case .commitsWithoutLease:
            // Whoever holds it, and whether anybody does, is not asked.
            guard let held = checker.ledger.leases[rollout] else { return lease }
            database.now = min(database.now, held.expiresAt - .milliseconds(1))
            return held
        default: break
        }
        return lease
    }

    private mutating func check(_ thought: Thought, present: DecisionInput?) throws(Violation) {
        let (input, decision, bug) = (thought.reading.input, thought.decision, settings.plantedBug)
        if bug != nil, !DecisionReview(input).breaches(of: decision).isEmpty { coverage.held += 1 }
        if let breach = decision.breaches.first {
            throw Violation(invariant: breach.invariant.rawValue, message: "\(input.rollout.name) holds: \(breach)")
        }
        if let present { try checker.checkStands(input, decision, present: present) }
        let isThorough = random.next() % 16 == 0
        // It is judged by what was said when it was read: what came since is the next one's.
        let said = checker.ledger.ingested
        checker.ledger.ingested = thought.ingested
        try checker.check(input, decision, clock: database.now, isThorough: isThorough && bug == nil)
        checker.ledger.ingested = said
        try checkBlame(input, decision)
        if decision.rollout.phase.isEnded, !input.rollout.phase.isEnded { try checkAudit(of: input.rollout.name) }
    }

    /// Replaying the stored rows onto the stored plan gives the stored state (invariant 16).
    private func checkAudit(of name: RolloutName) throws(Violation) {
        guard let plan = database.plan(of: name), let rollout = database.rollout(name) else { return }
        guard Transition.replay(onto: plan, database.transitions(of: name)) == rollout else {
            throw Violation(invariant: 16, message: "the audit rows of \(name) do not give its end")
        }
    }

    private mutating func note(_ decision: Decision) {
        guard keepsTrace else { return }
        let name = decision.rollout.name
        for row in decision.transitions where row.from != row.to {
            let why = row.reason.map { " (\($0))" } ?? ""
            let change = "\(row.from ?? "new") -> \(row.to)\(why)"
            switch row.subject {
            case .rollout: note("  \(name): \(change)")
            case .stage(_, let stage): note("  \(name) \(stage): \(change)")
            case .target(let cluster): note("  \(name) \(cluster): \(change)", of: cluster)
            }
        }
        for assignment in decision.assignments {
            note(
                "  \(name) assigns \(assignment.cluster) g\(assignment.generation) e\(assignment.epoch) "
                    + (assignment.digest?.short ?? "remove"), of: assignment.cluster)
        }
    }
}
