internal import AsyncSupport
internal import DequeModule
internal import Logging
internal import Metrics
internal import ServiceLifecycle
package import SwellStore

/// Writes agents' reports in batches: while one batch commits, the next one gathers (group commit), so the rate rises with the load.
///
/// Bounded: beyond `capacity` waiting reports a caller is refused at once, its session acknowledges nothing, and the agent says it again.
/// Each session waits for its own reports before it reads on, so what waits is also bounded by the number of sessions.
package actor ReportIngestor: Service, ReportIngesting {
    private struct Entry {
        let reports: [ReceivedReport]
        let continuation: CheckedContinuation<Void, any Error>
    }

    private let store: any AgentStore
    private let signals: FleetSignals
    private let capacity: Int
    private let batchLimit: Int
    private let work = Signal()
    private let logger = Logger(label: "swell.ingestor")
    private let stored = Counter(label: "swell_reports_stored_total")
    private let refused = Counter(label: "swell_reports_refused_total")
    private var queue: Deque<Entry> = []
    private var waiting = 0
    private var isClosed = false

    package init(store: any AgentStore, signals: FleetSignals, capacity: Int = 20_000, batchLimit: Int = 500) {
        self.store = store
        self.signals = signals
        self.capacity = capacity
        self.batchLimit = batchLimit
    }

    package func ingest(_ reports: [ReceivedReport]) async throws {
        guard !reports.isEmpty else { return }
        guard !isClosed, waiting + reports.count <= capacity else {
            refused.increment(by: reports.count)
            throw StoreError(
                code: .unavailable,
                message: isClosed ? "the coordinator is shutting down" : "\(waiting) reports are waiting to be stored")
        }
        try await withCheckedThrowingContinuation { continuation in
            queue.append(Entry(reports: reports, continuation: continuation))
            waiting += reports.count
            work.send()
        }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if await !self.storeBatch() { await self.work.wait(upTo: .seconds(1)) }
            }
        }
        // What was ingested is stored and acknowledged before the end.
        isClosed = true
        while await storeBatch() {}
    }

    /// Stores one batch; false where nothing waited.
    private func storeBatch() async -> Bool {
        var batch: [Entry] = []
        var reports: [ReceivedReport] = []
        while let next = queue.first, batch.isEmpty || reports.count + next.reports.count <= batchLimit {
            queue.removeFirst()
            batch.append(next)
            reports += next.reports
        }
        guard !batch.isEmpty else { return false }
        do throws(StoreError) {
            let rollouts = try await store.ingest(reports)
            stored.increment(by: reports.count)
            for entry in batch { entry.continuation.resume() }
            if !rollouts.isEmpty { signals.notifyRolloutsChanged() }
        } catch {
            logger.debug("a batch of reports was not stored", metadata: ["error": "\(error)"])
            for entry in batch { entry.continuation.resume(throwing: error) }
        }
        waiting -= reports.count
        return true
    }
}
