internal import PostgresClient
internal import PostgresTesting
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// What is wrong with one thing in the database stays with it.
@Suite struct OneFaultAloneTests {
    private func withStore(_ body: (PostgresStore, PostgresPool) async throws -> Void) async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { try await body(PostgresStore(pool: $0), $0) }
    }

    @Test func aClusterThatCannotBeReadFailsOnlyWhatItIsATargetOf() async throws {
        try await withStore { store, pool in
            try await Fixtures.fill(store)
            try await store.createRollout(
                Fixtures.rollout("sound", clusters: ["east-1"]), superseding: [], by: "ann")
            try await store.createRollout(
                Fixtures.rollout("touched", clusters: ["west-1"]), superseding: [], by: "ann")
            try await pool.query("UPDATE clusters SET document = '{\"colour\": 7}' WHERE name = 'west-1'")
            let lease = try await Fixtures.lease(store, "sound")
            let decision = try await store.decide("sound", under: lease) { $0.dispatching(["east-1"]) }
            #expect(decision.assignments.map(\.cluster) == ["east-1"])
            let other = try await Fixtures.lease(store, "touched")
            let error = await expect(.corrupt) { () async throws(StoreError) in
                _ = try await store.decide("touched", under: other) { $0.unchanged }
            }
            #expect(error?.message.contains("west-1") == true)
            #expect(try await store.snapshot(for: "shop").fleet.keys.sorted() == ["east-1", "east-2", "west-2"])
        }
    }

    /// Whoever prunes holds the releases first. A new release must wait for that with nothing in its hands that pruning needs next.
    @Test func aNewReleaseWaitsForPruningWithoutHoldingWhatThatNeeds() async throws {
        try await withStore { store, pool in
            try await Fixtures.fill(store)
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await pool.withConnection { connection in
                    try await connection.query("BEGIN")
                    try await connection.query("LOCK TABLE releases IN SHARE ROW EXCLUSIVE MODE")
                    group.addTask {
                        _ = try await store.createRelease(Fixtures.release("9.0"), documents: Fixtures.documents("9.0"))
                    }
                    try await eventually("the new release waits") {
                        try await pool.query("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar(Int.self) > 0
                    }
                    try await connection.query(
                        "LOCK TABLE bundle_documents, documents IN SHARE ROW EXCLUSIVE MODE NOWAIT")
                    try await connection.query("COMMIT")
                }
                try await group.waitForAll()
            }
            #expect(try await store.release(of: "shop", version: "9.0") != nil)
        }
    }
}
