internal import Foundation
internal import Testing

/// Histories of every kind, seed after seed, until the time is over.
enum Campaign {
    static let seconds = ProcessInfo.processInfo.environment["SWELL_HISTORY_SECONDS"].flatMap(Int.init)
    static let firstSeed = ProcessInfo.processInfo.environment["SWELL_HISTORY_SEED"].flatMap(UInt64.init) ?? 1_000

    struct Report: CustomStringConvertible {
        var histories = 0
        var operations = 0
        /// Calls that the store refused, alike in both forms.
        var refused = 0
        /// Serialisation failures and deadlocks that statements and commits met.
        var meetings: Int64 = 0
        var cuts = 0
        var lostAnswers = 0
        var unavailable = 0
        var unknown = 0
        var unknownButDone = 0
        var concurrentHistories = 0
        var overlapping = 0
        var divergences = 0

        var description: String {
            """
            \(histories) histories, \(operations) operations (\(refused) refused alike), \(meetings) serialisation failures and \
            deadlocks, \(cuts) connections cut, \(lostAnswers) answers to COMMIT lost, \(unavailable) calls unavailable, \
            \(unknown) of unknown outcome (\(unknownButDone) had been done), \(concurrentHistories) histories of three clients with \
            \(overlapping) overlapping calls: \(divergences) divergences
            """
        }
    }

    static func run(for seconds: Int) async throws -> Report {
        let end = ContinuousClock.now.advanced(by: .seconds(seconds))
        var report = Report()
        var seed = firstSeed
        while ContinuousClock.now < end {
            for faultShare in [1, 20] as [Int64] {
                let history = try await StoreHistory.run(seed: seed, length: 160, faultShare: faultShare)
                report.histories += 1
                report.operations += history.operations
                report.refused += history.failed
                report.meetings += history.failures
                note(history.divergence?.description, "one client, faults \(faultShare)", seed, &report)
            }
            let broken = try await BrokenHistory.run(seed: seed, length: 120)
            report.histories += 1
            report.operations += broken.operations
            report.cuts += broken.cuts
            report.lostAnswers += broken.lostAnswers
            report.unavailable += broken.unavailable
            report.unknown += broken.unknown
            report.unknownButDone += broken.done
            note(broken.divergence, "cut connections", seed, &report)
            for faultShare in [1, 20] as [Int64] {
                let history = try await ConcurrentHistory.run(seed: seed, faultShare: faultShare)
                report.histories += 1
                report.concurrentHistories += 1
                report.operations += history.calls
                report.overlapping += history.overlapping
                report.unavailable += history.unavailable
                note(history.divergence, "three clients, faults \(faultShare)", seed, &report)
            }
            seed += 1
        }
        return report
    }

    private static func note(_ divergence: String?, _ kind: String, _ seed: UInt64, _ report: inout Report) {
        guard let divergence else { return }
        report.divergences += 1
        Issue.record("\(kind), seed \(seed): \(divergence)")
    }
}
