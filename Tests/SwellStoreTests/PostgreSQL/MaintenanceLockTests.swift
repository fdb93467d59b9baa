internal import PostgresClient
internal import PostgresTesting
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@Suite struct MaintenanceLockTests {
    /// A decision that takes its time holds the fleet's guard as this does.
    @Test func whileADecisionGoesOnNothingWaitsButTheRemovingOfReleases() async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { pool in
            let store = PostgresStore(pool: pool)
            try await Fixtures.fill(store)
            _ = try await store.createRelease(Fixtures.release("1.1"), documents: Fixtures.documents("1.1"))
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.ending(as: .aborted) }
            try await pool.query(
                """
                INSERT INTO proven_releases (cluster, application, digest, version, generation, proven_at)
                SELECT 'east-' || c, 'shop', 'sha256:' || g, g::text, g, swell_now()
                FROM generate_series(1, 250) c, generate_series(1, 12) g
                """)
            let retention = Retention(releases: 1, rollouts: 0, rolloutAge: .zero)
            try await pool.withTransaction { transaction in
                try await transaction.query("LOCK TABLE fleet_guard IN ROW SHARE MODE")
                for part in MaintenancePart.allCases where part != .releases {
                    let outcome = try await store.maintain(part, retention)
                    #expect(part != .rollouts || outcome.rollouts == 1)
                }
                // Who waits for this lock has every decision wait behind it, and so does not wait for long.
                await #expect(throws: StoreError.self) { try await store.maintain(.releases, retention) }
                let proven = try await pool.query("SELECT count(*), min(generation) FROM proven_releases").single()
                #expect(try proven.decode(Int.self, at: 0) == 2_500 && proven.decode(Int.self, at: 1) == 3)
            }
            #expect(try await store.maintain(retention).releases == 1)
        }
    }
}
