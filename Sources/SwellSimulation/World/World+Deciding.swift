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
        // Time stands still within a step, so that a decision is done before the next begins, unless it is thought about for longer.
        while !isStoreAway, replicas[index].memory.presence.mayDecide(now: tick),
            let name = replicas[index].memory.queue.next(now: tick)
        {
            guard let outcome = try decide(name, replica: index) else { continue }
            replicas[index].memory.queue.done(name, outcome, now: tick)
        }
        replicas[index].memory.stale = [:]
        sweepOrphans(replica: index)
        followChanges(replica: index)
    }

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

    // MARK: Leases

    /// The lease to decide under; now and then one that has run out since, as it is where a replica stops between looking and trying.
    mutating func lease(on rollout: RolloutName, replica index: Int) -> Lease? {
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
            holder: replicas[index].holder, lifetime: replicas[index].memory.leases.lifetime
        ).renewed
        _ = replicas[index].memory.leases.answered(step, .renewed(still), sentAt: tick)
        for rollout in database.activeRollouts() {
            let name = LeaseTable.name(of: rollout)
            if let lease = still.first(where: { $0.name == name }) { checker.granted(lease, on: rollout) }
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
