internal import PostgresClient
internal import PostgresTesting
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// A reading of several tables is of one moment, whatever commits while it is under way.
@Suite struct OneMomentTests {
    /// The application selects a label that all clusters bear; both change in one transaction while the reading stands between the
    /// two tables.
    @Test func theSnapshotIsReadAtOneMoment() async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        let labelled = Fixtures.clusters.map { cluster in
            var cluster = cluster
            cluster.labels = ["wave": "old"]
            return cluster
        }
        let application = Application(
            name: "shop", namespace: "shop", select: ClusterSelector(labels: ["wave": "old"]))
        try await withPool(database) { pool in
            let store = PostgresStore(pool: pool)
            _ = try await store.apply(FleetDocuments(clusters: labelled, applications: [application]), by: "ann")
            let rival = try await PostgresConnection.connect(to: database)
            let fleet = try await withThrowingTaskGroup(of: Int?.self) { group in
                let (locked, lock) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))
                group.addTask {
                    try await rival.withTransaction { transaction in
                        try await transaction.query("LOCK TABLE clusters IN ACCESS EXCLUSIVE MODE")
                        lock.yield()
                        try await eventually("the reading waits for the clusters") {
                            try await transaction.query(
                                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'clusters'::regclass"
                            )
                            .scalar(Int.self) > 0
                        }
                        for (table, path) in [("applications", "{select,labels,wave}"), ("clusters", "{labels,wave}")] {
                            try await transaction.query(
                                "UPDATE \(table) SET document = jsonb_set(document, '\(path)', '\"new\"')")
                        }
                    }
                    return nil
                }
                for await _ in locked { break }
                group.addTask { try await store.snapshot(for: "shop").fleet.count }
                return try await group.reduce(into: [Int]()) { if let count = $1 { $0.append(count) } }
            }
            await rival.close()
            #expect(fleet == [4])
            #expect(try await store.snapshot(for: "shop").fleet.count == 4)
        }
    }

    /// Who is silent is judged as of the moment that was read, not as of when the reading came to its end.
    @Test func aDecisionsClockIsThatOfItsReading() async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await withPool(database) { pool in
            let store = PostgresStore(pool: pool)
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            let rival = try await PostgresConnection.connect(to: database)
            try await rival.query("BEGIN")
            try await rival.query("LOCK TABLE proven_releases IN ACCESS EXCLUSIVE MODE")
            async let reading = store.readDecision("r1", under: lease)
            try await eventually("the reading waits for what is proven") {
                try await rival.query(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'proven_releases'::regclass"
                )
                .scalar(Int.self) > 0
            }
            try await store.touch(["east-1"])
            let between = try await store.now()
            try await rival.query("COMMIT")
            let input = try await reading.input
            await rival.close()
            #expect(input.now <= between)
            #expect(input.snapshot.fleet["east-1"]?.lastSeenAt == nil)
        }
    }
}
