internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@Suite struct AgentTests {
    @Test(arguments: StoreForm.allCases)
    func anAssignmentThatItsAgentIsAheadOfIsReissued(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("shop-1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "shop-1")
            let dispatched = try await store.decide("shop-1", under: lease) { $0.dispatching(["east-1"]) }
            let assignment = try #require(dispatched.assignments.first)
            _ = try await store.ingest([Fixtures.report("east-1", generation: assignment.generation + 4)])
            // While its rollout is active, that looks after it.
            #expect(try await store.orphanedAssignments(limit: 10, perCluster: 10, after: nil).isEmpty)
            _ = try await store.decide("shop-1", under: lease) { $0.ending(as: .aborted) }
            let orphan = try #require(try await store.orphanedAssignments(limit: 10, perCluster: 10, after: nil).first)
            #expect(orphan.assignment == assignment)
            let orphans = try #require(try await store.acquireLease("strays", holder: "b", lifetime: .seconds(60)))
            let reissued = orphan.reissued(under: orphans.epoch)
            #expect(reissued.epoch == orphans.epoch)
            #expect(reissued.generation == assignment.generation + 5)
            var lost = orphans
            lost.epoch -= 1
            await #expect(throws: StoreError.self) { try await store.reissue([reissued], under: lost) }
            #expect(try await store.reissue([reissued], under: orphans) == [reissued])
            #expect(try await store.assignments(of: "east-1") == [reissued])
            #expect(try await store.orphanedAssignments(limit: 10, perCluster: 10, after: nil).isEmpty)
            #expect(try await store.reissue([reissued], under: orphans).isEmpty)
            let events = try await store.latestEvents(filter: EventFilter(), limit: 1)
            #expect(events.map(\.what) == ["assignment.reissued"])
        }
    }

    /// The order that brought it is lost, its health is not: nothing that is healthy is taken back for what a database forgot.
    @Test(arguments: StoreForm.allCases)
    func whatWasProvenUnderALostOrderIsLeftAsItIs(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("shop-1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "shop-1")
            _ = try await store.decide("shop-1", under: lease) { $0.dispatching(["east-1"]) }
            _ = try await store.decide("shop-1", under: lease) { $0.ending(as: .succeeded) }
            func orphans(_ change: (inout ApplicationReport) -> Void) async throws -> Int {
                var said = Fixtures.report("east-1", generation: 5, version: "2.0")
                said.report.proven = said.report.digest
                change(&said.report)
                _ = try await store.ingest([said])
                return try await store.orphanedAssignments(limit: 10, perCluster: 10, after: nil).count
            }
            #expect(try await orphans { _ in } == 0)
            #expect(try await orphans { ($0.phase, $0.health) = (.verifying, .degraded) } == 0)
            #expect(try await orphans { $0.phase = .reverted } == 0)
            // Not under a later order: what a person decided since then stands.
            #expect(try await orphans { $0.epoch = 0 } == 1)
            #expect(try await orphans { $0.generation = 1 } == 1)
            // Not proven, given up, gone, or the very release that is assigned: told again.
            #expect(try await orphans { $0.proven = nil } == 1)
            #expect(try await orphans { $0.proven = Fixtures.reference("1.0").digest } == 1)
            #expect(try await orphans { ($0.phase, $0.health) = (.failed, .failed) } == 1)
            #expect(try await orphans { ($0.phase, $0.digest) = (.removed, nil) } == 1)
            #expect(
                try await orphans { report in
                    report.digest = Fixtures.reference("1.0").digest
                    report.proven = report.digest
                } == 1)
        }
    }

    /// What the agent runs may be what the rollout brings, from before the database forgot that it did.
    @Test(arguments: StoreForm.allCases)
    func anActiveRolloutThatHasNotComeToAClusterYetLooksAfterIt(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("shop-1"), superseding: [], by: "ann")
            let first = try await Fixtures.lease(store, "shop-1")
            let dispatched = try await store.decide("shop-1", under: first) { $0.dispatching(["east-1"]) }
            let assignment = try #require(dispatched.assignments.first)
            _ = try await store.decide("shop-1", under: first) { $0.ending(as: .succeeded) }
            _ = try await store.ingest([Fixtures.report("east-1", generation: assignment.generation + 1)])
            let orphan = try #require(try await store.orphanedAssignments(limit: 10, perCluster: 10, after: nil).first)
            let lease = try #require(try await store.acquireLease("strays", holder: "b", lifetime: .seconds(60)))

            try await store.createRollout(Fixtures.rollout("shop-2"), superseding: [], by: "ann")
            #expect(try await store.orphanedAssignments(limit: 10, perCluster: 10, after: nil).isEmpty)
            #expect(try await store.reissue([orphan.reissued(under: lease.epoch)], under: lease).isEmpty)
            #expect(try await store.assignments(of: "east-1") == [assignment])

            // It has ended without coming there.
            let second = try await Fixtures.lease(store, "shop-2")
            _ = try await store.decide("shop-2", under: second) { $0.ending(as: .aborted) }
            #expect(try await store.orphanedAssignments(limit: 10, perCluster: 10, after: nil) == [orphan])
        }
    }

    /// A generation that nobody can have given out would leave none above it that the wire can carry.
    @Test(arguments: StoreForm.allCases)
    func nonsenseGenerationsAreLeftOut(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            for generation in [1 << 52, 1 << 53, 1 << 33] as [Int64] {
                _ = try await store.ingest([Fixtures.report("east-1", generation: generation)])
                #expect(try await store.snapshot(for: "shop").fleet["east-1"]?.highestGeneration == 0)
                #expect(try await store.snapshot(for: "shop").fleet["east-1"]?.report == nil)
            }
            _ = try await store.ingest([Fixtures.report("east-1", generation: 1 << 32)])
            #expect(try await store.snapshot(for: "shop").fleet["east-1"]?.highestGeneration == 1 << 32)
        }
    }

    /// A word that stood in a queue while its session ended comes after what the next session said, and a clone speaks beside its origin.
    @Test(arguments: StoreForm.allCases)
    func onlyTheLatestSessionSpeaksForACluster(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            func said(_ session: String?, generation: Int64, _ cluster: ClusterName = "east-1") -> ReceivedReport {
                var report = Fixtures.report(cluster, generation: generation)
                report.session = session
                return report
            }
            try await store.beginSession("one", of: "east-1")
            _ = try await store.ingest([said("one", generation: 1), said(nil, generation: 1, "west-1")])
            try await store.beginSession("two", of: "east-1")
            _ = try await store.ingest([said("two", generation: 3)])
            let late = try await store.ingest([said(nil, generation: 2, "west-1"), said("one", generation: 2)])
            #expect(late.overtaken == ["one"])
            let seen = try await store.snapshot(for: "shop").fleet
            #expect(seen["east-1"]?.report?.generation == 3)
            #expect(seen["west-1"]?.report?.generation == 2, "what others said beside it counts")
            // What is no cluster of the fleet has no session, and nothing to say.
            try await store.beginSession("three", of: "nobody")
            #expect(try await store.ingest([said("three", generation: 1, "nobody")]).rollouts.isEmpty)
        }
    }

    /// After a database lost commits, a generation can be given out twice: what the agent says of the first is told apart.
    @Test(arguments: StoreForm.allCases)
    func anAssignmentWhoseGenerationTheAgentHasForAnotherIsReissued(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("shop-1"), superseding: [], by: "ann")
            for index in 0..<10 {
                _ = try await store.acquireLease("other-\(index)", holder: "b", lifetime: .seconds(60))
            }
            let lease = try await Fixtures.lease(store, "shop-1")
            let dispatched = try await store.decide("shop-1", under: lease) { $0.dispatching(["east-1"]) }
            let assignment = try #require(dispatched.assignments.first)
            _ = try await store.decide("shop-1", under: lease) { $0.ending(as: .aborted) }
            func orphans(_ phase: AgentPhase, _ digest: ContentDigest?, epoch: Int64) async throws -> Int {
                let report = ApplicationReport(
                    application: assignment.application, generation: assignment.generation, digest: digest,
                    epoch: epoch,
                    phase: phase, health: .healthy)
                _ = try await store.ingest([ReceivedReport(cluster: "east-1", report: report)])
                return try await store.orphanedAssignments(limit: 10, perCluster: 10, after: nil).count
            }
            let other = ContentDigest(of: "another".utf8)
            #expect(try await orphans(.reverted, other, epoch: assignment.epoch - 1) == 1)
            #expect(try await orphans(.reverted, other, epoch: assignment.epoch) == 0)
            #expect(try await orphans(.verifying, other, epoch: assignment.epoch) == 1)
            #expect(try await orphans(.verifying, assignment.digest, epoch: assignment.epoch) == 0)
            #expect(try await orphans(.accepted, nil, epoch: assignment.epoch) == 0)
            #expect(try await orphans(.removed, nil, epoch: assignment.epoch) == 1)
            #expect(try await orphans(.healthy, assignment.digest, epoch: assignment.epoch) == 0)
        }
    }

    /// Whose agent says that it is ahead may say so of all its applications, for ever.
    @Test(arguments: StoreForm.allCases)
    func oneClusterTakesOnlyItsShareOfTheOrphans(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            var applications: [ApplicationName] = []
            for index in 0..<6 { applications.append(try ApplicationName("shop-\(index)")) }
            _ = try await store.apply(
                FleetDocuments(
                    clusters: [], applications: applications.map { Application(name: $0, namespace: "shop") },
                    policies: []), by: "ann")
            for application in applications {
                let name = try RolloutName("r-\(application)")
                let clusters: [ClusterName] = application == "shop-0" ? ["east-1", "east-2", "west-1"] : ["east-1"]
                try await store.createRollout(
                    Fixtures.rollout(name, application: application, clusters: clusters), superseding: [], by: "ann")
                let lease = try await Fixtures.lease(store, name)
                let dispatched = try await store.decide(name, under: lease) { $0.dispatching(clusters) }
                _ = try await store.decide(name, under: lease) { $0.ending(as: .aborted) }
                _ = try await store.ingest(
                    dispatched.assignments.map {
                        Fixtures.report($0.cluster, generation: $0.generation + 4, application: application)
                    })
            }
            func found(_ limit: Int, _ share: Int, after last: ClusterName?) async throws -> [String] {
                try await store.orphanedAssignments(limit: limit, perCluster: share, after: last).map {
                    "\($0.assignment.cluster) \($0.assignment.application)"
                }
            }
            #expect(
                try await found(4, 2, after: nil) == [
                    "east-1 shop-0", "east-1 shop-1", "east-2 shop-0", "west-1 shop-0",
                ])
            // A sweep that was full is followed by one that begins with the others.
            #expect(try await found(2, 2, after: nil) == ["east-1 shop-0", "east-1 shop-1"])
            #expect(try await found(3, 2, after: "east-1") == ["east-2 shop-0", "west-1 shop-0", "east-1 shop-0"])
            #expect(try await found(1, 2, after: "west-1") == ["east-1 shop-0"])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func plannedRegionsAreThoseOfActiveRollouts(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("shop-1"), superseding: [], by: "ann")
            #expect(try await store.plannedRegions().isEmpty)
            let moved = Cluster(name: "east-1", region: "eu-central-1", environment: "production")
            _ = try await store.apply(FleetDocuments(clusters: [moved], applications: [], policies: []), by: "ann")
            #expect(try await store.plannedRegions() == ["east-1": ["us-east-1"]])
            let lease = try await Fixtures.lease(store, "shop-1")
            _ = try await store.decide("shop-1", under: lease) { $0.ending(as: .aborted) }
            #expect(try await store.plannedRegions().isEmpty)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func connectionsAreNotedByReplica(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            func record() async throws -> ClusterRecord? {
                try await store.clusters().first { $0.cluster.name == "east-1" }
            }
            try await store.noteConnection("east-1", replica: "a", agentVersion: "1.2", isConnected: true)
            let connected = try #require(try await record())
            #expect(connected.isConnected && connected.isEnrolled)
            #expect(connected.agentVersion == "1.2")
            let seen = try #require(connected.lastSeenAt)
            try await store.noteConnection("east-1", replica: "b", agentVersion: "1.3", isConnected: true)
            try await store.noteConnection("east-1", replica: "a", agentVersion: "1.2", isConnected: false)
            #expect(try await record()?.isConnected == true)
            #expect(try await record()?.agentVersion == "1.3")
            try await eventually("touching moves the last time") {
                try await store.touch(["east-1", "nowhere"])
                return try await record()?.lastSeenAt.map { $0 > seen } == true
            }
            let touched = try #require(try await record()?.lastSeenAt)
            try await store.touch(["east-1": .hours(1)])
            #expect(try await record()?.lastSeenAt == touched, "what was seen earlier undoes nothing")
            try await store.touch([] as [ClusterName])
            try await store.dropConnections(of: "a")
            #expect(try await record()?.isConnected == true)
            try await store.noteHeard(["east-1", "nowhere"], replica: "a")
            try await store.dropConnections(of: "a")
            #expect(try await record()?.isConnected == true, "who is connected elsewhere stays so")
            try await store.dropConnections(of: "b")
            #expect(try await record()?.isConnected == false)
            // Another replica of the name cleared it, and it is heard here still.
            try await store.noteHeard(["east-1"], replica: "b")
            #expect(try await record()?.isConnected == true)
            try await store.dropConnections(of: "b")
            #expect(try await record()?.isConnected == false)
            await expect(.notFound) { () async throws(StoreError) in
                try await store.noteConnection("nowhere", replica: "a", agentVersion: "1", isConnected: true)
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func theCursorFollowsChangedAssignments(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let none = try await store.assignments(changedAfter: 0)
            #expect(none.assignments.isEmpty)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            let first = try await store.assignments(changedAfter: none.cursor)
            #expect(first.assignments.map(\.cluster) == ["east-1"])
            #expect(try await store.assignments(changedAfter: first.cursor).assignments.isEmpty)
            #expect(try await store.assignments(changedAfter: first.cursor).cursor == first.cursor)
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-2"]) }
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            let second = try await store.assignments(changedAfter: first.cursor)
            #expect(second.assignments.map(\.cluster) == ["east-2", "east-1"])
            #expect(second.assignments.map(\.generation) == [1, 2])
            #expect(try await store.assignments(changedAfter: 0).assignments == second.assignments)
            let page = try await store.assignments(changedAfter: 0, limit: 1)
            #expect(page.assignments == [second.assignments[0]])
            #expect(page.cursor < page.counter)
            #expect(try await store.assignments(changedAfter: page.cursor).assignments == [second.assignments[1]])
            let whole = try await store.assignments(of: ["east-2", "nowhere", "east-1"])
            #expect(Set(whole.assignments) == Set(second.assignments))
            #expect(whole.counter == second.counter && second.cursor == second.counter)
            #expect(first.counter < second.counter)
            let ahead = try await store.assignments(changedAfter: .max, limit: 10)
            #expect(ahead.assignments.isEmpty && ahead.counter == second.counter)
            #expect(try await store.assignments(of: []).counter == second.counter)
        }
    }
}

@Suite struct AuditTests {
    @Test(arguments: StoreForm.allCases)
    func eventsAreReadByCursorAndFilter(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1", "east-2"]) }
            var cursor: Int64 = 0
            var seen: [AuditEvent] = []
            while true {
                let page = try await store.events(after: cursor, filter: EventFilter(), limit: 3)
                guard let last = page.last else { break }
                #expect(page.count <= 3)
                seen += page
                cursor = last.id
            }
            #expect(seen.count == 11)
            #expect(seen.map(\.id) == seen.map(\.id).sorted())
            #expect(Set(seen.map(\.id)).count == seen.count)
            #expect(try await store.latestEvents(filter: EventFilter(), limit: 2) == Array(seen.suffix(2)))
            let east = EventFilter(rollout: "r1", application: "shop", cluster: "east-1", region: "us-east-1")
            #expect(try await store.latestEvents(filter: east, limit: 9).map(\.what) == ["target.dispatched"])
            #expect(try await store.events(after: 0, filter: EventFilter(rollout: "r2"), limit: 9).isEmpty)
        }
    }

    /// Invariant 16: what was planned and the transitions give the state.
    @Test(arguments: StoreForm.allCases)
    func replayingTransitionsGivesTheState(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await store.createRollout(Fixtures.rollout("r1"), superseding: [], by: "ann")
            let lease = try await Fixtures.lease(store, "r1")
            _ = try await store.decide("r1", under: lease) { $0.dispatching(["east-1"]) }
            _ = try await store.decide("r1", under: lease) { $0.proving(["east-1"]) }
            _ = try await store.decide("r1", under: lease) { $0.ending(as: .aborted) }
            var replayed = try #require(try await store.plan(of: "r1"))
            for transition in try await store.transitions(of: "r1") {
                switch (transition.subject, transition.value) {
                case (.rollout, .header(let header)): replayed.header = header
                case (.stage(let index, _), .stage(let stage)): replayed.stages[index] = stage
                case (.target(let cluster), .target(let target)): replayed.targets[cluster] = target
                default: Issue.record("a transition whose value is not of its subject: \(transition)")
                }
            }
            #expect(try await store.rollout("r1") == replayed)
        }
    }
}
