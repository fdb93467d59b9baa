internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

/// What is read beside a rollout.
@Suite struct SurroundingsTests {
    /// What people are told that a rollout waits for comes from the same facts as what is decided.
    @Test(arguments: StoreForm.allCases)
    func whatSurroundsARolloutIsWhatADecisionSees(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            var fleet = Fixtures.fleet
            fleet.applications = [
                Application(name: Fixtures.shop, namespace: "shop", select: ClusterSelector(labels: ["tier": "gold"]))
            ]
            _ = try await store.apply(fleet, by: "ann")
            let seen = Mutex<FleetSnapshot?>(nil)
            let lease = try await Fixtures.lease(store, "r1")
            let decided = try await store.decide("r1", under: lease) { input in
                seen.withLock { $0 = input.snapshot }
                return input.unchanged
            }
            let around = try await store.snapshot(around: decided.rollout)
            #expect(around == seen.withLock { $0 })
            #expect(around.fleet.keys.sorted() == ["east-1", "east-2"])
            // The application alone does not know of the target that it selects no more.
            #expect(try await store.snapshot(for: "shop").fleet.keys.sorted() == ["east-1"])
        }
    }

    /// Of ten thousand clusters a rollout of three is shown three, and those that may join it.
    @Test(arguments: StoreForm.allCases)
    func onlyWhoMayJoinSurroundsARollout(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let policy = RolloutPolicy(
                name: "west", stages: [PolicyStage(name: "all", select: ClusterSelector(regions: ["us-west-1"]))])
            func rollout(_ name: RolloutName, kind: RolloutKind = .release, select: ClusterSelector) -> Rollout {
                let plain = Fixtures.rollout(name, clusters: ["east-1"], kind: kind)
                return Rollout(
                    header: RolloutHeader(
                        name: name, application: Fixtures.shop, kind: kind, release: plain.release, policy: policy,
                        strategy: plain.strategy, createdBy: "ann", createdAt: plain.createdAt, select: select),
                    stages: plain.stages, targets: plain.targets)
            }
            func names(_ rollout: Rollout) async throws -> [ClusterName] {
                try await store.snapshot(around: rollout).fleet.keys.sorted()
            }
            #expect(try await names(rollout("r1", select: ClusterSelector())) == ["east-1", "west-1", "west-2"])
            let production = ClusterSelector(environments: ["production"])
            #expect(try await names(rollout("r1", select: production)) == ["east-1", "west-1"])
            #expect(
                try await names(rollout("r1", select: ClusterSelector(clusters: ["east-1", "gone"]))) == ["east-1"])
            #expect(try await names(rollout("r1", kind: .undo(of: "r0"), select: ClusterSelector())) == ["east-1"])
            // What a decision on it is shown is the same.
            try await store.createRollout(rollout("r1", select: production), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { input in
                #expect(input.snapshot.fleet.keys.sorted() == ["east-1", "west-1"])
                return input.unchanged
            }
        }
    }
}
