internal import Foundation
internal import Logging
internal import PostgresClient
internal import PostgresTesting
internal import ServiceLifecycle
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

@testable internal import SwellCoordinator

@Suite(.timeLimit(.minutes(3))) struct ReconcilerTests {
    private func memoryStore() -> MemoryStore {
        MemoryStore { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
    }

    /// Signals within this process alone: nothing of them is run.
    private func localSignals() throws -> FleetSignals {
        let nowhere = PostgresConfiguration(keywords: ["host": "/nowhere"])
        return FleetSignals(configuration: nowhere, pool: try PostgresPool(configuration: nowhere))
    }

    @Test func aRolloutRunsToItsEndAndItsLeaseIsGivenUp() async throws {
        let store = memoryStore()
        let signals = try localSignals()
        try await ReplicaFixture.start("shop-1", in: store)
        let reconciler = Reconciler(store: store, signals: signals, holder: "a")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reconciler.run() }
            group.addTask {
                try await ReplicaFixture.answer(store, through: DirectIngesting(store: store, signals: signals))
            }
            try await ReplicaFixture.eventually("the rollout succeeds") {
                try await store.rollout("shop-1")?.phase == .succeeded
            }
            try await ReplicaFixture.eventually("its lease is free") {
                try await store.acquireLease("rollout/shop-1", holder: "b", lifetime: .seconds(60)) != nil
            }
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
        var replayed = try #require(try await store.plan(of: "shop-1"))
        replayed = Transition.replay(onto: replayed, try await store.transitions(of: "shop-1"))
        #expect(try await store.rollout("shop-1") == replayed)
    }

    /// A store that was away, or a replica that stood still, makes the whole fleet look silent.
    @Test func decisionsWaitUntilPresenceWasWritten() async throws {
        let store = memoryStore()
        try await ReplicaFixture.start("shop-1", in: store)
        let seconds = Mutex<Int64>(0)
        let asked = Mutex(0)
        let presence = FleetPresence {
            asked.withLock { $0 += 1 }
            return Tick(milliseconds: seconds.withLock { $0 } * 1_000)
        }
        var settings = Reconciler.Settings()
        settings.poll = .milliseconds(5)
        let reconciler = Reconciler(
            store: store, signals: try localSignals(), holder: "a", presence: presence, settings: settings)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reconciler.run() }
            try await ReplicaFixture.eventually("it asks") { asked.withLock { $0 > 10 } }
            #expect(try await store.assignments(changedAfter: 0).assignments.isEmpty)
            for second in 0...5 as ClosedRange<Int64> {
                seconds.withLock { $0 = second * 2 }
                let batch = try #require(presence.batch())
                presence.answered(batch, .written)
            }
            try await ReplicaFixture.eventually("it decides") {
                try await store.assignments(changedAfter: 0).assignments.count == 1
            }
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }

    /// Presence cannot be written while the store is away: that the gate was shut all that time must not open it when the store is back.
    @Test func anOutageIsNoWaitingForPresence() async throws {
        let store = memoryStore()
        try await ReplicaFixture.start("shop-1", in: store)
        let seconds = Mutex<Int64>(0)
        let asked = Mutex(0)
        let presence = FleetPresence {
            asked.withLock { $0 += 1 }
            return Tick(milliseconds: seconds.withLock { $0 } * 1_000)
        }
        var settings = Reconciler.Settings()
        settings.poll = .milliseconds(2)
        let reconciler = Reconciler(
            store: store, signals: try localSignals(), holder: "a", presence: presence, settings: settings)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reconciler.run() }
            try await ReplicaFixture.eventually("it asks") { asked.withLock { $0 > 10 } }
            await store.fail(with: StoreError(code: .unavailable, message: "the database is away"))
            for second in 1...70 as ClosedRange<Int64> {
                seconds.withLock { $0 = second }
                let before = await store.failures
                try await ReplicaFixture.eventually("it looks in vain") { await store.failures >= before + 2 }
            }
            await store.fail(with: nil)
            let before = asked.withLock(\.self)
            try await ReplicaFixture.eventually("it asks again") { asked.withLock { $0 > before + 20 } }
            #expect(try await store.assignments(changedAfter: 0).assignments.isEmpty)
            for second in 36...41 as ClosedRange<Int64> {
                seconds.withLock { $0 = second * 2 }
                presence.answered(try #require(presence.batch()), .written)
            }
            try await ReplicaFixture.eventually("it decides") {
                try await store.assignments(changedAfter: 0).assignments.count == 1
            }
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }

    @Test func aGracefulShutdownReleasesLeases() async throws {
        let store = memoryStore()
        let signals = try localSignals()
        try await ReplicaFixture.start("shop-1", in: store)
        let group = ServiceGroup(
            services: [Reconciler(store: store, signals: signals, holder: "a")],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        async let running: Void = group.run()
        try await ReplicaFixture.eventually("it decides") {
            try await store.rollout("shop-1")?.phase == .progressing
        }
        #expect(try await store.acquireLease("rollout/shop-1", holder: "b", lifetime: .seconds(60)) == nil)
        await group.triggerGracefulShutdown()
        try await running
        #expect(try await store.acquireLease("rollout/shop-1", holder: "b", lifetime: .seconds(60)) != nil)
    }

    /// A rollout that cannot even be read must not hold up the others.
    @Test func oneBrokenRolloutLeavesTheOthersAlone() async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let replica = try Replica("a", database)
        let agents = try Replica("agents", database)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await agents.pool.run() }
            try await ReplicaFixture.start("shop-1", in: agents.store)
            try await agents.pool.query(
                """
                INSERT INTO rollouts (name, application, phase, is_ended, header, plan, wake_at, seen_fleet)
                SELECT 'broken', application, phase, is_ended, '{}', plan, wake_at - interval '1 hour', seen_fleet
                FROM rollouts
                """)
            group.addTask { try await replica.run() }
            group.addTask {
                try await ReplicaFixture.answer(
                    agents.store, through: DirectIngesting(store: agents.store, signals: agents.signals))
            }
            try await ReplicaFixture.eventually("the other one ends") {
                try await agents.store.rollout("shop-1")?.phase == .succeeded
            }
            #expect(try await agents.store.dueRollouts(limit: 10) == ["broken"])
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }

    @Test func anotherReplicaTakesOverFromOneThatWasKilled() async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let first = try Replica("a", database)
        let second = try Replica("b", database)
        let agents = try Replica("agents", database)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await agents.pool.run() }
            group.addTask { try await agents.signals.run() }
            let killed = Task { try await first.run() }
            try await ReplicaFixture.start("shop-1", in: agents.store)
            try await ReplicaFixture.eventually("the first dispatches the canary") {
                try await agents.store.assignments(changedAfter: 0).assignments.count == 1
            }
            killed.cancel()
            _ = await killed.result
            let before = try await agents.store.assignments(changedAfter: 0)
            #expect(try await agents.store.acquireLease("rollout/shop-1", holder: "c", lifetime: .seconds(1)) == nil)
            // The time of its lease goes by, however long this machine takes for the rest.
            try await agents.pool.query("UPDATE leases SET expires_at = clock_timestamp() WHERE holder = 'a'")

            group.addTask { try await second.run() }
            group.addTask {
                try await ReplicaFixture.answer(
                    agents.store, through: DirectIngesting(store: agents.store, signals: agents.signals))
            }
            try await ReplicaFixture.eventually("the second brings it to its end") {
                try await agents.store.rollout("shop-1")?.phase == .succeeded
            }
            let after = try await agents.store.assignments(changedAfter: before.cursor)
            let epoch = try #require(before.assignments.first?.epoch)
            #expect(after.assignments.count == 2)
            #expect(after.assignments.allSatisfy { $0.epoch > epoch })
            // What was dispatched by the first is not dispatched again.
            #expect(try await agents.store.rollout("shop-1")?.targets.values.map(\.attempts) == [1, 1, 1])
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }

    @Test func replicasShareRolloutsAndDecideEachOnce() async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let replicas = [try Replica("a", database), try Replica("b", database)]
        let agents = try Replica("agents", database)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await agents.pool.run() }
            group.addTask { try await agents.signals.run() }
            for replica in replicas { group.addTask { try await replica.run() } }
            group.addTask {
                try await ReplicaFixture.answer(
                    agents.store, through: DirectIngesting(store: agents.store, signals: agents.signals))
            }
            try await ReplicaFixture.start("shop-1", in: agents.store)
            try await ReplicaFixture.eventually("it succeeds") {
                try await agents.store.rollout("shop-1")?.phase == .succeeded
            }
            let assignments = try await agents.store.assignments(changedAfter: 0).assignments
            #expect(assignments.map(\.generation) == [1, 1, 1])
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }
}
