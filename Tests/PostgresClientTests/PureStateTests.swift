internal import Testing

@testable internal import PostgresClient

@Suite("Caches, buffers and delays")
struct PureStateTests {
    @Test func theLeastRecentlyUsedStatementGoes() {
        var cache = PreparedStatementCache(limit: 2)
        func key(_ sql: String, _ types: [UInt32] = []) -> PreparedStatementCache.Key { .init(sql: sql, types: types) }
        for sql in ["a", "b"] {
            guard case .prepare(let name) = cache.plan(key(sql)) else { return #expect(Bool(false)) }
            cache.prepared(key(sql), name: name)
        }
        #expect(cache.plan(key("a")) == .use(name: "s1"))
        // Other types make another statement.
        guard case .prepare(let name) = cache.plan(key("a", [20])) else { return #expect(Bool(false)) }
        cache.prepared(key("a", [20]), name: name)
        #expect(cache.count == 2)
        #expect(cache.discarded == ["s2"])
        cache.deallocated("s2")
        #expect(cache.discarded.isEmpty)
        #expect(cache.plan(key("a")) == .use(name: "s1"))
        cache.discardAll()
        #expect(cache.discarded == ["s1", name].sorted())
        cache.forgetAll()
        #expect(cache.count == 0 && cache.discarded.isEmpty)
    }

    @Test func aFullBufferBecomesOneGap() {
        func note(_ payload: String) -> PostgresNotification {
            PostgresNotification(channel: "c", payload: payload, backendProcess: 1)
        }
        var buffer = NotificationBuffer(limit: 2)
        buffer.add(note("1"))
        buffer.add(note("2"))
        buffer.add(note("3"))
        buffer.add(note("4"))
        #expect(buffer.next() == .mayHaveMissed(.overflowed))
        #expect(buffer.next() == .notification(note("4")))
        #expect(buffer.next() == nil)
        buffer.add(note("5"))
        buffer.addGap(.reconnected)
        #expect(buffer.next() == .mayHaveMissed(.reconnected))
        #expect(buffer.next() == nil)
    }

    @Test func delaysGrowAndEnd() {
        var retry = TransactionRetry(limit: 3)
        #expect(retry.nextDelay(jitter: 1) == .milliseconds(10))
        #expect(retry.nextDelay(jitter: 0.5) == .milliseconds(10))
        #expect(retry.nextDelay(jitter: 0) == .zero)
        #expect(retry.nextDelay(jitter: 1) == nil)
    }
}
