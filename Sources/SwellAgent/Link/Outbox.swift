internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import Synchronization

/// What the agent has to say and has not said yet: the latest report of each application, and acknowledgements.
///
/// Bounded by the number of applications: a later report takes the place of an earlier one, which the machine has merged into it.
final class Outbox: Sendable {
    private struct State {
        var acknowledgements: [ApplicationName: AcknowledgedAssignment] = [:]
        var reports: [ApplicationName: OutgoingReport] = [:]
    }

    private let state = Mutex(State())
    private let bell = LatestSlot<Void>()

    /// A piece of what is to be said; acknowledgements go before reports.
    struct Batch: Sendable, Equatable {
        var acknowledgements: [AcknowledgedAssignment]
        var reports: [OutgoingReport]
        var isEmpty: Bool { acknowledgements.isEmpty && reports.isEmpty }
    }

    func put(_ report: OutgoingReport) {
        state.withLock { $0.reports[report.report.application] = report }
        bell.put(())
    }

    func put(_ acknowledgement: AcknowledgedAssignment) {
        state.withLock { $0.acknowledgements[acknowledgement.application] = acknowledgement }
        bell.put(())
    }

    /// Takes out what there is, waiting up to `duration` for something; empty when there was nothing.
    func take(within duration: Duration) async -> Batch {
        let batch = take()
        if !batch.isEmpty { return batch }
        _ = await bell.next(within: duration)
        return Task.isCancelled ? Batch(acknowledgements: [], reports: []) : take()
    }

    private func take() -> Batch {
        state.withLock { state in
            let names = state.reports.keys.sorted().prefix(WireLimits.assignmentsPerMessage)
            let reports = names.compactMap { state.reports.removeValue(forKey: $0) }
            let acknowledged = state.acknowledgements.keys.sorted().prefix(WireLimits.assignmentsPerMessage)
            let acknowledgements = acknowledged.compactMap { state.acknowledgements.removeValue(forKey: $0) }
            return Batch(acknowledgements: acknowledgements, reports: reports)
        }
    }
}
