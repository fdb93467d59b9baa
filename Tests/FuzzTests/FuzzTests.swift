internal import Foundation
internal import Testing

/// Every decoder of bytes from outside against its corpus and mutations of it.
///
/// `SWELL_FUZZ_TARGET=yaml SWELL_FUZZ_SECONDS=600 SWELL_FUZZ_SEED=7 swift test --filter FuzzTests` makes a campaign of it;
/// `scripts/fuzz` makes one that is led by the code that inputs reach.
@Suite struct FuzzTests {
    /// The one that a campaign is for, or all.
    static let chosen = FuzzTargets.all.filter { target in
        ProcessInfo.processInfo.environment["SWELL_FUZZ_TARGET"].map { $0 == target.name } ?? true
    }

    @Test(.serialized, arguments: chosen) func whateverComesIsTakenWholeOrRefusedWithAWord(target: FuzzTarget) throws {
        try Campaign(target).run()
    }

    @Test func everyTargetHasACorpusAndEveryCorpusATarget() throws {
        #expect(try Corpus.targets() == Set(FuzzTargets.all.map(\.name)))
    }
}
