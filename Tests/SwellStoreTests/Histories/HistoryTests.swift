internal import Foundation
internal import SwellStore
internal import Testing

/// Random histories give the same results in PostgreSQL and in the model.
///
/// `SWELL_HISTORY_SECONDS` makes a campaign of it: new seeds until the time is over, from `SWELL_HISTORY_SEED` on.
@Suite(.serialized, .timeLimit(.minutes(60))) struct HistoryTests {
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func oneClientCannotTellTheFormsApart(seed: UInt64) async throws {
        let report = try await StoreHistory.run(seed: seed, length: 160)
        if let divergence = report.divergence { Issue.record("seed \(seed): \(divergence)") }
        #expect(report.divergence != nil || report.operations == 160)
    }

    /// Serialisation failures and deadlocks, in statements and in COMMIT: the store runs again or says that nothing was done.
    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func whatMetOthersIsDoneWhollyOrNotAtAll(seed: UInt64) async throws {
        let report = try await StoreHistory.run(seed: seed, length: 120, faultShare: 20)
        if let divergence = report.divergence { Issue.record("seed \(seed): \(divergence)") }
        #expect(report.divergence != nil || report.failures > 0)
    }

    /// Connections cut at any moment of a call: it was done, or not, and the store says which or that it does not know.
    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func whatWasCutIsDoneWhollyOrNotAtAll(seed: UInt64) async throws {
        let report = try await BrokenHistory.run(seed: seed, length: 120)
        if let divergence = report.divergence { Issue.record("seed \(seed): \(divergence)") }
        #expect(report.divergence != nil || report.cuts > 0 && report.lostAnswers > 0)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func clientsAtOnceAreServedAsIfOneAfterAnother(seed: UInt64) async throws {
        let report = try await ConcurrentHistory.run(seed: seed, faultShare: 1)
        if let divergence = report.divergence { Issue.record("seed \(seed): \(divergence)") }
        #expect(report.divergence != nil || report.calls == 12)
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func alsoWhereTheyMeetOthers(seed: UInt64) async throws {
        let report = try await ConcurrentHistory.run(seed: seed, faultShare: 20)
        if let divergence = report.divergence { Issue.record("seed \(seed): \(divergence)") }
        #expect(report.divergence != nil || report.calls == 12)
    }

    @Test(.enabled(if: Campaign.seconds != nil)) func campaign() async throws {
        let report = try await Campaign.run(for: Campaign.seconds ?? 0)
        print(report)
        #expect(report.divergences == 0)
    }
}
