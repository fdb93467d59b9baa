internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@Suite struct RolloutTests {
    @Test(arguments: StoreForm.allCases)
    func aRolloutIsStoredWholeAndIsDueAtOnce(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            var rollout = Fixtures.rollout("r1", kind: .undo(of: "r0"))
            rollout.pausedRegions["us-east-1"] = Pause(by: "ann", at: Timestamp(milliseconds: 5), reason: nil)
            try await store.createRollout(rollout, superseding: [], by: "ann")
            #expect(try await store.rollout("r1") == rollout)
            #expect(try await store.plan(of: "r1") == rollout)
            #expect(try await store.rollout("r2") == nil)
            #expect(try await store.plan(of: "r2") == nil)
            #expect(try await store.dueRollouts(limit: 10) == ["r1"])
            let events = try await store.events(after: 0, filter: EventFilter(rollout: "r1"), limit: 10)
            #expect(events.map(\.what) == ["rollout.created"])
            #expect(events.first?.by == "ann")
            await expect(.conflict) { () async throws(StoreError) in
                try await store.createRollout(
                    Fixtures.rollout("r1", clusters: ["west-1"]), superseding: [], by: "ann")
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func oneActiveRolloutHoldsAnApplicationOnACluster(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.apply(
                FleetDocuments(applications: [Application(name: "till", namespace: "till")]), by: "ann")
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let error = await expect(.conflict) { () async throws(StoreError) in
                try await store.createRollout(
                    Fixtures.rollout("r2", clusters: ["east-2", "west-1"]), superseding: [], by: "ann")
            }
            #expect(error?.message.contains("r1") == true)
            #expect(try await store.rollout("r2") == nil)
            try await store.createRollout(
                Fixtures.rollout("r3", clusters: ["west-1"]), superseding: [], by: "ann")
            try await store.createRollout(
                Fixtures.rollout("r4", application: "till"), superseding: [], by: "ann")
            let facts = try await store.snapshot(for: "shop").fleet
            #expect(facts["east-2"]?.heldBy == "r1")
            #expect(facts["west-1"]?.heldBy == "r3")
            #expect(facts["west-2"]?.heldBy == nil)

            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.ending(as: .aborted) }
            #expect(try await store.snapshot(for: "shop").fleet["east-2"]?.heldBy == nil)
            try await store.createRollout(Fixtures.rollout("r5"), superseding: [], by: "ann")
        }
    }

    @Test(arguments: StoreForm.allCases)
    func supersedingHandsOverClaimsAndOrdersTheEnd(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.unchanged }
            try await store.createRollout(
                Fixtures.rollout("r2", clusters: ["east-2", "west-1"]), superseding: ["r1"], by: "bob")
            #expect(Set(try await store.dueRollouts(limit: 10)) == ["r1", "r2"])
            let facts = try await store.snapshot(for: "shop").fleet
            #expect(facts["east-1"]?.heldBy == "r1")
            #expect(facts["east-2"]?.heldBy == "r2")
            await expect(.conflict) { () async throws(StoreError) in
                _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-2"]) }
            }
            _ = try await store.decide("r1", under: lease) { input in
                #expect(input.commands.map(\.command) == [.supersede(by: "r2")])
                #expect(input.commands.map(\.by) == ["bob"])
                return input.ending(as: .superseded)
            }
            #expect(try await store.snapshot(for: "shop").fleet["east-1"]?.heldBy == nil)
            #expect(try await store.snapshot(for: "shop").fleet["east-2"]?.heldBy == "r2")
            await expect(.notFound) { () async throws(StoreError) in
                try await store.createRollout(Fixtures.rollout("r3"), superseding: ["r0"], by: "ann")
            }
        }
    }

    /// An undo is told by what it brings, which may differ from cluster to cluster.
    @Test(arguments: StoreForm.allCases)
    func summariesOfAnUndoNameWhatItBrings(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            var undo = Fixtures.rollout("u1", version: "1.0", kind: .undo(of: "r1"))
            undo.targets["east-1"]?.previous = Fixtures.reference("0.9")
            undo.targets["east-2"]?.previous = Fixtures.reference("0.8")
            try await store.createRollout(undo, superseding: [], by: "ann")
            let summary = try #require(try await store.rollouts(of: nil, limit: 1).first)
            #expect(summary.version == "1.0" && summary.brings == ["0.8", "0.9"])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func summariesCountTargetsByPhase(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.apply(
                FleetDocuments(applications: [Application(name: "till", namespace: "till")]), by: "ann")
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            try await store.createRollout(Fixtures.rollout("r2", application: "till"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            let all = try await store.rollouts(of: nil, limit: 10)
            #expect(all.map(\.name) == ["r2", "r1"])
            #expect(all[1].counts == ["dispatched": 1, "queued": 1])
            #expect(all[1].phase == .progressing)
            #expect(all[1].version == "1.0" && all[1].brings.isEmpty)
            #expect(try await store.rollouts(of: "till", limit: 10).map(\.name) == ["r2"])
            #expect(try await store.rollouts(of: nil, limit: 1).map(\.name) == ["r2"])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aCommandIsInputOfTheNextDecisionOnce(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.unchanged }
            let first = try await store.submit(.pause(.rollout, reason: "wait"), to: "r1", by: "ann") { rollout in
                rollout.targets.count == 2 ? nil : "no targets were given to the check"
            }
            let second = try await store.submit(.abort(reason: nil), to: "r1", by: "bob") { _ in nil }
            #expect(first.id < second.id)
            #expect(try await store.verdict(of: first.id) == nil)
            #expect(try await store.dueRollouts(limit: 10) == ["r1"])
            _ = try await store.decide("r1", under: lease) { input in
                #expect(input.commands == [first, second])
                var decision = input.unchanged
                decision.verdicts[1].refusal = "not now"
                return decision
            }
            #expect(try await store.verdict(of: first.id) == CommandVerdict(command: first.id))
            #expect(try await store.verdict(of: second.id)?.refusal == "not now")
            #expect(try await store.dueRollouts(limit: 10).isEmpty)
            _ = try await store.decide("r1", under: lease) { input in
                #expect(input.commands.isEmpty)
                return input.unchanged
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aRefusedCommandIsNotStored(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let error = await expect(.refused) { () async throws(StoreError) in
                _ = try await store.submit(.resume(.rollout), to: "r1", by: "ann") { _ in "it is not paused" }
            }
            #expect(error?.message == "it is not paused")
            await expect(.notFound) { () async throws(StoreError) in
                _ = try await store.submit(.resume(.rollout), to: "r9", by: "ann") { _ in nil }
            }
            await expect(.notFound) { () async throws(StoreError) in _ = try await store.verdict(of: 9_999) }
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { input in
                #expect(input.commands.isEmpty)
                return input.unchanged
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func anEndedRolloutStillAnswersCommands(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.ending(as: .aborted) }
            #expect(try await store.dueRollouts(limit: 10).isEmpty)
            #expect(try await store.nextWakeUp() == nil)
            _ = try await store.submit(.retry(clusters: []), to: "r1", by: "ann") { _ in nil }
            #expect(try await store.dueRollouts(limit: 10) == ["r1"])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aRolloutThatBecomesActiveAgainNeedsItsClaims(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.ending(as: .failed) }
            try await store.createRollout(Fixtures.rollout("r2", clusters: ["east-2"]), superseding: [], by: "ann")
            await expect(.conflict) { () async throws(StoreError) in
                _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            }
            let other = try await Fixtures.lease(store, "r2")
            _ = try await store.decide("r2", under: other) { $0.ending(as: .aborted) }
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            #expect(try await store.snapshot(for: "shop").fleet["east-2"]?.heldBy == "r1")
        }
    }

    @Test(arguments: StoreForm.allCases)
    func wakeUpsMakeARolloutDue(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            func wake(in interval: Interval) async throws -> Timestamp? {
                try await store.decide("r1", under: lease) { input in
                    var decision = input.unchanged
                    decision.wakeAt = input.now + interval
                    return decision
                }.wakeAt
            }
            let later = try await wake(in: .minutes(5))
            #expect(try await store.nextWakeUp() == later)
            #expect(try await store.dueRollouts(limit: 10).isEmpty)
            let soon = try await wake(in: .milliseconds(60))
            try await eventually("the wake-up makes it due") { try await store.dueRollouts(limit: 10) == ["r1"] }
            let wakeAt = try #require(soon)
            #expect(try await store.now() >= wakeAt)
            // What has come is no reason to look again before anything else does.
            #expect(try await store.nextWakeUp() == nil)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whatIsDueSaysHowUrgentItIs(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let names: [ApplicationName] = ["ordered", "reported", "waking", "undone", "back", "quiet", "new"]
            _ = try await store.apply(
                FleetDocuments(applications: names.map { Application(name: $0, namespace: "shop") }), by: "ann")
            for name in names {
                let rollout = Fixtures.rollout(
                    RolloutName(stringLiteral: name.rawValue), application: name,
                    kind: name == "undone" ? .undo(of: "r0") : .release)
                try await store.createRollout(rollout, superseding: [], by: "ann")
                guard name != "new" else { continue }
                let lease = try await Fixtures.lease(store, rollout.name)
                _ = try await store.decide(rollout.name, under: lease) { input in
                    var decision = name == "reported" ? input.dispatching(["east-1"]) : input.unchanged
                    decision.rollout.phase = name == "back" ? .rollingBack : .progressing
                    decision.wakeAt =
                        input.now + (name == "quiet" || name == "reported" ? .minutes(5) : .milliseconds(1))
                    return decision
                }
            }
            _ = try await store.ingest([Fixtures.report("east-1", generation: 1, application: "reported")])
            _ = try await store.submit(.retry(clusters: []), to: "ordered", by: "ann") { _ in nil }
            try await eventually("their moment has come") { try await store.dueRollouts(limit: 10).count == 6 }
            let due = try await store.dueRollouts(for: nil, limit: 10)
            #expect(
                Set(due.rollouts) == [
                    DueRollout("ordered", .order), DueRollout("new", .order), DueRollout("undone", .rollback),
                    DueRollout("back", .rollback), DueRollout("reported", .report), DueRollout("waking", .poll),
                ])
            #expect(due.rollouts.map(\.urgency) == due.rollouts.map(\.urgency).sorted())
            #expect(try await store.dueRollouts(for: nil, limit: 5).rollouts == Array(due.rollouts.prefix(5)))
            // What surrounds them changed: that is news to all.
            try await store.setRegionPause(
                "us-east-1", Pause(by: "ann", at: try await store.now(), reason: nil), by: "ann")
            let changed = try await store.dueRollouts(for: nil, limit: 10).rollouts
            #expect(changed.contains(DueRollout("quiet", .report)) && changed.contains(DueRollout("waking", .report)))
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whatAnotherReplicaHoldsIsNotDue(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            try await store.createRollout(Fixtures.rollout("r2", clusters: ["west-1"]), superseding: [], by: "ann")
            let other = try await Fixtures.lease(store, "r1", holder: "a")
            let lease = try await Fixtures.lease(store, "r2", holder: "b")
            _ = try await store.decide("r2", under: lease) { $0.unchanged }
            #expect(try await store.dueRollouts(for: "b", limit: 10).rollouts.isEmpty)
            #expect(try await store.dueRollouts(for: "a", limit: 10).rollouts.map(\.name) == ["r1"])
            #expect(try await store.dueRollouts(for: "a", limit: 10).nextWakeUp == nil)
            #expect(try await store.dueRollouts(for: "b", limit: 10).nextWakeUp != nil)
            try await store.releaseLease(other)
            #expect(try await store.dueRollouts(for: "b", limit: 10).rollouts.map(\.name) == ["r1"])
            _ = try await store.acquireLease("rollout/r1", holder: "a", lifetime: .milliseconds(1))
            try await eventually("its lease runs out") {
                try await store.dueRollouts(for: "b", limit: 10).rollouts.map(\.name) == ["r1"]
            }
        }
    }
}
