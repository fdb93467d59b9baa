internal import SwellSimulation
internal import Testing

@Suite("Simulated worlds")
struct ProofTests {
    @Test("No invariant breaks in a small budget of worlds", arguments: 0..<4 as Range<UInt64>)
    func worlds(seed: UInt64) {
        let outcome = Proof.run(WorldSettings(seed: seed, fleet: 5, stormyMinutes: 8))
        #expect(outcome.violation == nil, "\(outcome.settings.replayCommand)")
        #expect(outcome.rollouts > 0)
    }

    @Test("The same seed gives the same world")
    func repeats() {
        let settings = WorldSettings(seed: 11, fleet: 4, stormyMinutes: 4)
        let first = Proof.run(settings, keepsTrace: true)
        let second = Proof.run(settings, keepsTrace: true)
        #expect(first.trace == second.trace)
        #expect(first.events == second.events)
    }
}
