internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// Rollouts that are to start later, decided by the engine itself.
@Suite struct StartTests {
    private func plan(_ name: RolloutName, in store: any Store, startsIn interval: Interval?) async throws -> Rollout {
        let now = try await store.now()
        let request = PlanRequest(
            name: name, application: Fixtures.shop, release: Fixtures.reference("1.0"), policy: Fixtures.policy,
            strategy: ApplicationStrategy(), createdBy: "ann", startsAt: interval.map { now + $0 })
        return try RolloutPlanner.plan(request, snapshot: try await store.snapshot(for: Fixtures.shop), now: now)
    }

    @discardableResult
    private func decide(_ name: RolloutName, in store: any Store) async throws -> Decision {
        let lease = try await Fixtures.lease(store, name)
        return try await store.decide(name, under: lease, DecisionMaker.decide)
    }

    private func holders(_ store: any Store) async throws -> Set<RolloutName?> {
        Set(try await store.snapshot(for: Fixtures.shop).fleet.values.map(\.heldBy))
    }

    @Test(arguments: StoreForm.allCases)
    func whatStartsNextWeekHoldsNobodyUp(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.touch(Fixtures.clusters.map(\.name))
            try await store.createRollout(
                try await plan("later", in: store, startsIn: .hours(168)), superseding: [], by: "ann")
            let waiting = try await decide("later", in: store)
            #expect(waiting.rollout.phase == .scheduled && waiting.assignments.isEmpty)
            #expect(try await holders(store) == [nil])
            try await store.createRollout(
                try await plan("now", in: store, startsIn: nil), superseding: [], by: "ann")
            #expect(try await holders(store) == ["now"])
            #expect(try await decide("now", in: store).assignments.count == 4)
            // One that is already at work still holds its clusters.
            await expect(.conflict) { () async throws(StoreError) in
                try await store.createRollout(Fixtures.rollout("other"), superseding: [], by: "ann")
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func itClaimsWhenItStartsAndWaitsForWhoeverHoldsItsClusters(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.touch(Fixtures.clusters.map(\.name))
            try await store.createRollout(
                try await plan("later", in: store, startsIn: .milliseconds(50)), superseding: [], by: "ann")
            try await store.createRollout(
                Fixtures.rollout("now", clusters: ["west-1"]), superseding: [], by: "ann")
            try await eventually("its time comes") {
                try await store.touch(Fixtures.clusters.map(\.name))
                return try await decide("later", in: store).rollout.reason != nil
            }
            let rollout = try #require(try await store.rollout("later"))
            #expect(rollout.phase == .scheduled)
            #expect(rollout.reason == "it is time to start, but west-1 held by rollout now")
            let snapshot = try await store.snapshot(for: Fixtures.shop)
            let blocker = try #require(Blockers.of(rollout, snapshot: snapshot, now: try await store.now()).first)
            #expect(blocker.what == .held && blocker.clusters == ["west-1"] && blocker.why.contains("rollout now"))
            #expect(try await holders(store) == [nil, "now"])

            let lease = try await Fixtures.lease(store, "now")
            _ = try await store.decide("now", under: lease) { $0.ending(as: .aborted) }
            let started = try await decide("later", in: store)
            #expect(started.rollout.phase == .progressing && started.assignments.count == 4)
            #expect(try await holders(store) == ["later"])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func oneThatWasPausedBeforeItsTimeClaimsWhenItIsResumed(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.touch(Fixtures.clusters.map(\.name))
            try await store.createRollout(
                try await plan("later", in: store, startsIn: .milliseconds(20)), superseding: [], by: "ann")
            _ = try await store.submit(.pause(.rollout, reason: nil), to: "later", by: "ann") { _ in nil }
            try await eventually("its time comes") {
                let decided = try await decide("later", in: store)
                let start = try #require(decided.rollout.startsAt)
                return start < (try await store.now())
            }
            #expect(try await holders(store) == [nil])
            _ = try await store.submit(.resume(.rollout), to: "later", by: "ann") { _ in nil }
            try await store.touch(Fixtures.clusters.map(\.name))
            #expect(try await decide("later", in: store).assignments.count == 4)
            #expect(try await holders(store) == ["later"])
            let lease = try await Fixtures.lease(store, "later")
            _ = try await store.decide("later", under: lease) { $0.ending(as: .aborted) }
            #expect(try await holders(store) == [nil])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func takingOthersPlacesHoldsFromThenOn(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("now", clusters: ["west-1"]), superseding: [], by: "ann")
            try await store.createRollout(
                try await plan("later", in: store, startsIn: .hours(1)), superseding: ["now"], by: "ann")
            #expect(try await holders(store) == ["later"])
        }
    }

    /// Nobody has a cluster twice: who turns to what it had left out has it from then on, unless another one took it meanwhile.
    @Test(arguments: StoreForm.allCases)
    func whatWasLeftOutIsClaimedWhenItIsTriedAfterAll(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.touch(Fixtures.clusters.map(\.name))
            try await store.createRollout(
                try await plan("later", in: store, startsIn: .milliseconds(50)), superseding: [], by: "ann")
            _ = try await store.submit(.skip(cluster: "west-1", reason: nil), to: "later", by: "ann") { _ in nil }
            try await decide("later", in: store)
            try await store.createRollout(Fixtures.rollout("now", clusters: ["west-1"]), superseding: [], by: "ann")
            try await eventually("it starts") {
                try await store.touch(Fixtures.clusters.map(\.name))
                return try await decide("later", in: store).rollout.phase == .progressing
            }
            #expect(try await holders(store) == ["later", "now"])

            _ = try await store.submit(.retry(clusters: ["west-1"]), to: "later", by: "ann") { _ in nil }
            let refused = try await decide("later", in: store)
            #expect(
                refused.verdicts.map(\.refusal) == [
                    "cluster 'west-1' is held by rollout 'now' by now: retry it once that has ended, or end that first "
                        + "(swell rollout abort now)"
                ])
            #expect(refused.rollout.targets["west-1"]?.phase == .skipped)

            let lease = try await Fixtures.lease(store, "now")
            _ = try await store.decide("now", under: lease) { $0.ending(as: .aborted) }
            _ = try await store.submit(.pause(.rollout, reason: nil), to: "later", by: "ann") { _ in nil }
            _ = try await store.submit(.retry(clusters: ["west-1"]), to: "later", by: "ann") { _ in nil }
            let taken = try await decide("later", in: store)
            #expect(taken.verdicts.map(\.refusal) == [nil, nil] && taken.assignments.isEmpty)
            #expect(taken.rollout.targets["west-1"]?.phase == .queued)
            #expect(try await holders(store) == ["later"], "from the order on, and not from its assignment")
            await expect(.conflict) { () async throws(StoreError) in
                try await store.createRollout(
                    Fixtures.rollout("third", clusters: ["west-1"]), superseding: [], by: "ann")
            }
        }
    }
}
