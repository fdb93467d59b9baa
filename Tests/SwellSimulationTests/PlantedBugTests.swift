internal import SwellSimulation
internal import Testing

@Suite("Mistakes put in on purpose are found")
struct PlantedBugTests {
    @Test("Every invariant has a mistake that breaks it")
    func complete() {
        #expect(Set(PlantedBug.allCases.map(\.invariant)) == Set(1...19))
    }

    @Test("Each is found, under the number of its invariant", arguments: PlantedBug.allCases)
    func found(bug: PlantedBug) async {
        // The seeds are tried a few at a time, since most mistakes show in the first.
        var tried: UInt64 = 0
        while tried < 120 {
            let trial = await PlantTrial.run(
                bug, seeds: tried..<(tried + 6), settings: WorldSettings(seed: 0, fleet: 5, stormyMinutes: 8), jobs: 2)
            if trial.caught > 0 { return }
            tried += 6
        }
        Issue.record("\(bug) was not found in \(tried) worlds")
    }

    @Test("A violation is found again in a smaller world, with its trace and the command to replay it")
    func shrinks() throws {
        let found = try #require(
            (0..<20 as Range<UInt64>).lazy
                .map { Proof.run(WorldSettings(seed: $0, fleet: 5, stormyMinutes: 8, plantedBug: .losesTransitions)) }
                .first { $0.violation != nil })
        let smaller = Proof.shrink(found, attempts: 40)
        #expect(smaller.violation?.invariant == found.violation?.invariant)
        #expect(smaller.events < found.events)
        #expect(!smaller.focusedTrace.isEmpty)
        #expect(smaller.settings.replayCommand.contains("--replay \(smaller.settings.seed)"))
    }
}
