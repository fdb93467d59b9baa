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
                INSERT INTO certificates (serial, cluster, expires_at, used_at)
                SELECT name || '-old', name, clock_timestamp() + interval '1 hour', clock_timestamp() FROM clusters
                UNION ALL
                SELECT name || '-new', name, clock_timestamp() + interval '20 hours', clock_timestamp() FROM clusters
                WHERE right(name, 1) <> '1'
                """)
            try await pool.query(
                """
                INSERT INTO cluster_status (cluster, application, highest_generation, received_at, report)
                SELECT name, application, 1, clock_timestamp(),
                    CASE WHEN right(name, 2) = '42' THEN '{"reason": "Forbidden"}'::jsonb ELSE '{}' END
                FROM clusters, unnest(ARRAY['shop', 'web']) AS application
                """)
            let facts = try await store.agentFacts()
            #expect(facts.clusters == 10_000 && facts.connected == 6_000)
            #expect(facts.away.count == 2_000 && facts.neverJoined.count == 2_000)
            #expect(facts.away.examples.map(\.rawValue) == ["c-00006", "c-00007", "c-00016", "c-00017", "c-00026"])
            #expect(facts.versions == ["0.0.9": 1_000, "0.1.0": 5_000])
            #expect(facts.expiring.count == 1_000 && facts.expiring.examples.first == "c-00001")
            #expect(facts.forbidden.count == 100 && facts.forbidden.examples.count == 5)
        }
    }

    @Test func aRenewalThatNeverArrivedIsNone() async throws {
        try await withStore { store, pool in
            try await pool.query(
                """
                INSERT INTO clusters (name, document)
                SELECT name, jsonb_build_object('name', name) FROM unnest(ARRAY['a', 'b', 'c', 'd', 'e']) AS name
                """)
            try await pool.query(
                "INSERT INTO agents (cluster, is_enrolled, connected_to) SELECT name, true, 'one' FROM clusters")
            // All have one in use that ends soon. Of what came after: a never got any of it, b uses it, c's was revoked, d's is
            // of before all were revoked, e asked once and has the answer under way.
            try await pool.query(
                """
                INSERT INTO certificates (serial, cluster, number, former, expires_at, used_at, denied_at)
                SELECT name || '1', name, 1, NULL, clock_timestamp() + interval '1 hour', clock_timestamp(),
                    NULL::timestamptz
                FROM clusters
                UNION ALL SELECT 'a' || n, 'a', n, 'a1', clock_timestamp() + interval '20 hours', NULL,
                    CASE WHEN n < 4 THEN clock_timestamp() END FROM generate_series(2, 4) n
                UNION ALL SELECT 'b2', 'b', 2, 'b1', clock_timestamp() + interval '20 hours', clock_timestamp(), NULL
                UNION ALL SELECT 'c2', 'c', 2, 'c1', clock_timestamp() + interval '20 hours', clock_timestamp(),
                    clock_timestamp()
                UNION ALL SELECT 'd2', 'd', 2, 'd1', clock_timestamp() + interval '20 hours', clock_timestamp(), NULL
                UNION ALL SELECT 'd3', 'd', 3, NULL, clock_timestamp() + interval '1 hour', clock_timestamp(), NULL
                UNION ALL SELECT 'e2', 'e', 2, 'e1', clock_timestamp() + interval '20 hours', NULL, NULL
                """)
            try await pool.query(
                "INSERT INTO cluster_trust (cluster, counter, valid_from) VALUES ('d', 3, 3), ('b', 2, 2)")
            let facts = try await store.agentFacts()
            #expect(facts.expiring.examples == ["a", "c", "d", "e"])
            #expect(facts.renewingInVain?.examples == ["a"])
        }
    }

    @Test func whoTakesTurnsIsToldOfUntilTheCertificateEnds() async throws {
        try await withStore { store, pool in
            try await pool.query(
                """
                INSERT INTO clusters (name, document)
                SELECT name, jsonb_build_object(
                    'name', name, 'region', 'us-east-1', 'environment', 'test', 'labels', '{}'::jsonb) FROM unnest(ARRAY['a', 'b', 'c']) AS name
                """)
            try await pool.query(
                """
                INSERT INTO certificates (serial, cluster, number, expires_at, used_at, denied_at)
                SELECT name || '1', name, 1, clock_timestamp() + interval '1 hour', clock_timestamp(), NULL::timestamptz
                FROM clusters UNION ALL SELECT 'd1', 'd', 1, clock_timestamp() + interval '1 hour', NULL, NULL
                """)
            for cluster in ["a", "b", "c", "d"] as [ClusterName] {
                try await store.reportSharing(of: CertificateUse(cluster, serial: "\(cluster)1"), reason: "two agents")
            }
            // Of b another one is in use since, c's was revoked, and d is not in the fleet.
            try await pool.query("INSERT INTO cluster_trust (cluster, counter, valid_from) VALUES ('b', 2, 2)")
            try await pool.query("UPDATE certificates SET denied_at = clock_timestamp() WHERE serial = 'c1'")
            #expect(try await store.agentFacts().sharing?.examples == ["a"])
        }
    }

    @Test func oneUnreadableClusterDoesNotKeepAllFromBeingReadmitted() async throws {
        try await withStore { store, pool in
            try await pool.query(
                """
                INSERT INTO clusters (name, document)
                SELECT 'c-' || lpad(n::text, 5, '0'), jsonb_build_object(
                    'name', 'c-' || lpad(n::text, 5, '0'), 'region', 'us-east-1', 'environment', 'test')
                FROM generate_series(0, 9998) n
                """)
            try await pool.query("INSERT INTO clusters (name, document) VALUES ('broken', '7')")
            let end = try await store.now() + .hours(1)
            let began = ContinuousClock.now
            let opened = try await store.openReadmission(of: nil, until: end, by: "ann")
            print("readmission of \(opened.count) clusters opened in \(ContinuousClock.now - began)")
            #expect(opened.count == 10_000 && opened.first == "broken")
            let rows = try await pool.query("SELECT count(*) FROM cluster_trust WHERE readmit_until IS NOT NULL")
            #expect(try rows.single().decode(Int.self, at: 0) == 10_000)
            let events = try await store.latestEvents(filter: EventFilter(cluster: "c-00007"), limit: 5)
            #expect(events.map(\.what) == ["cluster.readmission-opened"] && events.first?.region == "us-east-1")
        }
    }

    @Test func aClusterWhoseDocumentHasAnotherNameIsUnreadable() async throws {
        try await withStore { store, pool in
            try await pool.query(
                """
                INSERT INTO clusters (name, document)
                SELECT name, jsonb_build_object(
                    'name', 'east-1', 'region', 'us-east-1', 'environment', 'test', 'labels', '{}'::jsonb)
                FROM unnest(ARRAY['east-1', 'west-1']) AS name
                """)
            let listing = try await store.clusterListing()
            #expect(listing.items.map(\.cluster.name) == ["east-1"])
            #expect(listing.unreadable.map(\.name) == ["west-1"])
        }
    }
}
