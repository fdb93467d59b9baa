internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

/// What is decided outside of any transaction is committed only on what was read.
@Suite struct ReadAndCommitTests {
    private func withThought(
        _ form: StoreForm, _ body: (any Store, DecisionReading, Decision, Lease) async throws -> Void
    ) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            let reading = try await store.readDecision("r1", under: lease)
            try await body(store, reading, reading.input.dispatching(["east-1"]), lease)
        }
    }

    /// Held open while `change` happens, a thought comes to nothing, and what is read after it can be committed.
    private func isOvertaken(
        _ form: StoreForm, by change: (any Store) async throws -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await withThought(form) { store, reading, decision, lease in
            try await change(store)
            let outcome = try await store.commit(decision, on: reading, under: lease)
            #expect(outcome == .stale, sourceLocation: sourceLocation)
            #expect(try await store.assignments(of: "east-1").isEmpty, sourceLocation: sourceLocation)
            #expect(try await store.rollout("r1")?.targets["east-1"]?.phase == .queued, sourceLocation: sourceLocation)
            let again = try await store.readDecision("r1", under: lease)
            let later = try await store.commit(again.input.unchanged, on: again, under: lease)
            #expect(later == .committed, sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whatStandsIsCommittedOnce(form: StoreForm) async throws {
        try await withThought(form) { store, reading, decision, lease in
            let outcome = try await store.commit(decision, on: reading, under: lease)
            #expect(outcome == .committed)
            #expect(try await store.assignments(of: "east-1") == decision.assignments)
            // The same again is another decision's, which was not read.
            #expect(try await store.commit(decision, on: reading, under: lease) == .stale)
            #expect(try await store.assignments(of: "east-1").map(\.generation) == [1])
        }
    }

    /// Invariant 6: nothing that was thought before it follows a pause that was acknowledged.
    @Test(arguments: StoreForm.allCases)
    func aPauseForEverybodyOvertakesAThought(form: StoreForm) async throws {
        try await isOvertaken(form) { store in
            let pause = Pause(by: "ann", at: try await store.now(), reason: nil)
            try await store.setRegionPause("us-east-1", pause, by: "ann")
        }
        try await isOvertaken(form) { store in
            let pause = Pause(by: "ann", at: try await store.now(), reason: nil)
            try await store.setClusterPause("east-1", pause, by: "ann")
        }
    }

    @Test(arguments: StoreForm.allCases)
    func anOrderOvertakesAThought(form: StoreForm) async throws {
        try await isOvertaken(form) { store in
            _ = try await store.submit(.pause(.rollout, reason: nil), to: "r1", by: "ann") { _ in nil }
        }
        // One that takes its place, with its clusters.
        try await isOvertaken(form) { store in
            try await store.createRollout(Fixtures.rollout("r2"), superseding: ["r1"], by: "bob")
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aChangeOfTheFleetOvertakesAThought(form: StoreForm) async throws {
        try await isOvertaken(form) { store in try await store.removeCluster("east-2", by: "ann") }
        try await isOvertaken(form) { store in
            var fleet = Fixtures.fleet
            fleet.applications = [Application(name: Fixtures.shop, namespace: "elsewhere")]
            _ = try await store.apply(fleet, by: "ann")
        }
        try await isOvertaken(form) { store in try await store.setFleetLimit(1, by: "ann") }
    }

    /// By the same replica, or by one that took over and gave back.
    @Test(arguments: StoreForm.allCases)
    func anotherDecisionOvertakesAThought(form: StoreForm) async throws {
        try await isOvertaken(form) { store in
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.unchanged }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func anotherRolloutMayUseUpTheRoomUnderTheFleetsLimit(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.setFleetLimit(2, by: "ann")
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            try await store.createRollout(
                Fixtures.rollout("r2", clusters: ["west-1", "west-2"]), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            let other = try await Fixtures.lease(store, "r2")
            let reading = try await store.readDecision("r1", under: lease)
            #expect(reading.input.snapshot.fleetHeadroom == 2)
            _ = try await store.decide("r2", under: other) { $0.dispatching(["west-1"]) }
            let both = reading.input.dispatching(["east-1", "east-2"])
            #expect(try await store.commit(both, on: reading, under: lease) == .stale)
            // There is room for one.
            let one = reading.input.dispatching(["east-1"])
            #expect(try await store.commit(one, on: reading, under: lease) == .committed)
            #expect(try await store.snapshot(for: "shop").fleetHeadroom == 0)
        }
    }

    /// What agents say meanwhile is the next decision's.
    @Test(arguments: StoreForm.allCases)
    func reportsAndPresenceOvertakeNothing(form: StoreForm) async throws {
        try await withThought(form) { store, _, _, lease in
            _ = try await store.ingest([Fixtures.report("east-1", generation: 1)])
            let reading = try await store.readDecision("r1", under: lease)
            #expect(reading.input.reports.map(\.report.health) == [.healthy])
            _ = try await store.ingest([Fixtures.report("east-1", generation: 1, health: .degraded)])
            try await store.touch(["east-2"])
            #expect(try await store.commit(reading.input.unchanged, on: reading, under: lease) == .committed)
            let next = try await store.readDecision("r1", under: lease)
            #expect(next.input.reports.map(\.report.health) == [.degraded])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aThoughtWhoseLeaseIsGoneIsNotCommitted(form: StoreForm) async throws {
        try await withThought(form) { store, reading, decision, lease in
            try await store.releaseLease(lease)
            await expect(.leaseLost) { () async throws(StoreError) in
                _ = try await store.commit(decision, on: reading, under: lease)
            }
            await expect(.leaseLost) { () async throws(StoreError) in
                _ = try await store.readDecision("r1", under: lease)
            }
            let next = try await Fixtures.lease(store, "r1", holder: "replica-b")
            await expect(.leaseLost) { () async throws(StoreError) in
                _ = try await store.commit(decision, on: reading, under: lease)
            }
            #expect(try await store.commit(reading.input.unchanged, on: reading, under: next) == .committed)
            #expect(try await store.assignments(of: "east-1").isEmpty)
        }
    }

    /// Nobody's silence is judged by an old look, on the database's clock.
    @Test(arguments: StoreForm.allCases)
    func anOldReadingIsReadAgain(form: StoreForm) async throws {
        try await form.run { store, skip in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try #require(
                try await store.acquireLease("rollout/r1", holder: "replica-a", lifetime: .minutes(10)))
            let reading = try await store.readDecision("r1", under: lease)
            try await skip(.seconds(6))
            #expect(try await store.commit(reading.input.unchanged, on: reading, under: lease) == .stale)
            let again = try await store.readDecision("r1", under: lease)
            #expect(try await store.commit(again.input.unchanged, on: again, under: lease) == .committed)
        }
    }

    /// A cluster or a generation that others took since it was read is read again, and refused only where it stands.
    @Test(arguments: StoreForm.allCases)
    func whatOthersTookIsReadAgain(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            let reading = try await store.readDecision("r1", under: lease)
            var joining = reading.input.unchanged
            joining.rollout.targets["west-1"] = TargetState(
                cluster: "west-1", region: "us-west-1", stage: 0, changedAt: reading.input.now)
            try await store.createRollout(Fixtures.rollout("r2", clusters: ["west-1"]), superseding: [], by: "ann")
            #expect(try await store.commit(joining, on: reading, under: lease) == .stale)
            #expect(try await store.rollout("r1")?.targets.keys.sorted() == ["east-1", "east-2"])
        }
    }

    /// However often it is overtaken, a decision comes to its end: under locks.
    @Test func whoIsOvertakenAgainAndAgainDecidesUnderLocks() async throws {
        let store = MemoryStore(clock: wallClock)
        try await Fixtures.fill(store)
        try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
        let lease = try await Fixtures.lease(store, "r1")
        try await store.createRollout(Fixtures.rollout("r2", clusters: ["west-1"]), superseding: [], by: "ann")
        let thoughts = Mutex(0)
        /// Takes a cluster that another rollout holds, the first times.
        @Sendable func decide(_ input: DecisionInput, wrongly times: Int) -> Decision {
            let turn = thoughts.withLock { count in
                count += 1
                return count
            }
            guard turn <= times else { return input.dispatching(["east-1"]) }
            var decision = input.unchanged
            decision.rollout.targets["west-1"] = TargetState(
                cluster: "west-1", region: "us-west-1", stage: 0, changedAt: input.now)
            return decision
        }
        await expect(.conflict) { () async throws(StoreError) in
            _ = try await store.decide("r1", under: lease) { decide($0, wrongly: 4) }
        }
        #expect(thoughts.withLock { $0 } == 4)
        thoughts.withLock { $0 = 0 }
        let decision = try await store.decide("r1", under: lease) { decide($0, wrongly: 3) }
        #expect(thoughts.withLock { $0 } == 4)
        #expect(try await store.assignments(of: "east-1") == decision.assignments)
    }
}
