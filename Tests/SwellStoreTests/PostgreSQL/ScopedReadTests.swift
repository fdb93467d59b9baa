internal import PostgresClient
internal import PostgresTesting
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// What replicas keep of the fleet in memory is what the database has, whatever became of that.
@Suite struct ScopedReadTests {
    /// Stores with a memory each over one database, and a pool of its superuser.
    private func withStores(
        _ body: (_ one: PostgresStore, _ other: PostgresStore, _ pool: PostgresPool) async throws -> Void
    ) async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { pool in
            try await body(PostgresStore(pool: pool), PostgresStore(pool: pool), pool)
        }
    }

    private func fleet(_ label: String, of names: [ClusterName]? = nil) -> FleetDocuments {
        var fleet = Fixtures.fleet
        fleet.clusters = Fixtures.clusters.filter { names?.contains($0.name) != false }.map { cluster in
            var cluster = cluster
            cluster.labels = ["round": label]
            return cluster
        }
        return fleet
    }

    private func labels(_ store: PostgresStore) async throws -> [ClusterName: String] {
        try await store.snapshot(for: "shop").fleet.compactMapValues { $0.cluster.labels["round"] }
    }

    @Test func aReplicaSeesWhatAnotherChanged() async throws {
        try await withStores { one, other, _ in
            _ = try await one.apply(fleet("first"), by: "ann")
            #expect(Set(try await labels(other).values) == ["first"])
            _ = try await one.apply(fleet("second", of: ["east-1"]), by: "ann")
            try await one.removeCluster("west-2", by: "ann")
            let expected: [ClusterName: String] = ["east-1": "second", "east-2": "first", "west-1": "first"]
            #expect(try await labels(other) == expected)
            #expect(try await labels(one) == expected)
            // One that comes back is not the one that was remembered.
            _ = try await one.apply(fleet("third", of: ["west-2"]), by: "ann")
            #expect(try await labels(other)["west-2"] == "third")
        }
    }

    /// It lost its last commits, and went on until the version of its fleet was the one that a replica remembers.
    @Test func aDatabaseThatWentBackIsReadAgain() async throws {
        try await withStores { one, other, pool in
            _ = try await one.apply(fleet("first"), by: "ann")
            try await pool.query("CREATE TABLE kept AS SELECT * FROM clusters")
            try await pool.query("CREATE TABLE kept_guard AS SELECT * FROM fleet_guard")
            _ = try await one.apply(fleet("lost"), by: "ann")
            let version = try await pool.query("SELECT version FROM fleet_guard").scalar(Int64.self)
            #expect(Set(try await labels(one).values) == ["lost"])
            try await pool.withTransaction { transaction in
                for statement in [
                    "SET LOCAL session_replication_role = replica", "DELETE FROM clusters",
                    "INSERT INTO clusters SELECT * FROM kept", "DELETE FROM fleet_guard",
                    "INSERT INTO fleet_guard SELECT * FROM kept_guard",
                ] { try await transaction.query(statement) }
            }
            #expect(Set(try await labels(one).values) == ["first"])
            try await pool.withTransaction { transaction in
                for statement in [
                    "SET LOCAL session_replication_role = replica", "DELETE FROM clusters",
                    "INSERT INTO clusters SELECT * FROM kept", "DELETE FROM fleet_guard",
                    "INSERT INTO fleet_guard SELECT * FROM kept_guard",
                ] { try await transaction.query(statement) }
            }
            _ = try await other.apply(fleet("found"), by: "bob")
            #expect(try await pool.query("SELECT version FROM fleet_guard").scalar(Int64.self) == version)
            #expect(Set(try await labels(one).values) == ["found"])
        }
    }

    /// A document is applied as a whole, and readings of the fleet that go on meanwhile see it as a whole.
    @Test func readingsBesideAppliesSeeOneMoment() async throws {
        try await withStores { one, other, _ in
            _ = try await one.apply(fleet("0"), by: "ann")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for round in 1...20 { _ = try await one.apply(fleet("\(round)"), by: "ann") }
                }
                for store in [one, other, other] {
                    group.addTask {
                        var last = 0
                        while last < 20 {
                            let seen = Set(try await labels(store).values)
                            #expect(seen.count == 1)
                            let round = try #require(seen.first.flatMap { Int($0) })
                            #expect(round >= last)
                            last = round
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func aDocumentThatCannotBeReadAnyMoreIsNotTheOneRemembered() async throws {
        try await withStores { one, _, pool in
            try await Fixtures.fill(one)
            try await one.createRollout(Fixtures.rollout("touched", clusters: ["west-1"]), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(one, "touched")
            _ = try await one.decide("touched", under: lease) { $0.unchanged }
            let due = try await one.dueRollouts(limit: 10)
            #expect(due.isEmpty)
            // By hand, which makes rollouts due as well.
            try await pool.query("UPDATE clusters SET document = '{\"colour\": 7}' WHERE name = 'west-1'")
            #expect(try await one.dueRollouts(limit: 10) == ["touched"])
            await expect(.corrupt) { () async throws(StoreError) in
                _ = try await one.decide("touched", under: lease) { $0.unchanged }
            }
            #expect(try await one.snapshot(for: "shop").fleet.keys.sorted() == ["east-1", "east-2", "west-2"])
            // Nor is one that names another.
            try await pool.query(
                """
                UPDATE clusters SET document = (SELECT document FROM clusters WHERE name = 'east-1') WHERE name = 'west-1'
                """)
            #expect(try await one.snapshot(for: "shop").fleet.keys.sorted() == ["east-1", "east-2", "west-2"])
            _ = try await one.apply(Fixtures.fleet, by: "ann")
            _ = try await one.decide("touched", under: lease) { $0.unchanged }
        }
    }

    /// Whoever has ended is no matter of those that look for what is due, and its targets count against no limit.
    @Test func whatHasEndedIsDueOnlyWhenSomethingIsSaidToIt() async throws {
        try await withStores { one, _, pool in
            try await Fixtures.fill(one)
            try await one.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(one, "r1")
            _ = try await one.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            try await one.setFleetLimit(3, by: "ann")
            #expect(try await one.snapshot(for: "shop").fleetHeadroom == 2)
            _ = try await one.decide("r1", under: lease) { $0.ending(as: .aborted) }
            try await pool.query("UPDATE rollouts SET wake_at = swell_now() - interval '1 hour'")
            #expect(try await one.snapshot(for: "shop").fleetHeadroom == 3)
            #expect(try await one.dueRollouts(limit: 10).isEmpty)
            #expect(try await one.nextWakeUp() == nil)
            _ = try await one.submit(.retry(clusters: []), to: "r1", by: "ann") { _ in nil }
            #expect(try await one.dueRollouts(limit: 10) == ["r1"])
        }
    }
}
