internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

@testable internal import SwellConsole

/// What a replica's streams read together.
@Suite struct AuditTailTests {
    private func row(_ id: Int64, region: RegionName = "eu-1") -> AuditEvent {
        AuditEvent(
            id: id, at: Timestamp(milliseconds: id), by: "ann", what: "region.paused", region: region)
    }

    /// Two rows.
    private static func pause(_ region: RegionName, _ store: MemoryStore) async throws {
        let pause = Pause(by: "ann", at: Timestamp(milliseconds: 1_000), reason: "storm")
        try await store.setRegionPause(region, pause, by: "ann")
        try await store.setRegionPause(region, nil, by: "ann")
    }

    @Test func aWindowHoldsWhatCameLastAndSaysWhereItEnds() {
        var window = AuditWindow(behind: 10)
        #expect(window.rows(after: 9, EventFilter()) == nil, "row 10 was never read")
        #expect(window.rows(after: 10, EventFilter()) == [])
        window.take([row(12), row(15, region: "us-1")])
        #expect(window.head == 15)
        #expect(window.rows(after: 10, EventFilter())?.map(\.id) == [12, 15])
        #expect(window.rows(after: 12, EventFilter())?.map(\.id) == [15])
        #expect(window.rows(after: 10, EventFilter(region: "us-1"))?.map(\.id) == [15])
        #expect(window.rows(after: 20, EventFilter()) == [], "ahead of it")

        window.take((16..<16 + Int64(AuditWindow.capacity)).map { row($0) })
        #expect(window.floor == 15)
        #expect(window.rows(after: 14, EventFilter()) == nil, "row 15 has gone")
        #expect(window.rows(after: 15, EventFilter())?.count == AuditWindow.capacity)
    }

    @Test func whoIsBehindReadsTheLogAndThenGoesOnWithTheOthers() async throws {
        let store = MemoryStore(clock: { Timestamp(milliseconds: 1_000) })
        func pause(_ region: RegionName) async throws { try await Self.pause(region, store) }
        for _ in 0..<400 { try await pause("eu-1") }
        let tail = AuditTail(log: store, interval: .milliseconds(0)) { _ in throw CancellationError() }
        let first = try await tail.news(after: 0, EventFilter())
        #expect(first.events.count == AuditTail.batch && first.isCut)
        let second = try await tail.news(after: first.cursor, EventFilter())
        #expect(second.events.count == 300 && !second.isCut)
        #expect(try await tail.news(after: second.cursor, EventFilter()).events.isEmpty)

        try await pause("us-1")
        try await pause("eu-1")
        let both = try await tail.news(after: second.cursor, EventFilter())
        #expect(both.events.count == 4)
        let one = try await tail.news(after: second.cursor, EventFilter(region: "us-1"))
        #expect(one.events.map(\.region) == ["us-1", "us-1"])
        #expect(one.cursor == both.cursor, "what it did not ask for is behind it, too")
    }

    @Test func moreThanOneLookTakesInIsReadOnAtOnce() async throws {
        let store = MemoryStore(clock: { Timestamp(milliseconds: 1_000) })
        let tail = AuditTail(log: store, interval: .milliseconds(0)) { _ in throw CancellationError() }
        var cursor = try await tail.news(after: 0, EventFilter()).cursor
        for _ in 0..<600 {
            try await Self.pause("eu-1", store)
        }
        var ids: [Int64] = []
        for _ in 0..<4 {
            let news = try await tail.news(after: cursor, EventFilter())
            ids += news.events.map(\.id)
            cursor = news.cursor
        }
        #expect(ids.count == 1_200 && ids == ids.sorted() && Set(ids).count == 1_200)
    }

    @Test func aLogThatIsABackupsAgainIsReadFromItsOwnEnd() async throws {
        let clock: @Sendable () -> Timestamp = { Timestamp(milliseconds: 1_000) }
        let store = MemoryStore(clock: clock)
        for _ in 0..<3 { try await Self.pause("eu-1", store) }
        let backup = MemoryStore(state: await store.snapshot, clock: clock)
        let restorable = RestorableLog(store)
        let tail = AuditTail(log: restorable, interval: .milliseconds(0)) { _ in throw CancellationError() }
        var cursor = try await tail.news(after: 0, EventFilter()).cursor
        for _ in 0..<5 { try await Self.pause("us-1", store) }
        cursor = try await tail.news(after: cursor, EventFilter()).cursor
        restorable.restore(backup)
        try await Self.pause("ap-1", backup)
        // Whoever comes now hears what is in the log, and nothing of the lost time.
        let fresh = try await tail.news(after: 0, EventFilter())
        #expect(Set(fresh.events.map(\.region)) == ["eu-1", "ap-1"], "\(fresh.events.map(\.region))")
        // Whoever was there goes on from its end.
        cursor = try await tail.news(after: cursor, EventFilter()).cursor
        try await Self.pause("sa-1", backup)
        let next = try await tail.news(after: cursor, EventFilter())
        #expect(next.events.map(\.region) == ["sa-1", "sa-1"], "\(next.events)")
    }
}

/// A log whose database is replaced by an older one of its own.
private final class RestorableLog: AuditStore {
    private let present: Mutex<MemoryStore>

    init(_ store: MemoryStore) { present = Mutex(store) }

    private var store: MemoryStore { present.withLock { $0 } }

    func restore(_ backup: MemoryStore) { present.withLock { $0 = backup } }

    func events(after cursor: Int64, filter: EventFilter, limit: Int) async throws(StoreError) -> [AuditEvent] {
        try await store.events(after: cursor, filter: filter, limit: limit)
    }

    func latestEvents(filter: EventFilter, limit: Int) async throws(StoreError) -> [AuditEvent] {
        try await store.latestEvents(filter: filter, limit: limit)
    }

    func plan(of rollout: RolloutName) async throws(StoreError) -> Rollout? { try await store.plan(of: rollout) }

    func transitions(of rollout: RolloutName, after cursor: Int64, limit: Int) async throws(StoreError) -> (
        transitions: [Transition], cursor: Int64
    ) {
        try await store.transitions(of: rollout, after: cursor, limit: limit)
    }
}
