internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Reads what is new once for all streams of a replica, so that five hundred people who watch cost the database no more than one.
///
/// Nothing runs while nobody asks: the first one to ask after an interval reads for all others, who go on with what is known.
actor AuditTail {
    /// What came after a stream's place, and where it is then.
    struct News: Sendable {
        var events: [AuditEvent]
        var cursor: Int64
        /// Whether there may be more at once.
        var isCut = false
    }

    private struct SharedView {
        /// nil while it is read for the first time.
        var view: RolloutView?
        var readAt: ContinuousClock.Instant?
        /// Up to which row of the log it is in.
        var cursor: Int64 = 0
        var isBeingRead = false
    }

    /// How many rows are read at once.
    static let batch = 500
    /// How many rollouts are kept for those who watch; of more the one that was read the longest ago goes.
    static let maximumViews = 64

    private let log: any AuditStore
    private let readRollout: @Sendable (RolloutName) async throws -> RolloutView
    private let interval: Duration
    private var window: AuditWindow?
    private var readAt: ContinuousClock.Instant?
    private var isReading = false
    /// Whether the last look was cut, so that the next is due.
    private var isBehind = false
    private var views: [RolloutName: SharedView] = [:]

    /// - Parameter readRollout: Reads a rollout as it is now.
    init(
        log: any AuditStore, interval: Interval,
        readRollout: @escaping @Sendable (RolloutName) async throws -> RolloutView
    ) {
        self.log = log
        self.readRollout = readRollout
        self.interval = interval.duration
    }

    /// What is new for a stream; nothing while the database is away, so that streams live through it.
    func news(after cursor: Int64, _ filter: EventFilter) async throws -> News {
        do throws(StoreError) {
            try await readOn()
            guard let window else { return News(events: [], cursor: cursor) }
            // Ahead of the others for a moment, or of a log that is a backup's now and will not come by these numbers again soon.
            if cursor > window.head {
                return News(events: [], cursor: min(cursor, try await newestRow()))
            }
            if let rows = window.rows(after: cursor, filter) {
                return News(events: rows, cursor: max(cursor, window.head))
            }
            let rows = try await log.events(after: cursor, filter: filter, limit: Self.batch)
            guard rows.count < Self.batch else {
                return News(events: rows, cursor: rows[rows.count - 1].id, isCut: true)
            }
            // All there is up to where the others are, and perhaps more.
            return News(events: rows, cursor: max(window.head, rows.last?.id ?? cursor))
        } catch {
            guard error.isAway else { throw error }
            return News(events: [], cursor: cursor)
        }
    }

    /// A rollout as it is now, or was when somebody else asked a moment ago; never as it was before the row at `cursor`. Nil where that is
    /// not known yet, or there is none.
    func rollout(_ name: RolloutName, notBefore cursor: Int64) async throws -> RolloutView? {
        let known = views[name]
        if let known, let readAt = known.readAt, known.cursor >= cursor, ContinuousClock.now - readAt < interval * 4 {
            return known.view
        }
        guard known?.isBeingRead != true else { return nil }
        makeRoom(for: name)
        views[name, default: SharedView()].isBeingRead = true
        defer { views[name]?.isBeingRead = false }
        // What the log says by now, the rollout shows when it is read.
        let seen = max(cursor, window?.head ?? 0)
        do {
            let view = try await readRollout(name)
            views[name] = SharedView(view: view, readAt: .now, cursor: seen)
            return view
        } catch let error as StoreError where error.isAway {
            return nil
        }
    }

    private func makeRoom(for name: RolloutName) {
        guard views[name] == nil, views.count >= Self.maximumViews else { return }
        let idle = views.filter { !$0.value.isBeingRead }
        guard let oldest = idle.min(by: { ($0.value.readAt ?? .now) < ($1.value.readAt ?? .now) })?.key else { return }
        views[oldest] = nil
    }

    private func newestRow() async throws(StoreError) -> Int64 {
        try await log.latestEvents(filter: EventFilter(), limit: 1).last?.id ?? 0
    }

    /// Reads on where it is time to, and nobody does already.
    private func readOn() async throws(StoreError) {
        let now = ContinuousClock.now
        if let readAt, now - readAt < interval, !isBehind { return }
        guard !isReading else { return }
        isReading = true
        defer { isReading = false }
        // After a while without streams much may have come that nobody waits for.
        let isStale = readAt.map { now - $0 > interval * 10 + .seconds(5) } ?? true
        readAt = now
        if !isStale, var next = window {
            let rows = try await log.events(after: next.head, filter: EventFilter(), limit: Self.batch)
            next.take(rows)
            window = next
            isBehind = rows.count == Self.batch
            // A database that was restored under us goes on from lower numbers: what is known here never happened there.
            if rows.isEmpty, try await newestRow() < next.head {
                window = AuditWindow(behind: try await newestRow())
                views = [:]
            }
        } else {
            isBehind = false
            window = AuditWindow(behind: try await newestRow())
        }
    }
}

extension StoreError {
    /// Whether the database, and not the question, is to blame.
    fileprivate var isAway: Bool { code == .unavailable || code == .outcomeUnknown }
}
