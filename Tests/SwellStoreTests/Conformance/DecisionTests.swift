internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

@Suite struct DecisionTests {
    @Test(arguments: StoreForm.allCases)
    func aDecisionIsStoredWhole(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            let decision = try await store.decide("r1", under: lease) { $0.dispatching(["east-1", "east-2"]) }
            #expect(decision.assignments.count == 2)
            #expect(try await store.rollout("r1") == decision.rollout)
            #expect(try await store.nextWakeUp() == decision.wakeAt)
            #expect(try await store.assignments(of: "east-1") == decision.assignments.filter { $0.cluster == "east-1" })
            #expect(try await store.assignments(of: "west-1").isEmpty)
            let transitions = try await store.transitions(of: "r1")
            #expect(transitions == decision.transitions)
            let events = try await store.events(after: 0, filter: EventFilter(rollout: "r1"), limit: 100)
            #expect(
                events.map(\.what)
                    == ["rollout.created", "rollout.progressing", "target.dispatched", "target.dispatched"])
            #expect(events.map(\.stage).suffix(2) == ["all", "all"])
            #expect(events.map(\.region).suffix(2) == ["us-east-1", "us-east-1"])
            let facts = try await store.snapshot(for: "shop").fleet["east-1"]
            #expect(facts?.highestGeneration == 1)
            #expect(facts?.assigned == Fixtures.reference("1.0"))
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aDecisionNeedsItsLease(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            var forged = lease
            forged.epoch += 1
            await expect(.leaseLost) { () async throws(StoreError) in
                _ = try await store.decide("r1", under: forged) { $0.dispatching(["east-1"]) }
            }
            forged = lease
            forged.holder = "replica-b"
            await expect(.leaseLost) { () async throws(StoreError) in
                _ = try await store.decide("r1", under: forged) { $0.dispatching(["east-1"]) }
            }
            try await store.releaseLease(lease)
            let next = try await Fixtures.lease(store, "r1", holder: "replica-b")
            #expect(next.epoch > lease.epoch)
            await expect(.leaseLost) { () async throws(StoreError) in
                _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            }
            #expect(try await store.assignments(of: "east-1").isEmpty)
            let decision = try await store.decide("r1", under: next) { $0.dispatching(["east-1"]) }
            #expect(decision.assignments.map(\.epoch) == [next.epoch])
            await expect(.notFound) { () async throws(StoreError) in
                _ = try await store.decide("r9", under: next) { $0.unchanged }
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func anExpiredLeaseDecidesNothing(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try #require(
                try await store.acquireLease("rollout/r1", holder: "replica-a", lifetime: .milliseconds(40)))
            try await eventually("the lease expires") { try await store.now() > lease.expiresAt }
            await expect(.leaseLost) { () async throws(StoreError) in
                _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func generationsOnlyRise(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.ingest([
                Fixtures.report("east-1", generation: 7), Fixtures.report("east-1", generation: 3),
            ])
            await expect(.internalError) { () async throws(StoreError) in
                _ = try await store.decide("r1", under: lease) { input in
                    var decision = input.dispatching(["east-1"])
                    decision.assignments[0].generation = 7
                    return decision
                }
            }
            let decision = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            #expect(decision.assignments.map(\.generation) == [8])
            await expect(.internalError) { () async throws(StoreError) in
                _ = try await store.decide("r1", under: lease) { input in
                    var decision = input.dispatching(["east-1"])
                    decision.assignments[0].generation = 8
                    return decision
                }
            }
            #expect(try await store.assignments(of: "east-1") == decision.assignments)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aBrokenDecisionChangesNothing(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            let command = try await store.submit(.abort(reason: nil), to: "r1", by: "ann") { _ in nil }
            _ = try await store.ingest([Fixtures.report("east-1", generation: 1)])
            let before = try await store.rollout("r1")
            let breakings: [@Sendable (inout Decision) -> Void] = [
                { $0.verdicts = [] },
                { $0.verdicts.append(CommandVerdict(command: 4_711)) },
                { $0.assignments[0].epoch -= 1 },
                { $0.assignments[0].cluster = "west-1" },
                { $0.assignments.append($0.assignments[0]) },
                { $0.assignments[0].rollout = "r2" },
                { $0.rollout = Fixtures.rollout("r2") },
            ]
            for breaking in breakings {
                await expect(.internalError) { () async throws(StoreError) in
                    _ = try await store.decide("r1", under: lease) { input in
                        var decision = input.dispatching(["east-1"])
                        breaking(&decision)
                        return decision
                    }
                }
            }
            #expect(try await store.rollout("r1") == before)
            #expect(try await store.verdict(of: command.id) == nil)
            #expect(try await store.transitions(of: "r1").isEmpty)
            _ = try await store.decide("r1", under: lease) { input in
                #expect(input.commands == [command])
                #expect(input.reports.count == 1)
                return input.unchanged
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func reportsAreInputOnceAndInOrder(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.unchanged }
            let reports = [
                Fixtures.report("east-1", generation: 1, health: .progressing),
                Fixtures.report("west-1", generation: 1), Fixtures.report("east-2", generation: 1),
                Fixtures.report("east-1", generation: 1, health: .failed),
                Fixtures.report("nowhere", generation: 1),
                Fixtures.report("east-1", generation: 1, application: "unknown"),
            ]
            #expect(try await store.ingest(reports).rollouts == ["r1"])
            #expect(try await store.dueRollouts(limit: 10) == ["r1"])
            _ = try await store.decide("r1", under: lease) { input in
                #expect(input.reports.map(\.cluster) == ["east-1", "east-2", "east-1"])
                #expect(input.reports.map(\.report.health) == [.progressing, .healthy, .failed])
                #expect(input.reports.allSatisfy { $0.receivedAt <= input.now })
                #expect(input.snapshot.fleet["east-1"]?.report == reports[3].report)
                #expect(input.snapshot.fleet["east-1"]?.lastSeenAt != nil)
                return input.unchanged
            }
            #expect(try await store.dueRollouts(limit: 10).isEmpty)
            _ = try await store.decide("r1", under: lease) { input in
                #expect(input.reports.isEmpty)
                return input.unchanged
            }
            #expect(try await store.ingest([]) == Ingested())
            #expect(try await store.ingest([reports[1]]) == Ingested())
            let statuses = try await store.statuses(of: "shop")
            #expect(statuses.map(\.cluster) == ["east-1", "east-2", "west-1"])
            #expect(statuses[0].report == reports[3].report)
            #expect(try await store.statuses(of: "till").isEmpty)
            #expect(try await store.statuses(of: nil).count == 3)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func provenReleasesAreToldLatestFirst(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.createRelease(Fixtures.release("2.0"), documents: Fixtures.documents("2.0"))
            for (name, version) in [("r1", "1.0"), ("r2", "2.0"), ("r3", "1.0")] {
                let rollout = try RolloutName(name)
                try await store.createRollout(Fixtures.rollout(rollout, version: version), superseding: [], by: "ann")
                let lease = try await Fixtures.lease(store, rollout)
                _ = try await store.decide(rollout, under: lease) { $0.dispatching(["east-1"]) }
                _ = try await store.decide(rollout, under: lease) { $0.proving(["east-1"]) }
                _ = try await store.decide(rollout, under: lease) { $0.ending(as: .succeeded) }
                let facts = try await store.snapshot(for: "shop").fleet
                #expect(facts["east-1"]?.proven.first?.version == version)
                #expect(facts["east-2"]?.proven.isEmpty == true)
            }
            let proven = try await store.snapshot(for: "shop").fleet["east-1"]?.proven
            #expect(proven?.map(\.version) == ["1.0", "2.0"])
        }
    }

    /// The database's clock may be set back, as by a standby that is behind; generations only rise.
    @Test(arguments: StoreForm.allCases)
    func theLatestProofIsTheOneOfTheHighestGeneration(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.createRelease(Fixtures.release("2.0"), documents: Fixtures.documents("2.0"))
            for (name, version, lag) in [("r1", "1.0", Interval.zero), ("r2", "2.0", .seconds(30))] {
                let rollout = try RolloutName(name)
                try await store.createRollout(Fixtures.rollout(rollout, version: version), superseding: [], by: "ann")
                let lease = try await Fixtures.lease(store, rollout)
                _ = try await store.decide(rollout, under: lease) { $0.dispatching(["east-1"]) }
                _ = try await store.decide(rollout, under: lease) { input in
                    var decision = input.proving(["east-1"])
                    decision.proven[0].at = decision.proven[0].at - lag
                    return decision
                }
                _ = try await store.decide(rollout, under: lease) { $0.ending(as: .succeeded) }
            }
            let proven = try await store.snapshot(for: "shop").fleet["east-1"]?.proven
            #expect(proven?.map(\.version) == ["2.0", "1.0"])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func joinersAreClaimedByTheDecisionThatTakesThemIn(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            try await store.createRollout(Fixtures.rollout("r2", clusters: ["west-2"]), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            func joining(_ cluster: ClusterName) async throws(StoreError) {
                _ = try await store.decide("r1", under: lease) { input in
                    var decision = input.unchanged
                    decision.rollout.targets[cluster] = TargetState(
                        cluster: cluster, region: "us-west-1", stage: 0, changedAt: input.now)
                    return decision
                }
            }
            await expect(.conflict) { () async throws(StoreError) in try await joining("west-2") }
            try await joining("west-1")
            #expect(try await store.snapshot(for: "shop").fleet["west-1"]?.heldBy == "r1")
            #expect(try await store.rollout("r1")?.targets.count == 3)
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["west-1"]) }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func removalIsAnAssignmentWithoutDigest(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            _ = try await store.decide("r1", under: lease) { input in
                var decision = input.dispatching(["east-1"])
                decision.assignments[0].goal = .remove
                return decision
            }
            #expect(try await store.assignments(of: "east-1").map(\.goal) == [.remove])
            let facts = try await store.snapshot(for: "shop").fleet["east-1"]
            #expect(facts?.assigned == nil)
            #expect(facts?.highestGeneration == 2)
        }
    }

    /// The one thing of an assignment that changes under its generation; followers of changes hear of it.
    @Test(arguments: StoreForm.allCases)
    func aPauseIsToldWithTheAssignmentThatStands(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            let sent = try await store.decide("r1", under: lease) { $0.dispatching(["east-1", "east-2"]) }
            var page = try await store.assignments(changedAfter: 0, limit: 10)
            for isPaused in [true, false] {
                _ = try await store.decide("r1", under: lease) { input in
                    var decision = input.unchanged
                    decision.pauses = [PauseNotice(cluster: "east-1", generation: 1, isPaused: isPaused)]
                    return decision
                }
                page = try await store.assignments(changedAfter: page.cursor, limit: 10)
                var expected = try #require(sent.assignments.first)
                expected.isPaused = isPaused ? true : nil
                #expect(page.assignments == [expected])
                #expect(try await store.snapshot(for: "shop").fleet["east-1"]?.pausedGeneration == (isPaused ? 1 : nil))
                #expect(try await store.assignments(of: "east-1") == [expected])
            }
            let error = await expect(.internalError) { () async throws(StoreError) in
                _ = try await store.decide("r1", under: lease) { input in
                    var decision = input.unchanged
                    decision.pauses = [PauseNotice(cluster: "east-1", generation: 7, isPaused: true)]
                    return decision
                }
            }
            #expect(error?.message.contains("east-1") == true)
        }
    }

    /// Some agents have said very much, another one thing after them: a decision reads a bounded part, of each cluster the earliest first,
    /// says of whom there is more, and consumes only that; the rest is there for the next one at once.
    @Test(arguments: StoreForm.allCases)
    func aDecisionReadsABoundedPartOfTheReportsAndTheNextOneTheRest(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let loud = try (1...6).map { try ClusterName("loud-\($0)") }
            var fleet = Fixtures.fleet
            fleet.clusters += loud.map { Cluster(name: $0, region: "us-east-1", environment: "production") }
            _ = try await store.apply(fleet, by: "ann")
            try await store.createRollout(
                Fixtures.rollout("r1", clusters: loud + ["east-2"]), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(loud + ["east-2"]) }
            for name in loud {
                _ = try await store.ingest((1...250).map { Fixtures.report(name, generation: Int64($0)) })
            }
            _ = try await store.ingest([Fixtures.report("east-2", generation: 7)])
            let read = ReadReports()
            _ = try await store.decide("r1", under: lease) { read.note($0).unchanged(of: $0) }
            // Of 1,501: 1,000, and 8 for each target.
            #expect(read.last.count == 1_056)
            #expect(read.last.filter { $0.cluster == "east-2" }.map(\.report.generation) == [7])
            #expect(read.last.filter { $0.cluster == loud[0] }.map(\.report.generation) == Array(1...176))
            #expect(read.last.map(\.id) == read.last.map(\.id).sorted())
            #expect(read.unread == Set(loud))
            #expect(try await store.dueRollouts(limit: 5) == ["r1"])
            _ = try await store.decide("r1", under: lease) { read.note($0).unchanged(of: $0) }
            #expect(read.last.count == 445)
            #expect(read.last.filter { $0.cluster == loud[5] }.map(\.report.generation) == Array(176...250))
            #expect(read.unread.isEmpty)
            _ = try await store.decide("r1", under: lease) { read.note($0).unchanged(of: $0) }
            #expect(read.last.isEmpty)
        }
    }
}

/// What the last decision was given to read.
private final class ReadReports: Sendable {
    private let read = Mutex<(reports: [ReportRecord], unread: Set<ClusterName>)>(([], []))

    var last: [ReportRecord] { read.withLock { $0.reports } }
    var unread: Set<ClusterName> { read.withLock { $0.unread } }

    func note(_ input: DecisionInput) -> Self {
        read.withLock { $0 = (input.reports, input.unread) }
        return self
    }

    func unchanged(of input: DecisionInput) -> Decision { input.unchanged }
}
