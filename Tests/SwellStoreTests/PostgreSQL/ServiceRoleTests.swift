internal import PostgresClient
internal import PostgresTesting
internal import SwellModel
internal import Testing

@testable internal import SwellStore

/// Replicas whose role owns nothing. That they can do their work is what every test of the store over PostgreSQL shows.
@Suite struct ServiceRoleTests {
    @Test func theLogIsReadAndAddedToAndNothingElse() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            try await Fixtures.fill(store)
            let months = try await pool.query(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_events'::regclass"
            ).scalars(String.self)
            #expect(months.count == 4)
            var attempts = [
                "ALTER TABLE audit_events DISABLE TRIGGER ALL", "DROP TABLE audit_events",
                "DROP FUNCTION swell_refuse_audit_change()",
                "CREATE OR REPLACE FUNCTION swell_refuse_audit_change() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
                "ALTER FUNCTION swell_drop_audit_partition(text) OWNER TO swell_service",
                "SET session_replication_role = replica",
                "DELETE FROM schema_migrations", "CREATE TABLE mine (id int)",
                "CREATE TEMPORARY TABLE rollouts (name text)",
                "UPDATE audit_retention SET keep = interval '1 month'", "SELECT swell_prepare_audit_partitions(13)",
                "INSERT INTO audit_events (id, at, caused_by, what) VALUES (1, now() - interval '2 hours', 'ann', 'x')",
                "INSERT INTO audit_events (id, at, caused_by, what) VALUES (-1, now(), 'ann', 'x')",
                "SELECT swell_drop_audit_partition('audit_events_default')",
                "SELECT swell_drop_audit_partition('rollouts')",
            ]
            for table in ["audit_events"] + months {
                attempts += ["UPDATE \(table) SET reason = 'x'", "DELETE FROM \(table)", "TRUNCATE \(table)"]
            }
            for month in months where month != "audit_events_default" {
                attempts += ["SELECT swell_drop_audit_partition('\(month)')", "DROP TABLE \(month)"]
            }
            // Nothing is lost by a temporary table, which the role may make: the log's functions do not see it.
            // Functions of the caller's own, which a careless search path would take for PostgreSQL's.
            attempts.append("CREATE FUNCTION format(text, text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'")
            for attempt in attempts where !attempt.hasPrefix("CREATE TEMPORARY") {
                let error = await #expect(throws: PostgresError.self, "\(attempt)") { try await pool.query(attempt) }
                #expect(error?.sqlState == .insufficientPrivilege, "\(attempt): \(error as Any)")
            }
            #expect(try await store.events(after: 0, filter: EventFilter(), limit: 100).count == 7)
        }
    }

    @Test func theLogIsMaintainedAllTheSame() async throws {
        let database = try await serviceDatabase()
        try await withPool(database.owner) { pool in
            let months = try await pool.query(
                "SELECT relname::text FROM pg_class WHERE relname ~ '^audit_events_[0-9]{6}$'")
            for month in try months.scalars(String.self) { try await pool.query("DROP TABLE \(month)") }
            try await pool.query(
                "CREATE TABLE audit_events_202001 PARTITION OF audit_events FOR VALUES FROM ('2020-01-01Z') TO ('2020-02-01Z')"
            )
            try await pool.query(
                "INSERT INTO audit_events (id, at, caused_by, what) VALUES (-1, '2020-01-10Z', 'ann', 'region.paused')")
        }
        try await withPool(database.service) { pool in
            let store = PostgresStore(pool: pool)
            try await Fixtures.fill(store)
            let outcome = try await store.maintain(Retention(audit: .hours(24)))
            #expect(outcome.auditRows == 1)
            let inDefault = try await pool.query(
                "SELECT count(*) FROM audit_events WHERE tableoid = 'audit_events_default'::regclass"
            ).scalar(Int.self)
            #expect(inDefault == 0, "rows went into their months")
            #expect(try await store.events(after: -10, filter: EventFilter(), limit: 100).count == 7)
        }
    }

    @Test func aReplicaOfTheServicesRoleStartsOnlyOverASchemaThatIsUpToDate() async throws {
        let database = try await serviceDatabase()
        try await PostgresStore.migrate(database.service, logger: quiet)
        _ = try await withPool(database.owner) { try await $0.query("DELETE FROM schema_migrations WHERE number >= 7") }
        let error = await #expect(throws: StoreError.self) {
            try await PostgresStore.migrate(database.service, logger: quiet)
        }
        #expect(
            error?.code == .schema && error?.message.contains("swell-coordinator migrate") == true, "\(error as Any)")
    }

    @Test func whoOwnsTheTablesIsNoServiceRole() async throws {
        let database = try await serviceDatabase()
        let error = await #expect(throws: StoreError.self) {
            try await PostgresStore.migrate(database.owner, for: try ServiceRole("swell_owner"), logger: quiet)
        }
        #expect(error?.message.contains("owns the tables") == true, "\(error as Any)")
        let missing = await #expect(throws: StoreError.self) {
            try await PostgresStore.migrate(database.owner, for: try ServiceRole("nobody_there"), logger: quiet)
        }
        #expect(missing?.code == .notFound, "\(missing as Any)")
        for name in ["", "Robert'); DROP", "1st", "a-b", String(repeating: "a", count: 64)] {
            #expect(throws: StoreError.self, "\(name)") { try ServiceRole(name) }
        }
    }

    @Test func whatAMigrationAddsIsForTheServicesRoleToo() async throws {
        let database = try await serviceDatabase()
        _ = try await withPool(database.owner) { pool in
            // As it was before the last migration that made a table; those that follow it can be applied twice.
            try await pool.query("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM swell_service")
            try await pool.query("GRANT INSERT ON audit_events TO swell_service")
            let last = try await pool.query("SELECT max(number) FROM schema_migrations").scalar(Int.self)
            let next = Migration(number: last + 1, name: "one more", sql: Array("CREATE TABLE one_more (id int);".utf8))
            try await PostgresStore.migrate(database.owner, to: Migration.all + [next], logger: quiet)
        }
        try await withPool(database.service) { pool in
            _ = try await PostgresStore(pool: pool).maintain(Retention())
            #expect(try await pool.query("SELECT count(*) FROM one_more").scalar(Int.self) == 0)
        }
    }
}
