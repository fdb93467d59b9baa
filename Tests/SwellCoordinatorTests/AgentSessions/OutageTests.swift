internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

/// What the store's outages and losses do to sessions that live on meanwhile.
@Suite(.timeLimit(.minutes(1))) struct OutageTests {
    private static let away = StoreError(code: .unavailable, message: "the database is away")

    /// A write that fails must not lose who was seen: a session that has nothing to say would count as silent for ever.
    @Test func whoWasSeenInAnOutageIsWrittenAfterIt() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            try await fixture.session(try await fixture.agent("east-1")) { session in
                try await session.isWelcomed()
                try await soon("the connection is noted") { try await fixture.record("east-1")?.isConnected == true }
                let before = try #require(try await fixture.record("east-1")?.lastSeenAt)
                await fixture.store.fail(with: Self.away)
                session.say(.heartbeat(sequence: 1))
                session.say(.report(id: 1, []))
                try await session.hears("that both were read") { $0 == .reportsAcknowledged([1]) }
                let failures = await fixture.store.failures
                try await soon("several writes fail") { await fixture.store.failures > failures + 20 }
                await fixture.store.fail(with: nil)
                try await soon("it is written that the agent was seen") {
                    try await fixture.record("east-1")?.lastSeenAt.map { $0 > before } == true
                }
            }
        }
    }

    /// A failover that lost commits leaves sessions standing: what is decided next must reach them, though its numbers were given
    /// out before.
    @Test func aSessionThatOutlivesAFailoverIsToldWhatIsDecidedNext() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            try await fixture.session(try await fixture.agent("east-1")) { session in
                try await session.isWelcomed()
                let agents = await fixture.store.snapshot
                for _ in 0..<3 { _ = try await SmallFleet.assign("east-1", in: fixture.store) }
                try await soon("the last arrives") { session.assignments.last?.generation == 3 }
                await fixture.store.goBack(to: agents)
                let again = try await SmallFleet.assign("east-1", in: fixture.store)
                #expect(again == 1)
                try await soon("what was decided after the failover arrives") {
                    session.assignments.last?.generation == again
                }
            }
        }
    }
}
