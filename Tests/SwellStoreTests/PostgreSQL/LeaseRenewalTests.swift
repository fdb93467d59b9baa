internal import PostgresClient
internal import PostgresTesting
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// Leases are renewed, and presence is noted, whatever else the database is busy with.
@Suite struct LeaseRenewalTests {
    /// One decision that takes long holds its lease's row; the others must not run out behind it.
    @Test func aRenewalWaitsForNoDecision() async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { pool in
            let store = PostgresStore(pool: pool)
            for name in ["x", "y"] {
                _ = try await store.acquireLease(name, holder: "a", lifetime: .seconds(60))
            }
            let before = try await store.renewLeases(holder: "a", lifetime: .seconds(60))
            #expect(before.renewed.map(\.name) == ["x", "y"] && before.busy.isEmpty)
            let decision = try await PostgresConnection.connect(to: database)
            try await decision.query("BEGIN")
            try await decision.query("SELECT 1 FROM leases WHERE name = 'x' FOR SHARE")
            let meanwhile = try await store.renewLeases(holder: "a", lifetime: .seconds(90))
            #expect(meanwhile.renewed.map(\.name) == ["y"])
            #expect(meanwhile.busy == before.renewed.filter { $0.name == "x" })
            try await decision.query("COMMIT")
            await decision.close()
            let after = try await store.renewLeases(holder: "a", lifetime: .seconds(90))
            #expect(after.renewed.map(\.name) == ["x", "y"] && after.busy.isEmpty)
        }
    }

    @Test func aStormOnThePoolKeepsNeitherLeasesNorPresenceWaiting() async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { pool in
            try await withPool(database) { vital in
                let store = PostgresStore(pool: pool, vitalPool: vital)
                try await Fixtures.fill(store)
                _ = try await store.acquireLease("x", holder: "a", lifetime: .seconds(60))
                try await exhaust(pool, by: 4) {
                    #expect(
                        try await store.renewLeases(holder: "a", lifetime: .seconds(60)).renewed.map(\.name) == ["x"])
                    try await store.touch(["east-1"])
                }
                #expect(try await store.snapshot(for: "shop").fleet["east-1"]?.lastSeenAt != nil)
            }
        }
    }

    /// Runs `body` while so many connections are in others' hands.
    private func exhaust(_ pool: PostgresPool, by count: Int, _ body: () async throws -> Void) async throws {
        guard count > 0 else { return try await body() }
        try await pool.withConnection { _ in try await exhaust(pool, by: count - 1, body) }
    }
}
