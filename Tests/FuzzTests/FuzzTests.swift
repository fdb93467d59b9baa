internal import Foundation
internal import Testing

/// Every decoder of bytes from outside against its corpus and mutations of it.
///
/// `SWELL_FUZZ_TARGET=yaml SWELL_FUZZ_SECONDS=600 SWELL_FUZZ_SEED=7 swift test --filter FuzzTests` makes a campaign of it.
@Suite struct FuzzTests {
    static let targets =
        ObjectTargets.all + ModelTargets.all + KubernetesTargets.all + WireTargets.all + IdentityTargets.all
        + StoredTargets.all + SimulatorTargets.all

    /// The one that a campaign is for, or all.
    static let chosen = targets.filter { target in
        ProcessInfo.processInfo.environment["SWELL_FUZZ_TARGET"].map { $0 == target.name } ?? true
    }

    @Test(.serialized, arguments: chosen) func whateverComesIsTakenWholeOrRefusedWithAWord(target: FuzzTarget) throws {
        try Campaign(target).run()
    }

    @Test func everyTargetHasACorpusAndEveryCorpusATarget() throws {
        #expect(try Corpus.targets() == Set(Self.targets.map(\.name)))
    }
}
