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

    @Test func aListNamesWhatCannotBeReadAndShowsTheRest() async throws {
        try await withStore { store, pool in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("sound"), superseding: [], by: "ann")
            try await store.createRollout(Fixtures.rollout("odd", clusters: ["west-1"]), superseding: [], by: "ann")
            for table in ["clusters", "applications", "policies"] {
                #expect(try await pool.query("SELECT count(*) FROM \(table)").scalar(Int.self) > 0)
            }
            try await pool.query("UPDATE clusters SET document = '{\"colour\": 7}' WHERE name = 'west-1'")
            try await pool.query("UPDATE policies SET document = '[]'")
            try await pool.query("UPDATE rollouts SET header = '{}' WHERE name = 'odd'")
            let clusters = try await store.clusterListing()
            #expect(clusters.items.map(\.cluster.name) == ["east-1", "east-2", "west-2"])
            #expect(clusters.unreadable.map(\.name) == ["west-1"])
            #expect(clusters.unreadable.first?.reason.isEmpty == false)
            let policies = try await store.policyListing()
            #expect(policies.items.isEmpty && policies.unreadable.map(\.name) == ["waves"])
            let rollouts = try await store.rolloutListing(of: nil, limit: 10)
            #expect(rollouts.items.map(\.name) == ["sound"] && rollouts.unreadable.map(\.name) == ["odd"])
            #expect(try await store.applicationListing().unreadable.isEmpty)
            #expect(try await store.releaseListing(of: "shop", limit: 10).items.count == 1)
            // Who needs all of it is told which one is missing.
            let error = await expect(.corrupt) { () async throws(StoreError) in _ = try await store.clusters() }
            #expect(error?.message.contains("'west-1'") == true)
            // And what cannot be read is mended by being applied again.
            let applied = try await store.apply(Fixtures.fleet, by: "ann")
            #expect(
                applied.filter { $0.outcome != .unchanged }.map { "\($0.name) \($0.outcome)" } == [
                    "west-1 configured", "waves configured",
                ])
            #expect(try await store.clusters().count == 4)
        }
    }

    /// Its replica died, and never comes back under its name.
    @Test func nobodyIsConnectedForEver() async throws {
        try await withStore { store, pool in
            try await Fixtures.fill(store)
            try await store.noteConnection("east-1", replica: "gone", agentVersion: "1", isConnected: true)
            try await store.noteConnection("east-2", replica: "alive", agentVersion: "1", isConnected: true)
            #expect(try await store.clusters().filter(\.isConnected).count == 2)
            try await pool.query("UPDATE agents SET last_seen_at = last_seen_at - interval '31 seconds'")
            #expect(try await store.clusters().filter(\.isConnected).isEmpty)
            // A replica that lives says so every few seconds, and nothing else needs to be told again.
            try await store.touch(["east-2"])
            #expect(try await store.clusters().filter(\.isConnected).map(\.cluster.name) == ["east-2"])
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
