internal import AsyncSupport
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import Synchronization

/// What the agent has to say and has not said yet: the latest report of each application, acknowledgements, and answers to
/// previews.
///
/// Bounded by the number of applications: a later report takes the place of an earlier one, which the machine has merged into it.
/// Of answers to previews the oldest goes when there are too many: who waits for it will ask again.
final class Outbox: Sendable {
    private struct State {
        var acknowledgements: [ApplicationName: AcknowledgedAssignment] = [:]
        var reports: [ApplicationName: OutgoingReport] = [:]
        var previews: [Preview] = []
    }

    /// An answer to a preview.
    struct Preview: Sendable, Equatable {
        var id: Int64
        var answer: PreviewAnswer
    }

    /// Answers to previews that may wait for being said.
    static let previewLimit = 8

    private let state = Mutex(State())
    private let filled = Signal()

    /// A piece of what is to be said; acknowledgements go before reports, those before an answer to a preview.
    struct Batch: Sendable, Equatable {
        var acknowledgements: [AcknowledgedAssignment]
        var reports: [OutgoingReport]
        var preview: Preview?
        var isEmpty: Bool { acknowledgements.isEmpty && reports.isEmpty && preview == nil }
    }

    func put(_ report: OutgoingReport) {
        state.withLock { $0.reports[report.report.application] = report }
        filled.send()
    }

    func put(_ acknowledgement: AcknowledgedAssignment) {
        state.withLock { $0.acknowledgements[acknowledgement.application] = acknowledgement }
        filled.send()
    }

    func put(_ answer: PreviewAnswer, to id: Int64) {
        state.withLock { state in
            state.previews.removeAll { $0.id == id }
            if state.previews.count >= Self.previewLimit { state.previews.removeFirst() }
            state.previews.append(Preview(id: id, answer: answer))
        }
        filled.send()
    }

    /// Takes out what there is, waiting up to `duration` for something; empty when there was nothing.
    func take(within duration: Duration) async -> Batch {
        let batch = take()
        if !batch.isEmpty { return batch }
        await filled.wait(upTo: duration)
        return Task.isCancelled ? Batch(acknowledgements: [], reports: []) : take()
    }

    private func take() -> Batch {
        state.withLock { state in
            var reports: [OutgoingReport] = []
            var drift = 0
            for name in state.reports.keys.sorted().prefix(WireLimits.assignmentsPerMessage) {
                drift += state.reports[name]?.report.drift?.objects.reduce(0) { $0 + $1.size } ?? 0
                // What does not fit goes with the next message.
                guard reports.isEmpty || drift <= WireLimits.driftPerMessage else { break }
                if let report = state.reports.removeValue(forKey: name) { reports.append(report) }
            }
            let acknowledged = state.acknowledgements.keys.sorted().prefix(WireLimits.assignmentsPerMessage)
            let acknowledgements = acknowledged.compactMap { state.acknowledgements.removeValue(forKey: $0) }
            let preview = state.previews.isEmpty ? nil : state.previews.removeFirst()
            return Batch(acknowledgements: acknowledgements, reports: reports, preview: preview)
        }
    }
}
