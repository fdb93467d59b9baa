internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@Suite struct MaintenanceTests {
    private static func end(_ name: RolloutName, of store: any Store) async throws {
        let lease = try await Fixtures.lease(store, name)
        _ = try await store.decide(name, under: lease) { $0.ending(as: .aborted) }
        try await store.releaseLease(lease)
    }

    @Test(arguments: StoreForm.allCases)
    func whatIsOldAndManyGoesAndWhatIsNeededStays(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            for number in 1...1_000 {
                let version = "2.\(number)"
                _ = try await store.createRelease(Fixtures.release(version), documents: Fixtures.documents(version))
            }
            // What a cluster runs came by it.
            try await store.createRollout(Fixtures.rollout("r0"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r0")
            _ = try await store.decide("r0", under: lease) { $0.dispatching(["east-1"]) }
            _ = try await store.decide("r0", under: lease) { $0.ending(as: .succeeded) }
            for number in 1..<500 {
                let name = RolloutName(stringLiteral: "r\(number)")
                try await store.createRollout(
                    Fixtures.rollout(name, clusters: ["west-1"]), superseding: [], by: "ann")
                try await Self.end(name, of: store)
            }
            let undo = Fixtures.rollout("undo", clusters: ["west-1"], kind: .undo(of: "r5"))
            try await store.createRollout(undo, superseding: [], by: "ann")
            _ = try await store.submit(.retry(clusters: []), to: "r6", by: "ann") { _ in nil }

            var retention = Retention(releases: 10, rollouts: 20)
            #expect(try await store.maintain(.rollouts, retention).rollouts == 0, "none is old")
            retention.rolloutAge = .zero
            let outcome = try await store.maintain(retention)
            #expect(outcome.releases == 990 && outcome.documents == 2 * 990)
            #expect(outcome.rollouts == 501 - 20 - 3)
            #expect(try await store.maintain(retention) == MaintenanceOutcome())

            let left = try await store.rollouts(of: "shop", limit: 1_000).map(\.name)
            #expect(
                Set(left) == Set(["undo", "r0", "r5", "r6"] + (481..<500).map { RolloutName(stringLiteral: "r\($0)") }))
            #expect(try await store.rollout("r7") == nil)
            #expect(try await store.plan(of: "r7") == nil)
            let releases = try await store.releases(of: "shop", limit: 2_000).map(\.reference.version)
            #expect(releases.first == "2.1000" && releases.last == "1.0" && releases.count == 11)
            #expect(try await store.document(Fixtures.documents("1.0")[1].digest) != nil)

            // Its rows stay, and so nobody else is taken for it.
            let events = try await store.events(after: 0, filter: EventFilter(rollout: "r7"), limit: 10).map(\.what)
            #expect(events.first == "rollout.created" && events.count == 2)
            await expect(.conflict) { () async throws(StoreError) in
                try await store.createRollout(
                    Fixtures.rollout("r7", clusters: ["west-2"]), superseding: [], by: "ann")
            }
        }
    }

    /// After a way back the assignment names the rollout that went back, and what runs was brought by another.
    @Test(arguments: StoreForm.allCases)
    func whoBroughtWhatAClusterMayGoBackToStays(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            for version in ["1.1", "1.2"] {
                _ = try await store.createRelease(Fixtures.release(version), documents: Fixtures.documents(version))
            }
            for (name, version) in [("older", "1.0"), ("brings", "1.0"), ("fails", "1.1"), ("nowhere", "1.2")] {
                let rollout = RolloutName(stringLiteral: name)
                try await store.createRollout(
                    Fixtures.rollout(rollout, version: version), superseding: [], by: "ann")
                let lease = try await Fixtures.lease(store, rollout)
                if name != "nowhere" {
                    _ = try await store.decide(rollout, under: lease) { $0.dispatching(["east-1"]) }
                }
                if name == "brings" { _ = try await store.decide(rollout, under: lease) { $0.proving(["east-1"]) } }
                _ = try await store.decide(rollout, under: lease) { $0.ending(as: .succeeded) }
            }
            let outcome = try await store.maintain(.rollouts, Retention(rollouts: 0, rolloutAge: .zero))
            #expect(outcome.rollouts == 2)
            #expect(try await Set(store.rollouts(of: "shop", limit: 10).map(\.name)) == ["brings", "fails"])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aClusterThatLeftIsForgottenButForItsGenerations(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.touch(["east-1": .hours(1), "east-2": .hours(1)])
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1", "east-2"]) }
            _ = try await store.decide("r1", under: lease) { $0.proving(["east-1", "east-2"]) }
            _ = try await store.decide("r1", under: lease) { $0.ending(as: .succeeded) }
            try await store.removeCluster("east-1", by: "ann")
            #expect(try await store.maintain(.departed, Retention(departed: .hours(2))).clusters == 0)
            #expect(try await store.maintain(.departed, Retention(departed: .minutes(30))).clusters == 1)
            _ = try await store.apply(Fixtures.fleet, by: "ann")
            let facts = try await store.snapshot(for: "shop").fleet
            #expect(facts["east-1"]?.highestGeneration == 1)
            #expect(facts["east-1"]?.proven.isEmpty == true)
            #expect(facts["east-2"]?.proven.count == 1)
        }
    }

    /// Else it would keep its rollout and its release for ever.
    @Test(arguments: StoreForm.allCases)
    func whatAClusterThatLeftWasAssignedIsForgotten(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            _ = try await store.ingest([Fixtures.report("east-1", generation: 0)])
            _ = try await store.decide("r1", under: lease) { $0.ending(as: .succeeded) }
            try await store.removeCluster("east-1", by: "ann")
            let retention = Retention(rollouts: 0, rolloutAge: .zero, departed: .zero)
            #expect(try await store.maintain(.rollouts, retention).rollouts == 0)
            #expect(try await store.maintain(.departed, retention).clusters == 1)
            #expect(try await store.maintain(.rollouts, retention).rollouts == 1)
            _ = try await store.apply(Fixtures.fleet, by: "ann")
            let facts = try await store.snapshot(for: "shop").fleet["east-1"]
            #expect(facts?.highestGeneration == 1)
            #expect(facts?.assigned == nil)
        }
    }
}
