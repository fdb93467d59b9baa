internal import SwellEngine
internal import SwellModel
internal import SwellStore

// The sessions' ends: what a replica does with a hello and a report, and what reaches an agent.
extension World {
    mutating func hello(
        _ agent: Int, _ session: Int, _ statuses: [ApplicationReport], _ epoch: Int64
    ) throws(Violation) {
        let replica = agents[agent].replica
        guard agents[agent].session == session, !agents[agent].isAway, replicas[replica].isRunning else { return }
        if replicas[replica].isFrozen {
            return schedule(.helloArrives(agent, session, statuses, epoch), at: replicas[replica].frozenUntil)
        }
        let cluster = agents[agent].cluster.name
        if isStoreAway {
            // It counts as seen all the same; nothing else comes of the greeting.
            replicas[replica].memory.presence.see(cluster, at: tick)
            return try breakSession(agent, session)
        }
        var greeting = SessionGreeting()
        var rest = greeting.handle(.hello(journal: statuses, hasRoom: true))[...]
        while let action = rest.popFirst() {
            let term = replicas[replica].memory.cursor.term
            switch action {
            case .see: replicas[replica].memory.presence.see(cluster, at: tick)
            case .place:
                let place = database.clusterRecords().first { $0.cluster.name == cluster }?.cluster
                rest += greeting.handle(.placed(place))
            case .ingest(let journal):
                if happens(.transactionFails, 20) { return try breakSession(agent, session) }
                database.beginSession(Self.name(of: agent, session), of: cluster)
                _ = ingest(cluster, journal, Self.name(of: agent, session))
                rest += greeting.handle(.ingested)
            case .enter:
                enter(agent, session, replica: replica)
                rest += greeting.handle(.entered(term: term))
            case .readList: rest += greeting.handle(.listed(database.assignments(of: [cluster]), term: term))
            case .open(_, let list): deliver(list, to: cluster, replica: replica)
            case .sendAway: schedule(.breakSession(agent, session), in: .milliseconds(10))
            }
        }
    }

    mutating func report(
        _ agent: Int, _ session: Int, _ outgoing: OutgoingReport, isLate: Bool
    ) throws(Violation) {
        let replica = agents[agent].replica
        let isCurrent = agents[agent].session == session && !agents[agent].isAway && !isLate
        // A report may stand in the queue of ingestion when its session ends.
        guard isCurrent || isLate || happens(.duplicates, 200) else { return }
        guard replicas[replica].isRunning else { return }
        if replicas[replica].isFrozen {
            return schedule(
                .reportArrives(agent, session, outgoing, isLate: isLate), at: replicas[replica].frozenUntil)
        }
        if storeFails(20) { return try breakSession(agent, session) }
        guard ingest(agents[agent].cluster.name, [outgoing.report], Self.name(of: agent, session)) else {
            // Another session speaks for the cluster: this one ends, if it has not yet.
            if isCurrent { try breakSession(agent, session) }
            return
        }
        if isCurrent { hear(agents[agent].cluster.name, replica: replica) }
        if happens(.outcomeUnknown, 20) { return try breakSession(agent, session) }
        if happens(.duplicates, 50) {
            _ = ingest(agents[agent].cluster.name, [outgoing.report], Self.name(of: agent, session))
        }
        guard isCurrent else { return }
        send(
            toAgent: agent,
            .acknowledgementArrives(agent, session, outgoing.report.application, outgoing.sequence))
    }

    /// No two sessions have one name, also of a cluster and its clone.
    private static func name(of agent: Int, _ session: Int) -> String { "\(agent)/\(session)" }

    /// Whether they were taken in: not where another session speaks for the cluster by now.
    private mutating func ingest(_ cluster: ClusterName, _ reports: [ApplicationReport], _ session: String) -> Bool {
        var name = cluster
        if settings.plantedBug == .mixesUpAgents, random.chance(50) {
            name = random.pickAny(database.clusterRecords().map(\.cluster.name)) ?? cluster
        }
        let received = reports.map {
            ReceivedReport(cluster: name, report: $0, session: name == cluster ? session : nil)
        }
        guard !database.ingest(received).overtaken.contains(session) else { return false }
        for report in reports { checker.heard(report, of: cluster, at: database.now) }
        let removals = reports.filter { $0.phase == .removed }
        if !removals.isEmpty, database.clusterRecords().contains(where: { $0.cluster.name == name }) {
            for report in removals { checker.removed(report, of: name) }
        }
        return true
    }

    // MARK: What reaches an agent

    mutating func acknowledge(
        _ agent: Int, _ session: Int, _ application: ApplicationName, _ sequence: Int64
    ) throws(Violation) {
        guard agents[agent].session == session else { return }
        try feed(agent, .reportAcknowledged(application, sequence: sequence))
    }

    /// Assignments are told apart by their generations, in whatever order they come. A pause is not, for it changes the one that
    /// stands: the stream keeps its order, and a stream that has ended says nothing more. So a repeat brings none.
    mutating func deliver(
        _ agent: Int, _ session: Int, _ assignments: [Assignment], isRepeat: Bool
    ) throws(Violation) {
        let isCurrent = agents[agent].session == session
        guard isCurrent || happens(.duplicates, 300) else { return }
        guard isRepeat || !isCurrent else { return try feed(agent, .assigned(assignments)) }
        let records = agents[agent].machine.journal.applications
        let repeated = assignments.map { assignment in
            var repeated = assignment
            if let standing = records[assignment.application]?.assignment,
                standing.generation == assignment.generation
            {
                repeated.isPaused = standing.isPaused
            }
            return repeated
        }
        try feed(agent, .assigned(repeated))
    }

    /// The agent's question for content reaches the coordinator, which looks whether the cluster has any business with it.
    mutating func askContent(_ agent: Int, _ process: Int, _ digest: ContentDigest) throws(Violation) {
        guard agents[agent].process == process, agents[agent].machine.journal.referredDigests.contains(digest) else {
            return
        }
        let cluster = agents[agent].cluster.name
        guard agents[agent].session != nil, !agents[agent].isAway, agents[agent].cut == nil, !isStoreAway,
            mayRead(digest, cluster)
        else { return schedule(.contentAsked(agent, process, digest), in: seconds(2...10)) }
        guard content(digest) != nil else {
            throw Violation(invariant: 17, message: "\(digest.short) is gone, though \(cluster) refers to it")
        }
        if happens(.applyFails, 5) {
            blame.hit(cluster, digest)
            return try feed(agent, .contentUnavailable(digest, message: "the index cannot be understood"))
        }
        try checker.read(digest, by: cluster, among: releases.keys)
        schedule(.contentArrives(agent, process, digest), in: .milliseconds(random.number(1...500)))
    }

    private func mayRead(_ digest: ContentDigest, _ cluster: ClusterName) -> Bool {
        settings.plantedBug == .servesAnybody || database.mayRead(digest, cluster: cluster)
    }

    /// An agent asks for a release that its cluster may have no business with.
    mutating func beCurious() throws(Violation) {
        let known = releases.keys.sorted().flatMap { releases[$0] ?? [] }
        if let agent = random.pickAny(agents.indices.filter { agents[$0].session != nil && agents[$0].isMember }),
            let digest = random.pickAny(known.map(\.digest))
        {
            coverage.met(.curiousAgents)
            let cluster = agents[agent].cluster.name
            if mayRead(digest, cluster), content(digest) != nil {
                try checker.read(digest, by: cluster, among: releases.keys)
            }
        }
        again(.curiosity, in: 20...120)
    }
}
