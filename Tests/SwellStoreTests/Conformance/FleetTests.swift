internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@Suite struct FleetTests {
    @Test(arguments: StoreForm.allCases)
    func applyingSaysWhatBecameOfEachDocument(form: StoreForm) async throws {
        try await form.run { store in
            let first = try await store.apply(Fixtures.fleet, by: "ann")
            #expect(first.map(\.outcome) == Array(repeating: .created, count: 6))
            #expect(first.map(\.kind).suffix(2) == ["Application", "RolloutPolicy"])
            var changed = Fixtures.fleet
            changed.clusters[1].labels["tier"] = "silver"
            let second = try await store.apply(changed, by: "ann")
            #expect(second.map(\.outcome) == [.unchanged, .configured, .unchanged, .unchanged, .unchanged, .unchanged])
            let stored = try await store.clusters()
            #expect(stored.map(\.cluster) == changed.clusters)
            #expect(stored.allSatisfy { !$0.isEnrolled && !$0.isConnected && $0.pause == nil })
            #expect(try await store.applications() == Fixtures.fleet.applications)
            #expect(try await store.policies() == [Fixtures.policy])
            let events = try await store.events(after: 0, filter: EventFilter(cluster: "east-2"), limit: 10)
            #expect(events.map(\.what) == ["cluster.applied", "cluster.applied"])
            #expect(events.map(\.to) == ["created", "configured"])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func applyingIsAllOrNothing(form: StoreForm) async throws {
        try await form.run { store in
            var documents = Fixtures.fleet
            documents.clusters.append(documents.clusters[0])
            let error = await expect(.invalid) { () async throws(StoreError) in
                _ = try await store.apply(documents, by: "ann")
            }
            #expect(error?.message.contains("east-1") == true)
            let clusters = try await store.clusters()
            let policies = try await store.policies()
            #expect(clusters.isEmpty && policies.isEmpty)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aPauseHoldsForEverybodyAndMakesRolloutsDue(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.unchanged }
            #expect(try await store.dueRollouts(limit: 10).isEmpty)

            let pause = Pause(by: "ann", at: try await store.now(), reason: "storm")
            try await store.setRegionPause("us-east-1", pause, by: "ann")
            try await store.setClusterPause("west-1", pause, by: "ann")
            #expect(try await store.dueRollouts(limit: 10) == ["r1"])
            _ = try await store.decide("r1", under: lease) { input in
                #expect(input.snapshot.pausedRegions == ["us-east-1": pause])
                #expect(input.snapshot.pausedClusters == ["west-1": pause])
                return input.unchanged
            }
            #expect(try await store.regionPauses() == ["us-east-1": pause])
            #expect(try await store.clusters().first { $0.cluster.name == "west-1" }?.pause == pause)
            #expect(try await store.dueRollouts(limit: 10).isEmpty)

            try await store.setRegionPause("us-east-1", nil, by: "bob")
            try await store.setClusterPause("west-1", nil, by: "bob")
            #expect(try await store.dueRollouts(limit: 10) == ["r1"])
            #expect(try await store.regionPauses().isEmpty)
            let events = try await store.events(after: 0, filter: EventFilter(region: "us-east-1"), limit: 10)
            #expect(events.map(\.what) == ["region.paused", "region.resumed"])
            #expect(events.map(\.by) == ["ann", "bob"])
            #expect(events.first?.reason == "storm")
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aPauseOfAnUnknownClusterIsRefused(form: StoreForm) async throws {
        try await form.run { store in
            await expect(.notFound) { () async throws(StoreError) in
                try await store.setClusterPause("nowhere", nil, by: "ann")
            }
            await expect(.notFound) { () async throws(StoreError) in
                try await store.removeCluster("nowhere", by: "ann")
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aRemovedClusterLeavesTheSurroundingsButKeepsItsGenerations(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            try await store.removeCluster("east-1", by: "ann")
            #expect(try await store.dueRollouts(limit: 10) == ["r1"])
            _ = try await store.decide("r1", under: lease) { input in
                #expect(Set(input.snapshot.fleet.keys) == ["east-2", "west-1", "west-2"])
                return input.unchanged
            }
            _ = try await store.apply(Fixtures.fleet, by: "ann")
            let facts = try await store.snapshot(for: "shop").fleet["east-1"]
            #expect(facts?.highestGeneration == 1)
            #expect(facts?.heldBy == "r1")
        }
    }

    @Test(arguments: StoreForm.allCases)
    func theFleetsLimitLeavesHeadroomForWhatIsNotInFlight(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            #expect(try await store.snapshot(for: "shop").fleetHeadroom == nil)
            await expect(.invalid) { () async throws(StoreError) in try await store.setFleetLimit(0, by: "ann") }
            try await store.setFleetLimit(3, by: "ann")
            #expect(try await store.fleetLimit() == 3)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1", "east-2"]) }
            #expect(try await store.snapshot(for: "shop").fleetHeadroom == 1)
            _ = try await store.decide("r1", under: lease) { $0.proving(["east-1"]) }
            #expect(try await store.snapshot(for: "shop").fleetHeadroom == 2)
            try await store.setFleetLimit(nil, by: "ann")
            #expect(try await store.snapshot(for: "shop").fleetHeadroom == nil)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aPauseGoesWithItsCluster(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let pause = Pause(by: "ann", at: try await store.now(), reason: "storm")
            try await store.setClusterPause("east-1", pause, by: "ann")
            #expect(try await store.snapshot(for: "shop").pausedClusters == ["east-1": pause])
            try await store.removeCluster("east-1", by: "ann")
            _ = try await store.apply(Fixtures.fleet, by: "ann")
            #expect(try await store.snapshot(for: "shop").pausedClusters.isEmpty)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func transitionsComeByPages(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            let decision = try await store.decide("r1", under: lease) { $0.dispatching(["east-1", "east-2"]) }
            let first = try await store.transitions(of: "r1", after: 0, limit: 2)
            let rest = try await store.transitions(of: "r1", after: first.cursor, limit: 100)
            #expect(first.transitions.count == 2)
            #expect(first.transitions + rest.transitions == decision.transitions)
            let end = try await store.transitions(of: "r1", after: rest.cursor, limit: 100)
            #expect(end.transitions.isEmpty && end.cursor == rest.cursor)
            #expect(try await store.transitions(of: "r1") == decision.transitions)
        }
    }
}
