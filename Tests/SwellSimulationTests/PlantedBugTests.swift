internal import SwellSimulation
internal import Testing

@Suite("Mistakes put in on purpose are found")
struct PlantedBugTests {
    /// The invariant by whose number each is found, and the seed from which on to look for a world in which it shows.
    static let expected: [(PlantedBug, invariant: Int, from: UInt64)] = [
        (.ignoresCaps, 1, 4), (.skipsSoak, 3, 6), (.takesOldEvidence, 4, 3), (.ignoresBudget, 5, 22),
        (.ignoresPauses, 6, 53), (.takesSilenceForFailure, 12, 53), (.ignoresApprovals, 14, 13),
        (.losesTransitions, 16, 1), (.neverPushes, 19, 69),
    ]

    @Test("Each is found by its invariant", arguments: expected)
    func found(bug: PlantedBug, invariant: Int, from seed: UInt64) {
        let isFound = (seed..<seed + 30).contains { seed in
            let outcome = Proof.run(WorldSettings(seed: seed, fleet: 5, stormyMinutes: 8, plantedBug: bug))
            return outcome.violation?.invariant == invariant
        }
        #expect(isFound)
    }

    @Test("Every mistake has its invariant")
    func complete() {
        #expect(Set(Self.expected.map(\.0)) == Set(PlantedBug.allCases))
    }

    @Test("A violation is found again in a smaller world, with its trace and the command to replay it")
    func shrinks() throws {
        let found = try #require(
            (0..<20 as Range<UInt64>).lazy
                .map { Proof.run(WorldSettings(seed: $0, fleet: 5, stormyMinutes: 8, plantedBug: .losesTransitions)) }
                .first { $0.violation != nil })
        let smaller = Proof.shrink(found)
        #expect(smaller.violation?.invariant == found.violation?.invariant)
        #expect(smaller.settings.faults.count < found.settings.faults.count)
        #expect(!smaller.trace.isEmpty)
        #expect(smaller.settings.replayCommand.contains("--replay \(smaller.settings.seed)"))
    }
}
