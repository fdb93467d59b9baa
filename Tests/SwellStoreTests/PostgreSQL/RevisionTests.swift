internal import PostgresClient
internal import PostgresTesting
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// While a new version is rolled out, coordinators of the one before write beside it, and know of no revisions: the database draws them.
@Suite struct RevisionTests {
    /// Held open while such a version, or a hand, writes this, a thought comes to nothing.
    @Test(
        "A write of an earlier version overtakes a thought",
        arguments: [
            "UPDATE rollouts SET header = header, phase = phase, wake_at = swell_now(), seen_fleet = 1 WHERE name = 'r1'",
            "UPDATE fleet_guard SET version = version + 1",
            """
            INSERT INTO rollout_commands (rollout, command, ordered_by, ordered_at)
            VALUES ('r1', '{"resume":{}}', 'ann', swell_now())
            """,
        ])
    func anEarlierVersionsWrite(statement: String) async throws {
        try await withThought { pool, store, reading, lease in
            try await pool.query(statement)
            let outcome = try await store.commit(reading.input.dispatching(["east-1"]), on: reading, under: lease)
            #expect(outcome == .stale)
            #expect(try await store.assignments(of: "east-1").isEmpty)
        }
    }

    /// What lists count is kept only by who says it: after an earlier version's decision it is counted anew.
    @Test func whatAnEarlierVersionDecidedIsCounted() async throws {
        try await withThought { pool, store, _, _ in
            #expect(try await store.rollouts(of: nil, limit: 10).map { $0.counts["healthy"] } == [nil])
            // As it writes: the targets' rows, and the rollout's without counts.
            try await pool.query("UPDATE rollout_targets SET phase = 'healthy' WHERE cluster = 'east-1'")
            try await pool.query("UPDATE rollouts SET header = header WHERE name = 'r1'")
            #expect(try await store.rollouts(of: nil, limit: 10).map { $0.counts["healthy"] } == [1])
        }
    }

    private func withThought(
        _ body: (PostgresPool, PostgresStore, DecisionReading, Lease) async throws -> Void
    ) async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { pool in
            let store = PostgresStore(pool: pool)
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            try await body(pool, store, try await store.readDecision("r1", under: lease), lease)
        }
    }
}
