internal import SwellEngine
internal import SwellModel
internal import Testing

/// Random events in random order, with crashes; the agent's invariants hold after each.
@Suite struct AgentRandomTests {
    @Test(arguments: 0..<40) func invariantsHold(seed: UInt64) {
        var random = SplitMix(state: seed)
        var agent = AgentDriver()
        agent.send(.restarted)
        var highest: Int64 = 0
        var highestEpoch: Int64 = 0
        var epoch: Int64 = 1
        var offered: [Assignment] = []
        /// Applies by work since it was last allowed to start again (a restart or a transient failure).
        var started: Set<AgentWork> = []
        for _ in 0..<400 {
            let before = agent.applies.count
            agent.now = agent.now + .milliseconds(Int64.random(in: 0...20_000, using: &random))
            let current = agent.machine.journal.applications["shop"]?.work
            switch Int.random(in: 0..<13, using: &random) {
            case 0:
                let generation = max(1, highest + Int64.random(in: -1...1, using: &random))
                epoch += Int64.random(in: -1...2, using: &random)
                let version = ["one", "two", "three"].randomElement(using: &random) ?? "one"
                let behaviour = DisconnectedBehaviour.allCases.randomElement(using: &random) ?? .finish
                var assignment = agent.assignment(
                    generation, version, epoch: epoch, fallback: Bool.random(using: &random) ? "one" : nil,
                    selfRollback: Bool.random(using: &random), away: behaviour)
                if Int.random(in: 0..<6, using: &random) == 0 { assignment.goal = .remove }
                offered.append(assignment)
                agent.send(.assigned([assignment]))
            case 1:
                if let assignment = offered.randomElement(using: &random) { agent.send(.assigned([assignment])) }
            case 2, 3, 4:
                let version = ["one", "two", "three"].randomElement(using: &random) ?? "one"
                agent.send(.contentPresent(agent.digest(version)))
            case 5, 6: if let current { agent.send(.workFinished(current)) }
            case 7:
                if let current {
                    if agent.send(.workFailed(current, .transient)).notes.contains("retrying") {
                        started.remove(current)
                    }
                }
            case 8: if let current { agent.send(.workFailed(current, .permanent)) }
            case 9:
                let health = Health.allCases.randomElement(using: &random) ?? .healthy
                if let current { agent.send(.healthObserved(current, ObservedHealth(health))) }
            case 10:
                started = []
                agent.crash()
            case 11: agent.send(Bool.random(using: &random) ? .connected : .disconnected)
            default:
                if Bool.random(using: &random) { agent.acknowledgeAll() } else { agent.send(.tick) }
            }
            guard let record = agent.machine.journal.applications["shop"] else { continue }
            for work in agent.applies[before...] {
                #expect(work.generation == record.highestGeneration)
                // A way back or a removal that failed is tried again: there is nowhere else to go.
                if record.phase == .failed, work.isReturn || work.kind == .remove { continue }
                #expect(started.insert(work).inserted, "acted twice on \(work)")
            }
            #expect(agent.disk == agent.machine.journal, "what is decided is on disk")
            #expect(record.highestGeneration >= highest, "generations never fall")
            #expect(record.highestEpoch >= highestEpoch, "epochs never fall")
            highest = record.highestGeneration
            highestEpoch = record.highestEpoch
            if record.phase == .healthy { #expect(record.proven.first?.digest == record.assignment?.digest) }
            if record.phase == .reverted || record.phase == .reverting {
                #expect(record.reportedDigest != record.assignment?.digest)
            }
        }
        settle(&agent, highest)
    }

    /// Once faults stop, a last assignment is carried to its end.
    private func settle(_ agent: inout AgentDriver, _ highest: Int64) {
        agent.crash()
        agent.send(.connected)
        let epoch = agent.machine.journal.highestEpoch
        agent.send(.assigned([agent.assignment(highest + 1, "last", epoch: epoch)]))
        agent.send(.contentPresent(agent.digest("last")))
        agent.send(.workFinished(agent.forward(highest + 1, "last")))
        agent.send(.healthObserved(agent.forward(highest + 1, "last"), ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        agent.acknowledgeAll()
        agent.acknowledgeAll()
        let record = agent.machine.journal.applications["shop"]
        #expect(record?.phase == .healthy)
        #expect(record?.outgoing == nil)
    }
}

/// A small seeded generator (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
