internal import SwellEngine
internal import SwellModel
internal import SwellStore

// The coordinator's part: leases, decisions, orphans, pushing assignments. It goes as `Reconciler` and `AssignmentFeed` go.
extension World {
    private static let leaseLifetime = Interval.seconds(10)

    mutating func tick(replica index: Int) throws(Violation) {
        schedule(.replicaTick(index), in: .milliseconds(1_000))
        guard replicas[index].isRunning, !replicas[index].isFrozen else { return }
        if now - replicas[index].touchedAt >= .seconds(5) { touch(replica: index) }
        for name in database.dueRollouts(limit: 16) { try decide(name, replica: index) }
        reissueOrphans(replica: index)
        push(replica: index)
    }

    private mutating func touch(replica index: Int) {
        replicas[index].touchedAt = now
        let sessions = agents.indices.filter { agents[$0].isHeard && agents[$0].replica == index }
        database.touch(sessions.map { agents[$0].cluster.name })
        // Who is not in the fleet has no business here.
        let known = Set(database.clusterRecords().map(\.cluster.name))
        for agent in sessions where !known.contains(agents[agent].cluster.name) {
            schedule(.breakSession(agent, agents[agent].session ?? 0), in: .milliseconds(10))
        }
    }

    // MARK: Decisions

    private enum Commit { case known, unknown, lost }

    private mutating func decide(_ name: RolloutName, replica index: Int) throws(Violation) {
        if happens(.transactionFails, 30) { return }
        guard let lease = lease(on: name, replica: index) else { return }
        let commit: Commit = happens(.outcomeUnknown, 30) ? random.pick([.unknown, .lost]) : .known
        guard let made = try propose(name, under: lease, replica: index, isKept: commit != .lost) else { return }
        guard commit != .lost else {
            if settings.plantedBug == .deliversBeforeCommit { deliver(made.decision.assignments, replica: index) }
            return
        }
        note(made.decision)
        coverage.note(made.decision)
        tempt(made.decision)
        guard commit == .known else { return }
        if made.decision.rollout.phase.isEnded {
            database.releaseLease(lease)
            replicas[index].leases[name] = nil
        }
    }

    /// What the replica believes to hold. It renews late, so that a stale lease is tried now and then.
    private mutating func lease(on name: RolloutName, replica index: Int) -> Lease? {
        if let cached = replicas[index].leases[name] {
            let left = cached.expiresAt - replicas[index].clock.reading(at: now)
            let isCareless =
                settings.faults.contains(.replicaFreeze) || settings.faults.contains(.replicaClocks)
            if left >= .seconds(7) || (isCareless && random.chance(300)) { return cached }
        }
        let lease = database.acquireLease(
            "rollout/\(name)", holder: replicas[index].holder, lifetime: Self.leaseLifetime)
        replicas[index].leases[name] = lease
        if let lease { checker.granted(lease, on: name) }
        return lease
    }

    private mutating func propose(
        _ name: RolloutName, under lease: Lease, replica index: Int, isKept: Bool
    ) throws(Violation) -> (input: DecisionInput, decision: Decision)? {
        var made: (input: DecisionInput, decision: Decision)?
        let bug = settings.plantedBug
        let clock = database.now
        func decide(_ input: DecisionInput) -> Decision {
            let decision = bug?.decide(input) ?? DecisionMaker.decide(input)
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
                replicas[index].leases[name] = nil
                return nil
            }
            // The store's own guard bit; the checker says which invariant it kept.
            if let made { try checker.check(made.input, made.decision, clock: clock, isThorough: false) }
            throw Violation(invariant: 0, message: "the store refused a decision on \(name): \(error)")
        }
        guard let made else { return nil }
        if isKept {
            let isThorough = random.next() % 16 == 0
            try checker.check(made.input, made.decision, clock: clock, isThorough: isThorough && bug == nil)
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

    // MARK: Assignments

    /// What the reconciler does for assignments that agents are ahead of.
    private mutating func reissueOrphans(replica index: Int) {
        guard now - replicas[index].orphansCheckedAt >= .seconds(5) else { return }
        replicas[index].orphansCheckedAt = now
        let orphans = database.orphanedAssignments(limit: 64)
        guard !orphans.isEmpty else { return }
        guard
            let lease = database.acquireLease(
                "strays", holder: replicas[index].holder, lifetime: Self.leaseLifetime)
        else { return }
        let told = (try? database.reissue(orphans.map { $0.reissued(under: lease.epoch) }, under: lease)) ?? []
        database.releaseLease(lease)
        checker.reissued(told)
        coverage.reissued += told.count
        if !told.isEmpty { note("  told \(told.count) orphans again") }
    }

    private mutating func push(replica index: Int) {
        guard settings.plantedBug != .neverPushes else { return }
        if now - replicas[index].pushedAllAt >= .seconds(30) {
            replicas[index].pushedAllAt = now
            let clusters = sessions(of: index).keys.sorted()
            return deliver(clusters.flatMap { database.assignments(of: $0) }, replica: index)
        }
        let news = database.assignments(changedAfter: replicas[index].cursor)
        replicas[index].cursor = news.cursor
        deliver(news.assignments, replica: index)
    }

    private mutating func deliver(_ assignments: [Assignment], replica index: Int) {
        guard !assignments.isEmpty else { return }
        let places = sessions(of: index)
        for var assignment in assignments {
            guard var agent = places[assignment.cluster] else { continue }
            // What the agent's inbox holds already is not sent again.
            if agents[agent].disk.applications[assignment.application]?.assignment == assignment { continue }
            if settings.plantedBug == .crossesWires, random.chance(50),
                let other = random.pickAny(places.values.sorted())
            {
                // No message names its cluster: the agent takes for its own what it is sent.
                agent = other
                assignment.cluster = agents[other].cluster.name
            }
            send(toAgent: agent, .assignmentsArrive(agent, agents[agent].session ?? 0, [assignment]))
        }
    }

    /// The replica's sessions by cluster: of two under one name, the newer agent's.
    private func sessions(of replica: Int) -> [ClusterName: Int] {
        var places: [ClusterName: Int] = [:]
        for agent in agents.indices
        where agents[agent].session != nil && agents[agent].replica == replica && !agents[agent].isAway {
            places[agents[agent].cluster.name] = agent
        }
        return places
    }
}
