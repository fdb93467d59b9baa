internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// An application is taken off clusters: which are reached, and what is not gone back to afterwards.
@Suite struct RemovalTests {
    @Test(arguments: StoreForm.allCases)
    func rolloutsThatBelongTogetherAreStoredTogether(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let first = Fixtures.rollout("r1", clusters: ["east-1"])
            await expect(.conflict) { () async throws(StoreError) in
                try await store.createRollouts(
                    [first, Fixtures.rollout("r2", clusters: ["east-2", "east-1"])], by: "ann")
            }
            #expect(try await store.rollout("r1") == nil)
            #expect(try await store.rollout("r2") == nil)
            try await store.createRollouts([first, Fixtures.rollout("r2", clusters: ["east-2"])], by: "ann")
            let fleet = try await store.snapshot(for: "shop").fleet
            #expect(fleet["east-1"]?.heldBy == "r1" && fleet["east-2"]?.heldBy == "r2")
            #expect(try await store.latestEvents(filter: EventFilter(), limit: 100).count { $0.rollout != nil } == 2)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aRemovalThatCameToItsEndEndsWhatWasProvenBefore(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1", "east-2"]) }
            _ = try await store.decide("r1", under: lease) { $0.proving(["east-1", "east-2"]) }
            func proven() async throws -> [Int?] {
                let fleet = try await store.snapshot(for: "shop").fleet
                return [fleet["east-1"]?.proven.count, fleet["east-2"]?.proven.count]
            }
            func said(_ phase: AgentPhase, _ generation: Int64) -> ReceivedReport {
                var report = Fixtures.report("east-1", generation: generation)
                report.report.phase = phase
                report.report.digest = nil
                return report
            }
            _ = try await store.ingest([said(.removed, 1)])
            #expect(try await proven() == [1, 1], "nobody told it to remove")
            let removal = try await store.decide("r1", under: lease) { input in
                var decision = input.dispatching(["east-1"])
                decision.assignments[0].goal = .remove
                return decision
            }
            let generation = try #require(removal.assignments.first?.generation)
            _ = try await store.ingest([said(.failed, generation), said(.removed, generation - 1)])
            #expect(try await proven() == [1, 1], "it is not gone yet")
            _ = try await store.ingest([said(.removed, generation)])
            #expect(try await proven() == [0, 1])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whatIsNotSelectedAnyMoreIsAmongWhatIsAssigned(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            let told = try await store.decide("r1", under: lease) { $0.dispatching(["east-1", "east-2"]) }
            _ = try await store.decide("r1", under: lease) { input in
                var decision = input.dispatching(["east-2"])
                decision.assignments[0].goal = .remove
                return decision
            }
            _ = try await store.decide("r1", under: lease) { $0.ending(as: .aborted) }
            var shop = try #require(Fixtures.fleet.applications.first)
            shop.select = ClusterSelector(clusters: ["west-1"])
            _ = try await store.apply(FleetDocuments(applications: [shop]), by: "ann")
            #expect(try await store.snapshot(for: "shop").fleet.keys.sorted() == ["west-1"])
            let fleet = try await store.assignedSnapshot(for: "shop").fleet
            #expect(fleet.keys.sorted() == ["east-1", "east-2", "west-1"])
            #expect(fleet["east-1"]?.assigned == Fixtures.reference("1.0") && fleet["east-1"]?.removal == nil)
            let generation = try #require(told.assignments.map(\.generation).max())
            #expect(fleet["east-2"]?.assigned == nil && fleet["east-2"]?.awaitsRemoval == true)
            #expect(fleet["east-2"]?.removal == AssignedRemoval(generation: generation + 1, rollout: "r1"))
        }
    }
}
