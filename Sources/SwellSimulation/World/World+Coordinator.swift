internal import SwellEngine
internal import SwellModel
internal import SwellStore

// The coordinator's part: leases, decisions, sessions' far ends, pushing wishes.
extension World {
    mutating func tick(replica index: Int) throws(Violation) {
        schedule(.replicaTick(index), in: .milliseconds(1_000))
        guard replicas[index].isRunning, !replicas[index].isFrozen else { return }
        if now - replicas[index].touchedAt >= .seconds(5) {
            replicas[index].touchedAt = now
            database.touch(sessions(of: index).map { agents[$0].cluster.name })
            // Who is not in the fleet has no business here.
            let known = Set(database.clusterRecords().map(\.cluster.name))
            for agent in sessions(of: index) where !known.contains(agents[agent].cluster.name) {
                schedule(.breakSession(agent, agents[agent].session ?? 0), in: .milliseconds(10))
            }
        }
        for name in database.dueRollouts(limit: 16) { try decide(name, replica: index) }
        retellStrays(replica: index)
        push(replica: index)
    }

    func sessions(of replica: Int) -> [Int] {
        agents.indices.filter { agents[$0].session != nil && agents[$0].replica == replica && !agents[$0].isAway }
    }

    private mutating func decide(_ name: RolloutName, replica index: Int) throws(Violation) {
        if has(.transactionFails), random.chance(30) {
            coverage.met(.transactionFails)
            return
        }
        let cached = replicas[index].leases[name]
        // A replica uses what it believes to hold and renews it late, so that a stale lease is tried now and then.
        if cached.map({
            $0.expiresAt - now < .seconds(7) && !(settings.faults.contains(.replicaFreeze) && random.chance(300))
        }) ?? true {
            replicas[index].leases[name] = database.acquireLease(
                "rollout/\(name)", holder: replicas[index].holder, lifetime: .seconds(10))
        }
        guard let lease = replicas[index].leases[name] else { return }
        var made: (input: DecisionInput, decision: Decision)?
        let bug = settings.plantedBug
        var copy = database
        do {
            _ = try copy.decide(name, under: lease) { input in
                var decision = DecisionMaker.decide(bug?.distort(input) ?? input)
                if let bug { decision = bug.distort(decision, of: input) }
                made = (input, decision)
                return decision
            }
        } catch {
            if error.code == .leaseLost {
                coverage.met(.replicaFreeze)
                replicas[index].leases[name] = nil
                return
            }
            throw Violation(invariant: 0, message: "the store refused a decision: \(error)")
        }
        if has(.outcomeUnknown), random.chance(30) {
            coverage.met(.outcomeUnknown)
            if random.chance(500) { return }
        }
        database = copy
        guard let made else { return }
        let roll = random.next()
        try checker.check(made.input, made.decision, looksTwice: roll % 16 == 0 && bug == nil)
        coverage.note(made.decision)
        if keepsTrace {
            for row in made.decision.transitions where row.from != row.to {
                note(
                    "  \(name) \(row.subject): \(row.from ?? "new") -> \(row.to)\(row.reason.map { " (\($0))" } ?? "")")
            }
            for assignment in made.decision.assignments {
                note(
                    "  \(name) assigns \(assignment.cluster) g\(assignment.generation) e\(assignment.epoch) \(assignment.digest?.short ?? "remove")"
                )
            }
        }
        if let epoch = made.decision.epochToOutrank {
            database.raiseEpochs(above: epoch)
            database.releaseLease(lease)
            replicas[index].leases[name] = nil
        }
    }

    /// What the reconciler does for wishes that agents are ahead of.
    private mutating func retellStrays(replica index: Int) {
        guard now - replicas[index].straysAt >= .seconds(5) else { return }
        replicas[index].straysAt = now
        let strays = database.strays(limit: 64)
        guard let highest = strays.map(\.report.epoch).max() else { return }
        database.raiseEpochs(above: highest)
        guard let lease = database.acquireLease("strays", holder: replicas[index].holder, lifetime: .seconds(10))
        else { return }
        let told = try? database.retell(strays.compactMap { $0.retold(under: lease.epoch) }, under: lease)
        database.releaseLease(lease)
        coverage.noteRetold(told?.count ?? 0)
        note("  told \(told?.count ?? 0) strays again")
    }

    private mutating func push(replica index: Int) {
        var changed: [Assignment] = []
        if now - replicas[index].pushedAllAt >= .seconds(30) {
            replicas[index].pushedAllAt = now
            changed = sessions(of: index).flatMap { database.assignments(of: agents[$0].cluster.name) }
        } else {
            let news = database.assignments(changedAfter: replicas[index].cursor)
            replicas[index].cursor = news.cursor
            changed = news.assignments
        }
        guard settings.plantedBug != .neverPushes, !changed.isEmpty else { return }
        let places = Dictionary(uniqueKeysWithValues: sessions(of: index).map { (agents[$0].cluster.name, $0) })
        for assignment in changed {
            guard let agent = places[assignment.cluster] else { continue }
            // What the agent's inbox holds already is not sent again.
            if agents[agent].disk.applications[assignment.application]?.assignment == assignment { continue }
            send(toAgent: agent, .assignmentsArrive(agent, agents[agent].session ?? 0, [assignment]))
        }
    }

    mutating func hello(_ agent: Int, _ session: Int, _ statuses: [ApplicationReport], _ epoch: Int64) throws(Violation)
    {
        guard agents[agent].session == session, !agents[agent].isAway, replicas[agents[agent].replica].isRunning else {
            return
        }
        let cluster = agents[agent].cluster.name
        guard
            (try? database.noteConnection(
                cluster, replica: replicas[agents[agent].replica].name, agentVersion: "1", isConnected: true)) != nil
        else { return schedule(.breakSession(agent, session), in: .milliseconds(10)) }
        database.raiseEpochs(above: epoch)
        ingest(cluster, statuses)
        let assignments = database.assignments(of: cluster)
        if !assignments.isEmpty { send(toAgent: agent, .assignmentsArrive(agent, session, assignments)) }
    }

    mutating func report(_ agent: Int, _ session: Int, _ outgoing: OutgoingReport) throws(Violation) {
        let isCurrent = agents[agent].session == session && !agents[agent].isAway
        // A report may stand in the queue of ingestion when its session ends.
        guard isCurrent || (has(.duplicates) && random.chance(200)) else { return }
        guard replicas[agents[agent].replica].isRunning else { return }
        if has(.transactionFails), random.chance(20) {
            coverage.met(.transactionFails)
            return try breakSession(agent, session)
        }
        ingest(agents[agent].cluster.name, [outgoing.report])
        if has(.outcomeUnknown), random.chance(20) {
            coverage.met(.outcomeUnknown)
            return try breakSession(agent, session)
        }
        if has(.duplicates), random.chance(50) {
            coverage.met(.duplicates)
            ingest(agents[agent].cluster.name, [outgoing.report])
        }
        guard isCurrent else { return }
        send(
            toAgent: agent,
            .acknowledgementArrives(agent, session, outgoing.report.application, outgoing.sequence))
    }

    private mutating func ingest(_ cluster: ClusterName, _ reports: [ApplicationReport]) {
        _ = database.ingest(reports.map { ReceivedReport(cluster: cluster, report: $0) })
        for report in reports { checker.heard(cluster, report, at: now) }
    }

    /// How long a message is under way.
    mutating func transit() -> Interval {
        .milliseconds(has(.slowNetwork) && random.chance(100) ? random.number(50...8_000) : random.number(1...50))
    }

    mutating func send(toAgent agent: Int, _ event: WorldEvent) {
        let arrival = max(now + transit(), agents[agent].lastToAgent)
        agents[agent].lastToAgent = arrival
        schedule(event, at: arrival)
        if has(.duplicates), random.chance(30) {
            coverage.met(.duplicates)
            schedule(event, at: arrival + .milliseconds(random.number(1...20_000)))
        }
    }

    // MARK: Faults

    mutating func crashReplica() {
        coverage.met(.replicaCrash)
        let index = Int(random.next() % UInt64(replicas.count))
        if replicas[index].isRunning {
            replicas[index].isRunning = false
            replicas[index].leases = [:]
            loseSessions(of: index)
            schedule(.replicaBack(index), in: seconds(1...40))
        }
        again(.replicaCrash, in: 60...300)
    }

    mutating func freezeReplica() {
        coverage.met(.replicaFreeze)
        let index = Int(random.next() % UInt64(replicas.count))
        replicas[index].isFrozen = true
        schedule(.replicaBack(index), in: seconds(5...30))
        again(.replicaFreeze, in: 60...300)
    }

    mutating func wakeReplica(_ index: Int) {
        if !replicas[index].isRunning {
            replicas[index].boot += 1
            replicas[index].isRunning = true
            replicas[index].cursor = 0
        }
        replicas[index].isFrozen = false
    }

    private mutating func loseSessions(of index: Int) {
        for agent in agents.indices where agents[agent].replica == index {
            guard let session = agents[agent].session else { continue }
            schedule(.breakSession(agent, session), in: seconds(0...5))
        }
    }

    mutating func takeSnapshot() {
        earlier = database
        schedule(.databaseFailover, in: seconds(1...40))
    }

    /// The database goes on from an earlier state. Its clients' connections break, so each replica begins anew with what it pushes.
    mutating func failOver() {
        guard var restored = earlier else { return }
        coverage.met(.databaseFailover)
        restored.now = now
        database = restored
        earlier = nil
        for index in replicas.indices {
            replicas[index].leases = [:]
            replicas[index].cursor = 0
            loseSessions(of: index)
        }
        checker.forgetStored(database)
        again(.databaseSnapshot, in: 200...900)
    }
}
