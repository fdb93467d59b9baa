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

    /// A dump reads the audit log for hours: what waits for its end would have all that is decided wait behind it.
    @Test func whoReadsTheLogForLongHoldsUpNothing() async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { pool in
            let store = PostgresStore(pool: pool)
            try await Fixtures.fill(store)
            try await pool.query(
                """
                CREATE TABLE audit_events_202001 PARTITION OF audit_events
                FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-02-01 00:00:00+00')
                """)
            try await pool.withTransaction { dump in
                try await dump.query("SELECT count(*) FROM audit_events")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await #expect(throws: StoreError.self) { try await store.maintain(.auditRows, Retention()) }
                    }
                    let pause = Pause(by: "ann", at: Timestamp(milliseconds: 1_000), reason: "storm")
                    let begin = ContinuousClock.now
                    while ContinuousClock.now - begin < .seconds(2) {
                        let one = ContinuousClock.now
                        try await store.setRegionPause("us-east-1", pause, by: "ann")
                        try await store.setRegionPause("us-east-1", nil, by: "ann")
                        #expect(ContinuousClock.now - one < .seconds(10))
                    }
                    try await group.waitForAll()
                }
            }
            #expect(try await store.maintain(.auditRows, Retention()).auditRows == 0)
            let left = try await pool.query("SELECT to_regclass('audit_events_202001') IS NULL").scalar(Bool.self)
            #expect(left)
        }
    }

    /// What the owner keeps for longer than a replica asks for is no failure, and keeps no other month.
    @Test func whatTheOwnerKeepsLongerIsNoFailure() async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { pool in
            for month in ["2020-01", "2024-01"] {
                let name = month.replacing("-", with: "")
                try await pool.query(
                    """
                    CREATE TABLE audit_events_\(name) PARTITION OF audit_events
                    FOR VALUES FROM ('\(month)-01 00:00:00+00') TO ('\(month)-02 00:00:00+00')
                    """)
            }
            try await pool.query("UPDATE audit_retention SET keep = clock_timestamp() - '2022-01-01'")
            _ = try await PostgresStore(pool: pool).maintain(.auditRows, Retention(audit: .minutes(5)))
            let left = try await pool.query(
                "SELECT relname::text FROM pg_class WHERE relname IN ('audit_events_202001', 'audit_events_202401')"
            ).scalars(String.self)
            #expect(left == ["audit_events_202401"])
        }
    }
}
