internal import SwellEngine
internal import SwellModel
internal import SwellStore

// How messages go, and what is lost.
extension World {
    /// How long a message is under way.
    private mutating func transit() -> Interval {
        if happens(.slowNetwork, 100) { return .milliseconds(random.number(50...8_000)) }
        return .milliseconds(random.number(1...50))
    }

    /// Whether a message is lost. Its session does not outlive it long, since every one is acknowledged below.
    private mutating func loses(_ agent: Int) -> Bool {
        guard let session = agents[agent].session, happens(.messagesLost, 5) else { return false }
        schedule(.breakSession(agent, session), in: seconds(0...20))
        return true
    }

    /// When a message arrives that is sent now: a session keeps the order of what is said, and what is said into a cut arrives after it.
    private mutating func arrival(after last: Timestamp, _ agent: Int, _ direction: SimulatedAgent.Cut) -> Timestamp {
        let arrival = max(now + transit(), last)
        return agents[agent].cut == direction ? max(arrival, agents[agent].cutUntil) : arrival
    }

    mutating func send(toAgent agent: Int, _ event: WorldEvent) {
        guard !loses(agent) else { return }
        let arrival = arrival(after: agents[agent].lastToAgent, agent, .toAgent)
        agents[agent].lastToAgent = arrival
        schedule(event, at: arrival)
        if happens(.duplicates, 30) {
            schedule(event.again, at: arrival + .milliseconds(random.number(1...20_000)))
        }
    }

    mutating func send(_ report: OutgoingReport, fromAgent agent: Int) {
        guard let session = agents[agent].session, !agents[agent].isAway, !loses(agent) else { return }
        checker.said(report.report, by: agents[agent].cluster.name)
        if happens(.reordering, 5) {
            // It stands in a queue while its session breaks, and is ingested after what the next session says.
            schedule(.reportArrives(agent, session, report, isLate: true), in: seconds(5...20))
            return schedule(.breakSession(agent, session), in: seconds(0...3))
        }
        let arrival = arrival(after: agents[agent].lastToCoordinator, agent, .toCoordinator)
        agents[agent].lastToCoordinator = arrival
        schedule(.reportArrives(agent, session, report, isLate: false), at: arrival)
    }

    // MARK: Sessions

    mutating func connect(_ agent: Int) throws(Violation) {
        guard agents[agent].isRunning, agents[agent].session == nil, !agents[agent].isAway else { return }
        guard agents[agent].isMember, agents[agent].cut == nil,
            let replica = random.pickAny(replicas.indices.filter { replicas[$0].isRunning && !replicas[$0].isFrozen })
        else { return schedule(.connect(agent), in: .seconds(5)) }
        agents[agent].lastSession += 1
        let session = agents[agent].lastSession
        agents[agent].session = session
        agents[agent].replica = replica
        let journal = agents[agent].machine.journal
        for report in journal.statuses { checker.said(report, by: agents[agent].cluster.name) }
        let arrival = arrival(after: agents[agent].lastToCoordinator, agent, .toCoordinator)
        agents[agent].lastToCoordinator = arrival
        schedule(.helloArrives(agent, session, journal.statuses, journal.highestEpoch), at: arrival)
        try feed(agent, .connected)
    }

    mutating func breakSession(_ agent: Int, _ session: Int) throws(Violation) {
        guard agents[agent].session == session else { return }
        guard !isFrozen(agent) else {
            return schedule(.breakSession(agent, session), at: agents[agent].frozenUntil)
        }
        agents[agent].session = nil
        try feed(agent, .disconnected)
        schedule(.connect(agent), in: seconds(0...10))
    }

    mutating func breakAnySession() throws(Violation) {
        if let agent = random.pickAny(agents.indices.filter { agents[$0].session != nil }) {
            coverage.met(.sessionBreaks)
            try breakSession(agent, agents[agent].session ?? 0)
        }
        again(.anySessionBreaks, in: 5...60)
    }

    /// One direction is cut. The session may be given up meanwhile, or go on with what has piled up.
    mutating func cutOneWay() {
        let candidates = agents.indices.filter { agents[$0].session != nil && agents[$0].cut == nil }
        if let agent = random.pickAny(candidates), let session = agents[agent].session {
            coverage.met(.oneWayCuts)
            agents[agent].cut = random.chance(500) ? .toAgent : .toCoordinator
            let length = seconds(3...90)
            agents[agent].cutUntil = now + length
            schedule(.cutEnds(agent), in: length)
            if random.chance(600) { schedule(.breakSession(agent, session), in: seconds(2...60)) }
        }
        again(.cut, in: 20...120)
    }

    mutating func vanish() {
        if let agent = random.pickAny(agents.indices.filter { !agents[$0].isAway && agents[$0].isRunning }) {
            coverage.met(.clusterVanishes)
            agents[agent].isAway = true
            schedule(.reappear(agent), in: seconds(20...400))
            if let session = agents[agent].session { schedule(.breakSession(agent, session), in: seconds(1...20)) }
        }
        again(.vanish, in: 60...240)
    }
}
