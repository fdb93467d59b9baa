internal import SwellSimulation
internal import Testing

@Suite("Mistakes put in on purpose are found")
struct PlantedBugTests {
    @Test("Every invariant has a mistake that breaks it")
    func complete() {
        #expect(Set(PlantedBug.allCases.map(\.invariant)) == Set(1...23))
    }

    /// Where to begin to look for those that show in few worlds. Only to be quick: they are looked for elsewhere too.
    private static let likely: [PlantedBug: UInt64] = [
        .ignoresBudget: 27, .deliversBeforeCommit: 11, .rollsBackTooMuch: 192, .trustsReverts: 22, .crossesWires: 13,
        .forgetsJoiners: 10, .failsUnknown: 110, .pausesPlannedRegionsOnly: 68,
    ]

    /// What makes agents connect again, or excuses clusters.
    private static let restless: [Fault] = [
        .sessionBreaks, .messagesLost, .oneWayCuts, .agentCrash, .replicaCrash, .clusterVanishes, .agentCloned,
        .duplicates,
        .reordering, .lyingAgent, .transactionFails, .outcomeUnknown, .databaseFailover, .agentRestored,
    ]

    @Test("Each is found, under the number of its invariant", arguments: PlantedBug.allCases)
    func found(bug: PlantedBug) {
        let first = Self.likely[bug] ?? 0
        let isFound = (first..<first + 150).contains { seed in
            // An agent that says hello again repeats its last word: what forgets it shows where sessions stand.
            let without = bug == .forgetsLastWord ? Self.restless : []
            let outcome = Proof.run(
                WorldSettings(
                    seed: seed, fleet: 5, faults: Set(Fault.allCases).subtracting(without),
                    stormyMinutes: without.isEmpty ? 8 : 10, plantedBug: bug))
            return outcome.violation?.invariant == bug.invariant
        }
        #expect(isFound)
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
