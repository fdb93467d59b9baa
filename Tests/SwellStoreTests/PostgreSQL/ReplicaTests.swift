internal import PostgresClient
internal import PostgresTesting
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// Several replicas on one database, each with a pool of its own.
@Suite struct ReplicaTests {
    private func withReplicas(
        _ count: Int, _ body: (_ stores: [PostgresStore], _ database: PostgresConfiguration) async throws -> Void
    ) async throws {
        let database = try await PostgresServer.shared().createDatabase().configuration
        try await PostgresStore.migrate(database, logger: quiet)
        try await collect(count, [], database, body)
    }

    private func collect(
        _ count: Int, _ stores: [PostgresStore], _ database: PostgresConfiguration,
        _ body: ([PostgresStore], PostgresConfiguration) async throws -> Void
    ) async throws {
        guard stores.count < count else { return try await body(stores, database) }
        try await withPool(database) { pool in
            try await collect(count, stores + [PostgresStore(pool: pool)], database, body)
        }
    }

    @Test func aContendedLeaseHasOneHolder() async throws {
        try await withReplicas(3) { stores, _ in
            for round in 0..<5 {
                let winners = try await withThrowingTaskGroup(of: Lease?.self) { group in
                    for (index, store) in stores.enumerated() {
                        for _ in 0..<2 {
                            group.addTask {
                                try await store.acquireLease(
                                    "rollout/r\(round)", holder: "replica-\(index)", lifetime: .seconds(60))
                            }
                        }
                    }
                    return try await group.reduce(into: [Lease]()) { if let lease = $1 { $0.append(lease) } }
                }
                #expect(!winners.isEmpty)
                #expect(Set(winners.map(\.holder)).count == 1)
                #expect(Set(winners.map(\.epoch)).count == 1)
            }
        }
    }

    @Test func contendedClaimsGoToOneRollout() async throws {
        try await withReplicas(3) { stores, _ in
            try await Fixtures.fill(stores[0])
            let outcomes = try await withThrowingTaskGroup(of: (RolloutName, StoreError.Code?).self) { group in
                for index in 0..<9 {
                    let store = stores[index % stores.count]
                    // Half of them name the clusters the other way round: rivals must not lock each other.
                    let clusters: [ClusterName] =
                        index.isMultiple(of: 2) ? ["east-1", "west-1"] : ["west-1", "east-1"]
                    group.addTask {
                        let name = try RolloutName("r\(index)")
                        do {
                            try await store.createRollout(
                                Fixtures.rollout(name, clusters: clusters), superseding: [], by: "ann")
                            return (name, nil)
                        } catch let error as StoreError {
                            return (name, error.code)
                        }
                    }
                }
                return try await group.reduce(into: [RolloutName: StoreError.Code]()) { codes, outcome in
                    codes[outcome.0] = outcome.1 ?? StoreError.Code("won")
                }
            }
            let winners = outcomes.filter { $0.value.rawValue == "won" }.map(\.key)
            #expect(winners.count == 1)
            #expect(outcomes.values.filter { $0 == .conflict }.count == 8)
            let facts = try await stores[1].snapshot(for: "shop").fleet
            #expect(facts["east-1"]?.heldBy == winners.first)
            #expect(facts["west-1"]?.heldBy == winners.first)
        }
    }

    /// Whoever follows a cursor while others commit sees every row once and in order.
    @Test func cursorsMissNothingThatCommitsLate() async throws {
        try await withReplicas(4) { stores, _ in
            try await Fixtures.fill(stores[0])
            let rollouts = 3
            let rounds = 15
            for index in 0..<rollouts {
                let rollout = Fixtures.rollout(
                    try RolloutName("r\(index)"), clusters: [Fixtures.clusters[index].name])
                try await stores[0].createRollout(rollout, superseding: [], by: "ann")
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<rollouts {
                    let store = stores[index]
                    let cluster = Fixtures.clusters[index].name
                    group.addTask {
                        let name = try RolloutName("r\(index)")
                        let lease = try await Fixtures.lease(store, name, holder: "replica-\(index)")
                        for _ in 0..<rounds {
                            _ = try await store.decide(name, under: lease) { $0.dispatching([cluster]) }
                        }
                    }
                }
                let reader = stores[rollouts]
                group.addTask {
                    var cursor: Int64 = 0
                    var generations: [ClusterName: [Int64]] = [:]
                    var events: [Int64] = []
                    let deadline = ContinuousClock.now.advanced(by: .seconds(30))
                    while events.count < 6 + 1 + rollouts * (rounds + 2), ContinuousClock.now < deadline {
                        let page = try await reader.events(after: events.last ?? 0, filter: EventFilter(), limit: 7)
                        events += page.map(\.id)
                        let changed = try await reader.assignments(changedAfter: cursor)
                        cursor = changed.cursor
                        for assignment in changed.assignments {
                            generations[assignment.cluster, default: []].append(assignment.generation)
                        }
                    }
                    let changed = try await reader.assignments(changedAfter: cursor)
                    for assignment in changed.assignments {
                        generations[assignment.cluster, default: []].append(assignment.generation)
                    }
                    #expect(events.count == 6 + 1 + rollouts * (rounds + 2))
                    #expect(generations.count == rollouts)
                    for seen in generations.values {
                        #expect(seen.last == Int64(rounds))
                        #expect(seen == seen.sorted() && Set(seen).count == seen.count)
                    }
                }
                try await group.waitForAll()
            }
            let all = try await stores[0].events(after: 0, filter: EventFilter(), limit: 1_000)
            #expect(all.count == 6 + 1 + rollouts * (rounds + 2))
        }
    }

    /// Invariant 6: a pause that has returned is seen by every decision that begins later, also while many decide.
    @Test func aPauseOutranksDecisionsThatKeepComing() async throws {
        try await withReplicas(3) { stores, _ in
            try await Fixtures.fill(stores[0])
            for (index, cluster) in ["east-1", "east-2"].enumerated() {
                let rollout = Fixtures.rollout(try RolloutName("r\(index)"), clusters: [try ClusterName(cluster)])
                try await stores[0].createRollout(rollout, superseding: [], by: "ann")
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<2 {
                    let store = stores[index]
                    group.addTask {
                        let name = try RolloutName("r\(index)")
                        let lease = try await Fixtures.lease(store, name, holder: "replica-\(index)")
                        while !Task.isCancelled {
                            _ = try await store.decide(name, under: lease) { input in
                                guard input.snapshot.pausedRegions.isEmpty else { return input.unchanged }
                                return input.dispatching(Array(input.rollout.targets.keys))
                            }
                        }
                    }
                }
                let store = stores[2]
                try await eventually("something is dispatched") {
                    try await store.assignments(changedAfter: 0).assignments.count == 2
                }
                let pause = Pause(by: "ann", at: try await store.now(), reason: nil)
                try await store.setRegionPause("us-east-1", pause, by: "ann")
                let cursor = try await store.assignments(changedAfter: 0).cursor
                let name: RolloutName = "r0"
                let due = try await store.submit(.abort(reason: nil), to: name, by: "ann") { _ in nil }
                try await eventually("decisions go on") { try await store.verdict(of: due.id) != nil }
                #expect(try await store.assignments(changedAfter: cursor).assignments.isEmpty)
                group.cancelAll()
                // Cancelling a statement is an error of its task, and asked for here.
                while let result = await group.nextResult() { if case .success = result { continue } }
            }
        }
    }

    @Test func batchesOfTwoReplicasDoNotLockEachOther() async throws {
        try await withReplicas(3) { stores, _ in
            try await Fixtures.fill(stores[0])
            try await stores[0].createRollout(
                Fixtures.rollout("r1", clusters: Fixtures.clusters.map(\.name)), superseding: [], by: "ann")
            let forward = Fixtures.clusters.map { Fixtures.report($0.name, generation: 1) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<3 {
                    let store = stores[index]
                    let batch = index.isMultiple(of: 2) ? forward : forward.reversed()
                    group.addTask {
                        for _ in 0..<20 {
                            let concerned = try await store.ingest(batch).rollouts
                            #expect(concerned == ["r1"])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let lease = try await Fixtures.lease(stores[0], "r1")
            _ = try await stores[0].decide("r1", under: lease) { input in
                #expect(input.reports.count == 3 * 20 * 4)
                return input.unchanged
            }
        }
    }
}
