internal import PostgresClient
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import Synchronization
internal import Testing

@testable internal import SwellCoordinator

/// Opens once.
private final class Opening: Sendable {
    private let state = Mutex(false)
    var isOpen: Bool { state.withLock { $0 } }
    func open() { state.withLock { $0 = true } }
}

/// What the store's outages and losses do to sessions that live on meanwhile.
@Suite(.timeLimit(.minutes(3))) struct OutageTests {
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

    /// While the store is away nobody can write who was seen. The first decision after it must not find the whole fleet silent.
    @Test func nobodyIsFoundSilentBecauseTheStoreWasAway() async throws {
        let fixture = try await PortFixture { $0.paces.heartbeat = .milliseconds(100) }
        let nowhere = PostgresConfiguration(keywords: ["host": "/nowhere"])
        var settings = Reconciler.Settings()
        settings.poll = .milliseconds(1)
        let reconciler = Reconciler(
            store: fixture.store,
            signals: FleetSignals(configuration: nowhere, pool: try PostgresPool(configuration: nowhere)), holder: "a",
            presence: fixture.port.presence, settings: settings)
        try await fixture.serving { _ in
            let (east, west) = (try await fixture.agent("east-1"), try await fixture.agent("west-1"))
            let started = Opening()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await soon("both were seen") { started.isOpen }
                    try await reconciler.run()
                }
                try await fixture.session(east) { east in
                    try await fixture.session(west) { west in
                        for cluster in SmallFleet.clusters {
                            try await soon("\(cluster.name) was seen") {
                                try await fixture.record(cluster.name)?.lastSeenAt != nil
                            }
                        }
                        started.open()
                        let beat = { for agent in [east, west] { agent.say(.heartbeat(sequence: 1)) } }
                        try await soon("both are assigned something") {
                            beat()
                            return !east.assignments.isEmpty && !west.assignments.isEmpty
                        }
                        let began = ContinuousClock.now
                        await fixture.store.fail(with: Self.away)
                        fixture.clock.skip(.minutes(2))
                        try await soon("the outage lasts for several heartbeats") {
                            beat()
                            return ContinuousClock.now - began > .milliseconds(600)
                        }
                        await fixture.store.fail(with: nil)
                        let assignment = try #require(east.assignments.last)
                        let report = SmallFleet.report(
                            assignment.generation, phase: .applying, health: .progressing, epoch: assignment.epoch)
                        east.say(.report(id: 7, [report]))
                        try await soon("it is decided on again") {
                            beat()
                            return try await fixture.store.rollout("r1")?.targets["east-1"]?.phase == .applying
                        }
                    }
                }
                group.cancelAll()
                while await group.nextResult() != nil {}
            }
            let moves = try await fixture.store.transitions(of: "r1").map(\.to)
            #expect(moves.contains(TargetPhase.dispatched.rawValue))
            #expect(!moves.contains(TargetPhase.unreachable.rawValue), "\(moves)")
        }
    }

    /// A failover that lost commits leaves sessions standing. What agents said meanwhile is lost, and they do not know: each comes again,
    /// says how all of it stands, and gets what is decided since, though its numbers were given out before.
    @Test func aSessionThatOutlivesAFailoverBeginsAgain() async throws {
        let fixture = try await PortFixture { $0.paces.regreeting = .milliseconds(10) }
        try await fixture.serving { _ in
            let agent = try await fixture.agent("east-1")
            try await fixture.session(agent) { session in
                try await session.isWelcomed()
                let agents = await fixture.store.snapshot
                for _ in 0..<3 { _ = try await SmallFleet.assign("east-1", in: fixture.store) }
                try await soon("the last arrives") { session.assignments.last?.generation == 3 }
                await fixture.store.goBack(to: agents)
                #expect(try await SmallFleet.assign("east-1", in: fixture.store) == 1)
                try await soon("it is told to come again") {
                    session.goAway == "the store went back to an earlier state"
                }
            }
            try await fixture.session(agent) { session in
                try await session.isWelcomed()
                try await soon("what was decided after the failover arrives") {
                    session.assignments.last?.generation == 1
                }
            }
        }
    }
}
