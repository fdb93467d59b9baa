internal import PostgresClient
internal import PostgresTesting
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@Suite struct AuditPartitionTests {
    private func withStore(_ body: (PostgresStore, PostgresPool) async throws -> Void) async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { try await body(PostgresStore(pool: $0), $0) }
    }

    private func count(_ table: String, _ pool: PostgresPool) async throws -> Int {
        try await pool.query("SELECT count(*) FROM \(table)").scalar(Int.self)
    }

    /// Makes the partition of a month long ago, with one row of a rollout in it.
    private func addOldMonth(_ month: String, rollout: String, _ pool: PostgresPool) async throws {
        try await pool.query(
            """
            CREATE TABLE audit_events_\(month) PARTITION OF audit_events
            FOR VALUES FROM ('2020-\(month.suffix(2))-01Z') TO ('2020-\(month.suffix(2))-28Z')
            """)
        try await pool.query(
            """
            INSERT INTO audit_events (id, at, caused_by, what, rollout)
            VALUES (-\(month), '2020-\(month.suffix(2))-10Z', 'ann', 'rollout.created', '\(rollout)')
            """)
    }

    @Test func presentRowsGoIntoTheirMonth() async throws {
        try await withStore { store, pool in
            try await Fixtures.fill(store)
            #expect(try await count("audit_events", pool) == 7)
            #expect(try await count("audit_events_default", pool) == 0)
        }
    }

    @Test func whatTheDefaultPartitionTookInIsMoved() async throws {
        try await withStore { store, pool in
            let names = try await pool.query(
                "SELECT relname::text FROM pg_class WHERE relname ~ '^audit_events_[0-9]{6}$'"
            ).scalars(String.self)
            #expect(names.count == 3)
            for name in names { try await pool.query("DROP TABLE \(name)") }
            try await Fixtures.fill(store)
            #expect(try await count("audit_events_default", pool) == 7)
            _ = try await store.maintain(Retention())
            #expect(try await count("audit_events_default", pool) == 0)
            #expect(try await count("audit_events", pool) == 7)
            #expect(try await store.events(after: 0, filter: EventFilter(), limit: 100).count == 7)
        }
    }

    @Test func whatIsInTheLogStaysAsItWasWritten() async throws {
        try await withStore { store, pool in
            try await Fixtures.fill(store)
            try await pool.query("DROP TABLE \(try await months(pool)[2])")
            _ = try await store.maintain(Retention())
            for table in ["audit_events", "audit_events_default"] + (try await months(pool)) {
                try await addRow(to: table, pool)
                for statement in [
                    "UPDATE \(table) SET reason = 'x'", "DELETE FROM \(table)", "TRUNCATE \(table)",
                ] {
                    let error = await #expect(throws: PostgresError.self) { try await pool.query(statement) }
                    #expect(error?.description.contains("append-only") == true, "\(statement): \(error as Any)")
                }
            }
            #expect(try await count("audit_events", pool) == 7 + 5)
        }
    }

    private func months(_ pool: PostgresPool) async throws -> [String] {
        try await pool.query("SELECT relname::text FROM pg_class WHERE relname ~ '^audit_events_[0-9]{6}$' ORDER BY 1")
            .scalars(String.self)
    }

    /// Puts a row into a partition, in its time, so that there is something to be changed.
    private func addRow(to table: String, _ pool: PostgresPool) async throws {
        let digits = table.suffix(6).allSatisfy(\.isNumber) ? String(table.suffix(6)) : "199001"
        try await pool.query(
            """
            INSERT INTO audit_events (id, at, caused_by, what)
            VALUES (-\(abs(table.hashValue % 1_000_000_000)), to_date('\(digits)', 'YYYYMM') + interval '5 days', 'ann', 'x')
            """)
    }

    @Test func onlyMonthsWithoutAnActiveRolloutAreDropped() async throws {
        try await withStore { store, pool in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            try await addOldMonth("202001", rollout: "gone", pool)
            try await addOldMonth("202002", rollout: "r1", pool)
            let outcome = try await store.maintain(Retention(audit: .hours(24)))
            #expect(outcome.auditRows == 1)
            let left = try await store.events(after: -1_000_000, filter: EventFilter(), limit: 100)
            #expect(left.first?.rollout == "r1")
            #expect(left.count == 1 + 7 + 1)
            #expect(try await store.maintain(Retention(audit: .hours(24))) == MaintenanceOutcome())
        }
    }

    @Test func replicasMayMaintainAtTheSameTime() async throws {
        try await withStore { store, pool in
            try await Fixtures.fill(store)
            try await addOldMonth("202001", rollout: "gone", pool)
            let removed = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<3 {
                    group.addTask { try await store.maintain(Retention(audit: .hours(24))).auditRows }
                }
                return try await group.reduce(0, +)
            }
            #expect(removed == 1)
        }
    }
}
