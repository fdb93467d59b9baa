internal import AsyncSupport
internal import Logging
internal import Metrics
internal import ServiceLifecycle
package import SwellEngine
package import SwellModel
package import SwellStore

/// Writes agents' reports in batches: while one batch commits, the next one gathers (group commit), so the rate rises with the load.
///
/// Which reports go into a batch, who waits and who is refused decides ``IngestQueue``. Each session waits for its own reports before
/// it reads on, so that an agent whose statuses are held back is slowed by its own stream, and nobody else is.
package actor ReportIngestor: Service, ReportIngesting {
    /// Stores reports, and says which rollouts they concern and whose are not heard any more.
    typealias Writer = @Sendable ([ReceivedReport]) async throws(StoreError) -> Ingested

    private let write: Writer
    private let signals: FleetSignals
    private let tick: @Sendable () -> Tick
    private let work = Signal()
    private let logger = Logger(label: "swell.ingestor")
    private let stored = Counter(label: "swell_reports_stored_total")
    private let refused = Counter(label: "swell_reports_refused_total")
    private let slowed = Counter(label: "swell_reports_slowed_total")
    private var queue: IngestQueue
    private var waiting: [IngestQueue.EntryID: CheckedContinuation<Void, any Error>] = [:]
    private let log: PeerLog

    package init(
        store: any AgentStore, signals: FleetSignals, limits: IngestQueue.Limits = IngestQueue.Limits(),
        tick: (@Sendable () -> Tick)? = nil
    ) {
        self.init(signals: signals, limits: limits, tick: tick) { reports throws(StoreError) in
            try await store.ingest(reports)
        }
    }

    init(
        signals: FleetSignals, limits: IngestQueue.Limits = IngestQueue.Limits(), tick: (@Sendable () -> Tick)? = nil,
        write: @escaping Writer
    ) {
        let start = ContinuousClock.now
        self.write = write
        self.signals = signals
        self.queue = IngestQueue(limits)
        let tick = tick ?? { Tick(milliseconds: Int64((ContinuousClock.now - start) / .milliseconds(1))) }
        self.tick = tick
        self.log = PeerLog(logger: logger, tick: tick)
    }

    package func ingest(
        _ reports: [ApplicationReport], of cluster: ClusterName, session: String?
    ) async throws {
        guard !reports.isEmpty else { return }
        let addition = queue.add(reports, of: cluster, session: session)
        for entry in addition.evicted { end(entry, throwing: Self.full) }
        switch addition.result {
        case .queued(let entry):
            try await withCheckedThrowingContinuation { continuation in
                waiting[entry] = continuation
                work.send()
            }
        case .refused(let reason):
            refused.increment(by: reports.count)
            log.note(.reportsRefused, of: cluster, ["why": "\(reason)", "statuses": "\(reports.count)"])
            throw reason == .closed
                ? StoreError(code: .unavailable, message: "the coordinator is shutting down") : Self.full
        }
    }

    package func wait(of cluster: ClusterName) -> Interval { queue.wait(of: cluster, now: tick()) }

    /// How many statuses wait or are under way.
    var count: Int { queue.count }

    private static let full = StoreError(
        code: .unavailable, message: "as many reports wait to be stored as may: say them again later")

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if await !self.storeBatchInFull() { await self.work.wait(upTo: self.pause) }
            }
        }
        // What was ingested is stored and acknowledged before the end.
        queue.close()
        while await storeBatchInFull() {}
    }

    private var pause: Duration {
        min(.seconds(1), max(.milliseconds(5), (queue.pause(now: tick()) ?? .seconds(1)).duration))
    }

    /// Stores one batch, in a task of its own: being told to end does not break off what is under way, whose agents would have
    /// to say it again. False where nothing was to be stored.
    private func storeBatchInFull() async -> Bool { await Task { await self.storeBatch() }.value }

    private func storeBatch() async -> Bool {
        let batch = queue.next(now: tick())
        noteSlowed()
        guard !batch.isEmpty else { return false }
        let answer: IngestQueue.Answer
        var failure: StoreError?
        var overtaken: Set<String> = []
        do throws(StoreError) {
            let ingested = try await write(
                batch.map { ReceivedReport(cluster: $0.cluster, report: $0.report, session: $0.session) })
            stored.increment(by: batch.count)
            answer = .stored
            overtaken = ingested.overtaken
            if !ingested.rollouts.isEmpty { signals.notifyRolloutsChanged() }
        } catch {
            logger.debug(
                "a batch of reports was not stored", metadata: ["statuses": "\(batch.count)", "error": "\(error)"])
            answer = error.isOfContent ? .refused : .unavailable
            failure = error
        }
        for (entry, outcome) in queue.answered(answer, now: tick()) {
            switch outcome {
            case .stored(let session) where session.map(overtaken.contains) == true:
                end(entry, throwing: SessionOvertaken())
            case .stored: waiting.removeValue(forKey: entry)?.resume()
            case .unavailable: end(entry, throwing: failure ?? Self.full)
            case .refused(let reports):
                refused.increment(by: reports.count)
                end(entry, throwing: Self.refusal(reports, failure))
            }
        }
        return true
    }

    private func end(_ entry: IngestQueue.EntryID, throwing error: any Error) {
        waiting.removeValue(forKey: entry)?.resume(throwing: error)
    }

    private static func refusal(_ reports: [ApplicationReport], _ cause: StoreError?) -> StoreError {
        let names = reports.map { "\($0.application) (generation \($0.generation))" }.joined(separator: ", ")
        return StoreError(code: .invalid, message: "the store refused the reports of \(names)", cause: cause)
    }

    private func noteSlowed() {
        let clusters = queue.takeSlowed()
        guard !clusters.isEmpty else { return }
        slowed.increment(by: clusters.count)
        for cluster in clusters { log.note(.reportsHeldBack, of: cluster) }
    }
}

extension StoreError {
    /// Whether the store refused what it was given, rather than being unable to do anything now.
    fileprivate var isOfContent: Bool { ![.unavailable, .outcomeUnknown, .schema].contains(code) }
}
