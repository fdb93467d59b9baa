internal import PostgresClient
internal import PostgresTesting
internal import SwellModel
internal import SwellStore
internal import Testing

/// What the store tells of its database and of the fleet's agents.
@Suite struct InstallationTests {
    private func withStore(_ body: (PostgresStore, PostgresPool) async throws -> Void) async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { try await body(PostgresStore(pool: $0), $0) }
    }

    @Test func theDatabaseIsToldAsItIs() async throws {
        try await withStore { store, pool in
            let facts = try await store.databaseFacts()
            #expect(facts.version >= 140_000 && facts.migrations == facts.knownMigrations && facts.migrations >= 5)
            // As tests run their server.
            #expect(facts.settings["fsync"] == "off" && facts.settings["max_connections"] == "200")
            #expect(facts.tls == nil && facts.isSuperuser && !facts.isInRecovery && facts.connections >= 1)
            let clock = try await store.now()
            #expect(abs((clock - facts.now).milliseconds) < 10_000)
        }
    }

    @Test func tenThousandClustersAreFiguresAndAFewNames() async throws {
        try await withStore { store, pool in
            try await pool.query(
                """
                INSERT INTO clusters (name, document)
                SELECT 'c-' || lpad(n::text, 5, '0'), jsonb_build_object('name', 'c') FROM generate_series(0, 9999) n
                """)
            // Of ten: six connected, two away, two that never joined.
            try await pool.query(
                """
                INSERT INTO agents (cluster, is_enrolled, connected_to, version)
                SELECT name, true, CASE WHEN right(name, 1)::integer < 6 THEN 'a' END,
                    CASE WHEN right(name, 1) = '0' THEN '0.0.9' ELSE '0.1.0' END
                FROM clusters WHERE right(name, 1)::integer < 8
                """)
            // Each has one from before; those that end in 1 were not renewed since.
            try await pool.query(
                """
                INSERT INTO certificates (serial, cluster, expires_at)
                SELECT name || '-old', name, clock_timestamp() + interval '1 hour' FROM clusters
                UNION ALL
                SELECT name || '-new', name, clock_timestamp() + interval '20 hours' FROM clusters
                WHERE right(name, 1) <> '1'
                """)
            try await pool.query(
                """
                INSERT INTO cluster_status (cluster, application, highest_generation, received_at, report)
                SELECT name, application, 1, clock_timestamp(),
                    CASE WHEN right(name, 2) = '42' THEN '{"reason": "Forbidden"}'::jsonb ELSE '{}' END
                FROM clusters, unnest(ARRAY['shop', 'web']) AS application
                """)
            let began = ContinuousClock.now
            let facts = try await store.agentFacts()
            #expect(ContinuousClock.now - began < .seconds(5))
            #expect(facts.clusters == 10_000 && facts.connected == 6_000)
            #expect(facts.away.count == 2_000 && facts.neverJoined.count == 2_000)
            #expect(facts.away.examples.map(\.rawValue) == ["c-00006", "c-00007", "c-00016", "c-00017", "c-00026"])
            #expect(facts.versions == ["0.0.9": 1_000, "0.1.0": 5_000])
            #expect(facts.expiring.count == 1_000 && facts.expiring.examples.first == "c-00001")
            #expect(facts.forbidden.count == 100 && facts.forbidden.examples.count == 5)
        }
    }
}
