internal import SwellEngine
internal import SwellModel

// What befalls agents that go on living: they stand still, do not see their clusters, or lie.
extension World {
    // MARK: Standing still

    /// Stops an agent's process for less than it takes to end its session.
    mutating func freezeAgent() {
        if let agent = random.pickAny(agents.indices.filter { agents[$0].isRunning && !isFrozen($0) }) {
            coverage.met(.agentFrozen)
            agents[agent].frozenUntil = now + seconds(5...55)
            note("stands still", of: agents[agent].cluster.name)
        }
        again(.freeze, in: 20...120)
    }

    func isFrozen(_ agent: Int) -> Bool { now < agents[agent].frozenUntil }

    /// What reaches an agent that stands still waits, in its order, until it goes on.
    mutating func postpone(_ event: WorldEvent, of agent: Int) {
        if case .agentTick(_, agents[agent].process) = event, agents[agent].wakeAt == now {
            agents[agent].wakeAt = agents[agent].frozenUntil
        }
        schedule(event, at: agents[agent].frozenUntil)
    }

    // MARK: Blindness

    /// Takes a cluster's API server away; what runs there goes on.
    mutating func goBlind() {
        if let agent = random.pickAny(agents.indices.filter { agents[$0].isRunning && !isBlind($0) }) {
            coverage.met(.blindness)
            agents[agent].blindUntil = now + seconds(20...180)
            note("has no API server", of: agents[agent].cluster.name)
        }
        again(.goBlind, in: 60...300)
    }

    func isBlind(_ agent: Int) -> Bool { now < agents[agent].blindUntil }

    // MARK: Lies

    /// Somebody speaks through an agent's session for a while; in the end it is found out, and its agent starts again.
    mutating func beginLying() {
        if let agent = random.pickAny(agents.indices.filter { agents[$0].session != nil && !agents[$0].isClone }) {
            coverage.met(.lyingAgent)
            blame.doubt(agents[agent].cluster.name)
            agents[agent].liesUntil = now + seconds(5...60)
            schedule(.lie(agent), in: seconds(0...2))
        }
        again(.beginLying, in: 100...600)
    }

    mutating func lie(_ agent: Int) throws(Violation) {
        guard now < agents[agent].liesUntil else {
            if agents[agent].isRunning { crash(agent) }
            return
        }
        schedule(.lie(agent), in: seconds(1...8))
        guard agents[agent].isRunning, !isFrozen(agent), agents[agent].session != nil else { return }
        // Mostly a word or two, now and then a flood of them.
        let count = random.chance(100) ? random.number(10...40) : random.number(1...2)
        for _ in 0..<count { send(OutgoingReport(sequence: -1, report: invention(of: agent)), fromAgent: agent) }
    }

    private mutating func invention(of agent: Int) -> ApplicationReport {
        let application = random.pick(Array(Self.applicationNames.prefix(settings.applications)))
        let assignment = agents[agent].machine.journal.applications[application]?.assignment
        let known = assignment?.generation ?? 1
        let generation: Int64
        switch random.number(0...19) {
        case 0...9: generation = known
        case 10...17: generation = max(1, known + random.number(-2...1_000))
        default:
            generation = random.chance(500) ? (1 << 52) - random.number(1...1_000) : 1 << 53
            blame.spoil(agents[agent].cluster.name)
        }
        var epoch = assignment?.epoch ?? 1
        if random.chance(300) { epoch += random.number(1...1_000) }
        let released = releases[application]?.map(\.digest) ?? []
        let digest = random.chance(600) ? assignment?.digest : random.pickAny(released)
        return ApplicationReport(
            application: application, generation: generation, digest: digest, epoch: epoch,
            phase: random.pick(AgentPhase.allCases), health: random.pick(Health.allCases), reason: "Invented")
    }
}
