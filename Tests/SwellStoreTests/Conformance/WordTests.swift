internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// What lists and the audit log call things; the same in each form of the store.
@Suite struct WordTests {
    @Test(arguments: StoreForm.allCases)
    func theAuditLogSaysWhatAPersonDid(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { input in
                var decision = input.unchanged
                let at = input.now
                var stage = input.rollout.stages[0]
                func note(_ verb: String?, _ subject: Transition.Subject, _ value: Transition.Value, to: String) {
                    decision.transitions.append(
                        Transition(
                            rollout: "r1", subject: subject, from: "waiting", to: to, reason: nil, by: "ann", at: at,
                            value: value, verb: verb))
                }
                stage.reason = "first"
                note("approved", .stage(index: 0, name: "all"), .stage(stage), to: "waiting")
                note("promoted", .stage(index: 0, name: "all"), .stage(stage), to: "passed")
                note(nil, .stage(index: 0, name: "all"), .stage(stage), to: "waiting")
                note(nil, .stage(index: 0, name: "all"), .stage(stage), to: "passed")
                if let target = input.rollout.targets["east-1"] {
                    note("left-out", .target("east-1"), .target(target), to: "skipped")
                }
                return decision
            }
            let events = try await store.events(after: 0, filter: EventFilter(rollout: "r1"), limit: 20)
            #expect(
                events.map(\.what) == [
                    "rollout.created", "stage.approved", "stage.promoted", "stage.updated", "stage.passed",
                    "target.left-out",
                ])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func listsCountWhatWasRemovedOrHeldAsThat(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let names: [ClusterName] = ["east-1", "east-2", "west-1", "west-2"]
            try await store.createRollout(
                Fixtures.rollout("r1", clusters: names, kind: .undo(of: "r0")), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { input in
                var decision = input.unchanged
                let removal = Attempt(generation: 1, epoch: 1, goal: .remove, dispatchedAt: input.now)
                let ends: [(ClusterName, TargetPhase, Attempt?, SkipReason?)] = [
                    ("east-1", .healthy, removal, nil), ("east-2", .rolledBack, removal, nil),
                    ("west-1", .skipped, nil, .neverHealthy), ("west-2", .skipped, nil, .ordered),
                ]
                for (name, phase, attempt, skip) in ends {
                    decision.rollout.targets[name] = TargetState(
                        cluster: name, region: "us-east-1", stage: 0, phase: phase, attempt: attempt, skip: skip,
                        changedAt: input.now)
                }
                for target in decision.rollout.targets.values {
                    decision.transitions.append(
                        Transition(
                            rollout: "r1", subject: .target(target.cluster), from: "queued", to: target.phase.rawValue,
                            reason: nil, by: "swell", at: input.now, value: .target(target)))
                }
                return decision
            }
            let summary = try #require(try await store.rollouts(of: nil, limit: 1).first)
            #expect(summary.counts == ["removed": 2, "held": 1, "skipped": 1])
            #expect(summary.kind == .undo(of: "r0"))
        }
    }

    @Test(arguments: StoreForm.allCases)
    func itIsKnownWhichActiveRolloutsConcernACluster(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.apply(
                FleetDocuments(applications: [Application(name: "till", namespace: "till")]), by: "ann")
            try await store.createRollout(Fixtures.rollout("r2"), superseding: [], by: "ann")
            try await store.createRollout(
                Fixtures.rollout("r1", application: "till", clusters: ["east-1"]), superseding: [], by: "ann")
            let asked: [ClusterName] = ["east-1", "east-2", "west-1", "nowhere"]
            let holders = try await store.activeRollouts(on: asked)
            #expect(holders == ["east-1": ["r1", "r2"], "east-2": ["r2"]])
            #expect(try await store.activeRollouts(on: []).isEmpty)
            let lease = try await Fixtures.lease(store, "r2")
            _ = try await store.decide("r2", under: lease) { $0.ending(as: .aborted) }
            #expect(try await store.activeRollouts(on: asked) == ["east-1": ["r1"]])
        }
    }
}
