internal import SwellEngine
internal import SwellModel
internal import SwellStore

// How a replica keeps up with its sessions: who is heard, what of it is written, and what reaches them of what changes.
extension World {
    // MARK: Presence

    /// Reads what agents say merely by being there, and ends the sessions of those who do not.
    mutating func hearAgents(replica index: Int) {
        let sessions = replicas[index].memory.sessions.sorted { $0.key < $1.key }
        let isBeat = replicas[index].memory.beatAt.map { tick - $0 >= RolloutPolicy.agentHeartbeat } ?? true
        if isBeat { replicas[index].memory.beatAt = tick }
        // Where the store is away, who belongs to the fleet is as it was.
        let isFleetKnown = !isStoreAway
        for (cluster, entry) in sessions {
            guard agents[entry.agent].session == entry.session else {
                leave(cluster, replica: index)
                continue
            }
            if isBeat, agents[entry.agent].isHeard, !isFrozen(entry.agent) { hear(cluster, replica: index) }
            // Who is not in the fleet has no business here.
            if isFleetKnown, !database.isInFleet(cluster) { end(entry) }
        }
        for cluster in replicas[index].memory.silence.silent(now: tick) {
            if let entry = replicas[index].memory.sessions[cluster] { end(entry) }
        }
    }

    mutating func hear(_ cluster: ClusterName, replica index: Int) {
        guard replicas[index].memory.sessions[cluster] != nil else { return }
        replicas[index].memory.presence.see(cluster, at: tick)
        replicas[index].memory.silence.heard(cluster, at: tick)
    }

    private mutating func leave(_ cluster: ClusterName, replica index: Int) {
        replicas[index].memory.sessions[cluster] = nil
        replicas[index].memory.silence.ended(cluster)
        replicas[index].memory.presence.note(.init(cluster: cluster, agentVersion: "1", isConnected: false))
    }

    private mutating func end(_ entry: SimulatedSession) {
        schedule(.breakSession(entry.agent, entry.session), in: .milliseconds(10))
    }

    /// Enters a session; the cluster's earlier one, if any, is ended.
    mutating func enter(_ agent: Int, _ session: Int, replica index: Int) {
        let cluster = agents[agent].cluster.name
        let entry = SimulatedSession(agent: agent, session: session)
        if let earlier = replicas[index].memory.sessions.updateValue(entry, forKey: cluster) { end(earlier) }
        replicas[index].memory.presence.note(.init(cluster: cluster, agentVersion: "1", isConnected: true))
        hear(cluster, replica: index)
    }

    mutating func writePresence(replica index: Int) {
        while let batch = replicas[index].memory.presence.batch(now: tick) {
            let isWritten = !storeFails(30)
            if isWritten {
                let name = replicas[index].name
                if batch.clearsConnections { database.dropConnections(of: name) }
                for connection in batch.connections {
                    // A cluster that left the fleet has none.
                    try? database.noteConnection(
                        connection.cluster, replica: name, agentVersion: connection.agentVersion,
                        isConnected: connection.isConnected)
                }
                database.touch(batch.seen ?? [:])
                database.noteHeard(batch.heard, replica: name)
            }
            replicas[index].memory.presence.answered(batch, isWritten ? .written : .failed, now: tick)
            if !isWritten { return }
        }
    }

    // MARK: Assignments

    mutating func followChanges(replica index: Int) {
        guard settings.plantedBug != .neverPushes else { return }
        let clusters = replicas[index].memory.sessions.keys.sorted()
        while let query = replicas[index].memory.cursor.next(now: tick, sessions: clusters) {
            guard !storeFails(10) else { return replicas[index].memory.cursor.failed() }
            let page =
                switch query {
                case .after(let cursor, let limit): database.assignments(changedAfter: cursor, limit: limit)
                case .of(let clusters): database.assignments(of: clusters)
                }
            let term = replicas[index].memory.cursor.term
            hand(replicas[index].memory.cursor.received(page), replica: index)
            if replicas[index].memory.cursor.term != term { askAgain(replica: index) }
        }
    }

    /// What agents said and the store lost, they do not say again by themselves: their sessions begin again.
    private mutating func askAgain(replica index: Int) {
        for agent in agents.indices where agents[agent].replica == index {
            guard let session = agents[agent].session else { continue }
            schedule(.breakSession(agent, session), in: seconds(0...10))
        }
    }

    /// Hands what the store has to the sessions of its clusters.
    private mutating func hand(_ changes: ChangeDelivery, replica index: Int) {
        for (cluster, list) in Dictionary(grouping: changes.assignments, by: \.cluster).sorted(by: { $0.key < $1.key })
        {
            deliver(ChangeDelivery(moment: changes.moment, assignments: list), to: cluster, replica: index)
        }
    }

    /// Hands a cluster's assignments to its session, and says what of it is news.
    mutating func deliver(_ changes: ChangeDelivery, to cluster: ClusterName, replica index: Int) {
        guard var entry = replicas[index].memory.sessions[cluster] else { return }
        _ = entry.delivery.put(changes)
        var batches: [[Assignment]] = []
        while let batch = entry.delivery.nextRollbacks(limit: 500) ?? entry.delivery.nextForward(limit: 500) {
            batches.append(batch.assignments)
        }
        replicas[index].memory.sessions[cluster] = entry
        for batch in batches where !batch.isEmpty { say(batch, entry, replica: index) }
    }

    private mutating func say(_ assignments: [Assignment], _ entry: SimulatedSession, replica index: Int) {
        var entry = entry
        var assignments = assignments
        if settings.plantedBug == .crossesWires, random.chance(50),
            let cluster = random.pickAny(replicas[index].memory.sessions.keys.sorted()),
            let other = replicas[index].memory.sessions[cluster]
        {
            // No message names its cluster: the agent takes for its own what it is sent.
            entry = other
            for place in assignments.indices { assignments[place].cluster = cluster }
        }
        guard agents[entry.agent].session == entry.session else { return }
        send(toAgent: entry.agent, .assignmentsArrive(entry.agent, entry.session, assignments))
    }

    /// A planted bug tells agents what was never committed.
    mutating func leak(_ assignments: [Assignment], replica index: Int) {
        for assignment in assignments {
            if let entry = replicas[index].memory.sessions[assignment.cluster] {
                say([assignment], entry, replica: index)
            }
        }
    }
}
