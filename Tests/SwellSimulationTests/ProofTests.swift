internal import SwellSimulation
internal import Testing

@Suite("Simulated worlds")
struct ProofTests {
    @Test("No invariant breaks in a small budget of worlds, and little is left unmet")
    func worlds() async {
        let campaign = Campaign(
            seeds: 0..<24, settings: WorldSettings(seed: 0, fleet: 5, stormyMinutes: 10), jobs: 2)
        var told = 0
        let tally = await campaign.run { _ in told += 1 }
        for outcome in tally.broken {
            Issue.record("\(outcome.violation.map { "\($0)" } ?? ""): \(outcome.settings.replayCommand)")
        }
        #expect(tally.worlds == 24 && told == 24)
        #expect(tally.rollouts > 100)
        for section in tally.coverage.sections { #expect(section.contradicted.isEmpty, "\(section.name)") }
        let faults = tally.coverage.sections.first { $0.name == "faults" }
        #expect(faults?.missed == [])
    }

    @Test("The same seed gives the same world, alone or among others")
    func repeats() async {
        let settings = WorldSettings(seed: 11, fleet: 4, applications: 3, replicas: 3, stormyMinutes: 4)
        let first = Proof.run(settings, keepsTrace: true)
        let second = Proof.run(settings, keepsTrace: true)
        #expect(first.trace == second.trace)
        #expect(first.events == second.events)
        let among = await Campaign(seeds: 11..<12, settings: settings, jobs: 2).run()
        #expect(among.events == first.events)
    }

    @Test("A campaign ends where enough is broken, and by its time")
    func bounds() async {
        var settings = WorldSettings(seed: 0, fleet: 3, stormyMinutes: 2)
        settings.plantedBug = .losesTransitions
        let broken = await Campaign(seeds: 0..<1_000, settings: settings, jobs: 2, brokenLimit: 3).run()
        #expect((3...4).contains(broken.broken.count))
        settings.plantedBug = nil
        let timed = await Campaign(seeds: 0..<1_000_000, settings: settings, jobs: 2, limit: .milliseconds(300)).run()
        #expect(timed.worlds > 0 && timed.worlds < 1_000_000)
    }
}
