internal import PostgresClient
internal import PostgresTesting
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// A server that goes away and comes back under the store.
@Suite(.timeLimit(.minutes(2))) struct CrashTests {
    @Test func whatWasAcknowledgedSurvivesAndDecisionsGoOn() async throws {
        let server = try await PostgresServer.start()
        let database = server.configuration()
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database, waitTimeout: .milliseconds(500)) { pool in
            let store = PostgresStore(pool: pool)
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            let decided = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            _ = try await store.ingest([Fixtures.report("east-1", generation: 1)])

            try await server.kill()
            await expect(.unavailable) { () async throws(StoreError) in
                _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-2"]) }
            }
            await expect(.unavailable) { () async throws(StoreError) in _ = try await store.rollout("r1") }
            try await server.start()

            try await eventually("the store is back") {
                do throws(StoreError) {
                    return try await store.rollout("r1") == decided.rollout
                } catch {
                    #expect(error.code == .unavailable)
                    return false
                }
            }
            // The lease was committed and has not expired: it still decides, and the report is still its input.
            _ = try await store.decide("r1", under: lease) { input in
                #expect(input.reports.count == 1)
                return input.dispatching(["east-2"])
            }
            #expect(try await store.assignments(changedAfter: 0).assignments.map(\.cluster) == ["east-1", "east-2"])
        }
    }

    /// Whatever the moment of the crash: state, assignments and audit log tell the same story.
    @Test func aCrashInTheMiddleOfDecisionsTearsNothing() async throws {
        let server = try await PostgresServer.start()
        let database = server.configuration()
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database, waitTimeout: .milliseconds(500)) { pool in
            let store = PostgresStore(pool: pool)
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1", clusters: ["east-1"]), superseding: [], by: "ann")
            let lease = try await store.acquireLease("rollout/r1", holder: "a", lifetime: .minutes(10))
            let held = try #require(lease)
            let acknowledged = try await withThrowingTaskGroup(of: Int64.self) { group in
                group.addTask {
                    var last: Int64 = 0
                    while true {
                        do throws(StoreError) {
                            let decision = try await store.decide("r1", under: held) { $0.dispatching(["east-1"]) }
                            last = decision.assignments[0].generation
                        } catch {
                            #expect(error.code == .unavailable || error.code == .outcomeUnknown)
                            return last
                        }
                    }
                }
                try await eventually("decisions are under way") {
                    try await store.assignments(of: "east-1").first.map { $0.generation > 5 } == true
                }
                try await server.kill()
                return try await group.reduce(0, +)
            }
            try await server.start()
            var stored: Assignment?
            try await eventually("the store is back") {
                stored = try? await store.assignments(of: "east-1").first
                return stored != nil
            }
            let generation = try #require(stored?.generation)
            #expect(generation == acknowledged || generation == acknowledged + 1)
            #expect(try await store.rollout("r1")?.targets["east-1"]?.generation == generation)
            let transitions = try await store.transitions(of: "r1")
            let replayed = Transition.replay(onto: try #require(try await store.plan(of: "r1")), transitions)
            #expect(try await store.rollout("r1") == replayed)
            #expect(transitions.count == Int(generation) + 1)
        }
    }
}
