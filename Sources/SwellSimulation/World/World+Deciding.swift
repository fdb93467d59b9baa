internal import SwellEngine
internal import SwellModel
internal import SwellStore

// The coordinator's part: leases, decisions, orphans. What its loops decide is decided by the same values as in the services.
extension World {
    /// The true time as a clock that never goes back: no replica's wall clock has a say in who is silent.
    var tick: Tick { Tick(milliseconds: now.milliseconds) }

    mutating func tick(replica index: Int) throws(Violation) {
        schedule(.replicaTick(index), in: .milliseconds(1_000))
        guard replicas[index].isRunning, !replicas[index].isFrozen else { return }
        hearAgents(replica: index)
        writePresence(replica: index)
        renewLeases(replica: index)
        lookForWork(replica: index)
        // Time stands still within a step, so that one decision is done before the next begins.
        while !isStoreAway, replicas[index].memory.presence.mayDecide(now: tick),
            let name = replicas[index].memory.queue.next(now: tick)
        {
            let outcome = try decide(name, replica: index)
            replicas[index].memory.queue.done(name, outcome, now: tick)
        }
        replicas[index].memory.stale = [:]
        sweepOrphans(replica: index)
        followChanges(replica: index)
    }

    // MARK: Decisions

    private mutating func lookForWork(replica index: Int) {
        guard !isStoreAway else { return replicas[index].memory.presence.storeFailed() }
        let look = replicas[index].memory.queue.beginLook(now: tick)
        var due = database.dueRollouts(
            for: replicas[index].holder, limit: replicas[index].memory.queue.known + 16
        ).rollouts
        // One that stood still had looked before another took over.
        if !replicas[index].memory.stale.isEmpty { due = database.dueRollouts(for: nil, limit: 1_000).rollouts }
        replicas[index].memory.queue.offer(due, from: look, now: tick)
    }

    private enum Commit { case known, unknown, lost }

    private mutating func decide(_ name: RolloutName, replica index: Int) throws(Violation) -> DecisionQueue.Outcome {
        if storeFails(30) { return .stopped }
        guard let lease = lease(on: name, replica: index) else { return .elsewhere }
        // It was due before the database went back to where it was not planned yet.
        guard database.rollout(name) != nil else { return .ended }
        let commit: Commit = happens(.outcomeUnknown, 30) ? random.pick([.unknown, .lost]) : .known
        guard let made = try propose(name, under: lease, replica: index, isKept: commit != .lost) else {
            return .elsewhere
        }
        guard commit != .lost else {
            if settings.plantedBug == .deliversBeforeCommit { leak(made.decision.assignments, replica: index) }
            return .stopped
        }
        note(made.decision)
        coverage.note(made.decision)
        tempt(made.decision)
        temptMembership(made.decision)
        guard commit == .known else { return .stopped }
        guard made.decision.rollout.phase.isEnded else { return .decided }
        database.releaseLease(lease)
        replicas[index].memory.leases.drop(LeaseTable.name(of: name))
        return .ended
    }

    /// The lease to decide under; now and then one that has run out since, as it is where a replica stops between looking and trying.
    private mutating func lease(on rollout: RolloutName, replica index: Int) -> Lease? {
        let name = LeaseTable.name(of: rollout)
        if let stale = replicas[index].memory.stale[name] { return stale }
        if let held = replicas[index].memory.leases.lease(name, now: tick) { return held }
        let lease = database.acquireLease(
            name, holder: replicas[index].holder, lifetime: replicas[index].memory.leases.lifetime)
        _ = replicas[index].memory.leases.answered(.claim(name), .claimed(lease), sentAt: tick)
        if let lease { checker.granted(lease, on: rollout) }
        return lease
    }

    private mutating func renewLeases(replica index: Int) {
        guard let step = replicas[index].memory.leases.due(now: tick) else { return }
        guard !storeFails(30) else {
            _ = replicas[index].memory.leases.answered(step, .failed, sentAt: tick)
            return
        }
        let still = database.renewLeases(
            holder: replicas[index].holder, lifetime: replicas[index].memory.leases.lifetime)
        _ = replicas[index].memory.leases.answered(step, .renewed(still), sentAt: tick)
        for rollout in database.activeRollouts() {
            let name = LeaseTable.name(of: rollout)
            if let lease = still.first(where: { $0.name == name }) { checker.granted(lease, on: rollout) }
        }
    }

    private mutating func propose(
        _ name: RolloutName, under lease: Lease, replica index: Int, isKept: Bool
    ) throws(Violation) -> (input: DecisionInput, decision: Decision)? {
        var made: (input: DecisionInput, decision: Decision)?
        let bug = settings.plantedBug
        let clock = database.now
        func decide(_ input: DecisionInput) -> Decision {
            let decision = bug?.decide(input) ?? DecisionMaker.decideReviewed(input)
            made = (input, decision)
            return decision
        }
        // A replica that judged its lease by a clock of its own would find it valid when it is not.
        if bug == .trustsOwnClock { database.now = min(clock, lease.expiresAt - .milliseconds(1)) }
        defer { database.now = clock }
        do throws(StoreError) {
            if isKept {
                _ = try database.decide(name, under: lease, decide)
            } else {
                var copy = database
                _ = try copy.decide(name, under: lease, decide)
            }
        } catch {
            if error.code == .leaseLost {
                coverage.leasesLost += 1
                replicas[index].memory.leases.drop(LeaseTable.name(of: name))
                return nil
            }
            // The store's own guard bit; the checker says which invariant it kept.
            if let made { try checker.check(made.input, made.decision, clock: clock, isThorough: false) }
            throw Violation(invariant: 0, message: "the store refused a decision on \(name): \(error)")
        }
        guard let made else { return nil }
        if bug != nil, !DecisionReview(made.input).breaches(of: made.decision).isEmpty { coverage.held += 1 }
        if let breach = made.decision.breaches.first {
            throw Violation(invariant: breach.invariant.rawValue, message: "\(name) holds: \(breach)")
        }
        if isKept {
            let isThorough = random.next() % 16 == 0
            try checker.check(made.input, made.decision, clock: clock, isThorough: isThorough && bug == nil)
            try checkBlame(made.input, made.decision)
            if made.decision.rollout.phase.isEnded, !made.input.rollout.phase.isEnded { try checkAudit(of: name) }
        }
        return made
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

    // MARK: Orphans

    private mutating func sweepOrphans(replica index: Int) {
        var step = replicas[index].memory.orphans.begin(now: tick)
        while let due = step {
            let outcome: OrphanSweep.Outcome
            if storeFails(30) {
                outcome = .failed
            } else {
                outcome = (try? carryOut(due, replica: index)) ?? .failed
            }
            step = replicas[index].memory.orphans.next(outcome)
        }
    }

    private mutating func carryOut(_ step: OrphanSweep.Step, replica index: Int) throws(StoreError)
        -> OrphanSweep.Outcome
    {
        switch step {
        case .look(let limit, let last):
            return .found(database.orphanedAssignments(limit: limit, perCluster: OrphanSweep.share, after: last))
        case .claim:
            return .claimed(
                database.acquireLease(
                    OrphanSweep.lease, holder: replicas[index].holder,
                    lifetime: replicas[index].memory.leases.lifetime))
        case .reissue(let assignments, let lease):
            let reissued = try database.reissue(assignments, under: lease)
            checker.reissued(reissued)
            coverage.reissued += reissued.count
            if !reissued.isEmpty { note("  told \(reissued.count) orphans again") }
            return .reissued(reissued.count)
        case .release(let lease):
            database.releaseLease(lease)
            return .released
        }
    }
}
