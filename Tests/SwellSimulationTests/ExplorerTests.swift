internal import SwellSimulation
internal import Testing

@Suite("Everything that can happen to a tiny fleet")
struct ExplorerTests {
    /// One of each in turn keeps it to seconds; `swell-proof explore` takes them together.
    static let single: [ExplorerSettings] = [
        .nothing, .with(\.orders), .with(\.stalls), .with(\.badLooks), .with(\.silences), .with(\.lateMessages),
        .with(\.delays), .with(\.thoughts), .with(\.thoughts, \.orders), .with(\.thoughts, \.stalls),
    ]

    @Test("Every state is visited, no invariant breaks, and each can come to an end or a gate", arguments: single)
    func visitsAll(settings: ExplorerSettings) {
        let outcome = Explorer.run(settings)
        #expect(outcome.violation == nil, "\(outcome.path.joined(separator: "\n"))")
        #expect(outcome.isComplete)
        #expect(outcome.states > 40)
        #expect(outcome.ends["succeeded"] != nil)
    }

    @Test("Within no bounds but time's, there is one way for a rollout to end")
    func straightforward() {
        let outcome = Explorer.run(.nothing)
        #expect(outcome.ends == ["succeeded": 1])
        #expect(Explorer.run(.nothing).states == outcome.states)
    }

    /// The invariant by whose number each is found, and what has to happen for it.
    static let bugs: [(ExplorerBug, invariant: Int, ExplorerSettings)] = [
        (.skipsSoak, 3, .nothing), (.takesOldEvidence, 4, .with(\.silences)), (.ignoresPauses, 6, .with(\.orders)),
        (.commitsStale, 6, .with(\.thoughts, \.orders)),
        (.writesUnfenced, 9, .with(\.stalls)), (.obeysLateAssignments, 10, .with(\.lateMessages)),
    ]

    @Test("A mistake put in on purpose is found, with the shortest way to it", arguments: bugs)
    func findsBugs(bug: ExplorerBug, invariant: Int, settings: ExplorerSettings) {
        var settings = settings
        settings.plantedBug = bug
        let outcome = Explorer.run(settings)
        #expect(outcome.violation?.invariant == invariant, "\(String(describing: outcome.violation))")
        #expect(!outcome.path.isEmpty && outcome.path.count <= outcome.depth + 1)
        #expect(!outcome.isComplete)
    }

    @Test("Every mistake has its invariant")
    func complete() { #expect(Set(Self.bugs.map(\.0)) == Set(ExplorerBug.allCases)) }

    @Test("Where the limit is met, it says that not every state was visited")
    func limited() {
        var settings = ExplorerSettings()
        settings.stateLimit = 100
        let outcome = Explorer.run(settings)
        #expect(!outcome.isComplete && outcome.violation == nil)
    }
}

extension ExplorerSettings {
    fileprivate static let nothing = ExplorerSettings(
        orders: 0, stalls: 0, badLooks: 0, silences: 0, lateMessages: 0, delays: 0, thoughts: 0)

    /// One of these each, and nothing else.
    fileprivate static func with(_ kinds: WritableKeyPath<ExplorerSettings, Int>...) -> ExplorerSettings {
        var settings = nothing
        for kind in kinds { settings[keyPath: kind] = 1 }
        return settings
    }
}
