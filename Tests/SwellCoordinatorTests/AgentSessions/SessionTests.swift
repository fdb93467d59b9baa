internal import AsyncSupport
internal import GRPCCore
internal import ServiceLifecycle
internal import SwellEngine
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

/// Agents' sessions over real sockets.
@Suite(.timeLimit(.minutes(3))) struct SessionTests {
    @Test func anAgentEnrolsIsAssignedReportsAndIsAcknowledged() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            #expect(try await fixture.record("east-1")?.isEnrolled == true)
            try await fixture.session(credential) { session in
                try await session.isWelcomed()
                guard case .welcome(let welcome) = session.heard.entries.first else {
                    Issue.record("the first message was no welcome: \(session.heard.entries)")
                    return
                }
                #expect(welcome.placement == SmallFleet.clusters[0])
                try await soon("the connection is noted") { try await fixture.record("east-1")?.isConnected == true }
                #expect(try await fixture.record("east-1")?.agentVersion == "1.2.0")
                #expect(await fixture.port.sessionCount == 1)

                let generation = try await SmallFleet.assign("east-1", in: fixture.store)
                fixture.assignmentsChanged.send()
                try await soon("the assignment arrives") { session.assignments.map(\.generation) == [generation] }
                // What is another cluster's never comes here.
                _ = try await SmallFleet.assign("west-1", in: fixture.store)
                let later = try await SmallFleet.assign("east-1", in: fixture.store)
                try await soon("a later one arrives by the poll, without a signal") {
                    session.assignments.map(\.generation) == [generation, later]
                }
                #expect(session.assignments.allSatisfy { $0.cluster == "east-1" })

                session.say(.acknowledged([AcknowledgedAssignment(application: "shop", generation: later, epoch: 1)]))
                session.say(.report(id: 7, [SmallFleet.report(later)]))
                try await session.hears("the acknowledgement") { $0 == .reportsAcknowledged([7]) }
                let statuses = try await fixture.store.statuses(of: "shop")
                #expect(statuses.map(\.cluster) == ["east-1"])
                #expect(statuses.map(\.report) == [SmallFleet.report(later)])

                let seen = try #require(try await fixture.record("east-1")?.lastSeenAt)
                session.say(.heartbeat(sequence: 1))
                try await soon("the heartbeat is noted") {
                    try await fixture.record("east-1")?.lastSeenAt.map { $0 > seen } == true
                }
            }
            try await soon("its going is noted") { try await fixture.record("east-1")?.isConnected == false }
        }
    }

    @Test func aReturningAgentGetsItsWholeListAndItsJournalCounts() async throws {
        let fixture = try await PortFixture()
        let generation = try await SmallFleet.assign("east-1", in: fixture.store)
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            let report = SmallFleet.report(generation, phase: .applying, health: .progressing, epoch: 40)
            let hello = PortFixture.hello(journal: [report], highestEpoch: 50)
            try await fixture.session(credential, first: hello) { session in
                try await session.isWelcomed()
                #expect(session.assignments.map(\.generation) == [generation])
                #expect(try await fixture.store.statuses(of: nil).map(\.report) == [report])
                let lease = try #require(
                    try await fixture.store.acquireLease("new", holder: "test", lifetime: .seconds(60)))
                // What one agent has seen moves its own cluster's assignments, and no number of the fleet (invariant 22).
                #expect(lease.epoch < 40)
            }
        }
    }

    /// Invariant 15: who it is comes from the certificate, so each agent speaks for its own cluster alone.
    @Test func whatAnAgentSaysCountsForItsOwnClusterOnly() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let east = try await fixture.agent("east-1")
            let west = try await fixture.agent("west-1")
            let generation = try await SmallFleet.assign("east-1", in: fixture.store)
            try await fixture.session(west) { session in
                try await session.isWelcomed()
                #expect(session.assignments.isEmpty)
                session.say(.report(id: 1, [SmallFleet.report(generation)]))
                try await session.hears("the acknowledgement") { $0 == .reportsAcknowledged([1]) }
                #expect(try await fixture.store.statuses(of: nil).map(\.cluster) == ["west-1"])
            }
            try await fixture.session(east) { session in
                try await session.isWelcomed()
                #expect(session.assignments.map(\.generation) == [generation])
            }
        }
    }

    @Test func whatWasNotStoredIsNotAcknowledged() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            let report = SmallFleet.report(1, phase: .verifying, health: .progressing)
            try await fixture.session(credential) { session in
                try await session.isWelcomed()
                fixture.ingestor.fail(with: StoreError(code: .outcomeUnknown, message: "the connection broke"))
                session.say(.report(id: 1, [report]))
                try await session.ends("ok")
                #expect(session.goAway == "the coordinator has no store")
                #expect(!session.heard.entries.contains(.reportsAcknowledged([1])))
            }
            try await fixture.session(credential, first: PortFixture.hello(journal: [report])) { session in
                try await session.ends("ok")
                #expect(session.goAway != nil)
                #expect(session.heard.entries.count == 1)
            }
            fixture.ingestor.fail(with: nil)
            try await fixture.session(credential, first: PortFixture.hello(journal: [report])) { session in
                try await session.isWelcomed()
                #expect(try await fixture.store.statuses(of: nil).map(\.report) == [report])
            }
        }
    }

    @Test func theNewestSessionOfAClusterWins() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            try await fixture.session(credential) { first in
                try await first.isWelcomed()
                try await fixture.session(credential, first: PortFixture.hello(boot: "boot-2")) { second in
                    try await second.isWelcomed()
                    try await first.ends("ok")
                    #expect(first.goAway == "a newer session took over")
                    let generation = try await SmallFleet.assign("east-1", in: fixture.store)
                    fixture.assignmentsChanged.send()
                    try await soon("the second gets it") { second.assignments.map(\.generation) == [generation] }
                    #expect(first.assignments.isEmpty)
                    #expect(await fixture.port.sessionCount == 1)
                    try await soon("it stays connected") {
                        try await fixture.record("east-1")?.isConnected == true
                    }
                }
            }
        }
    }

    @Test func aSessionBeginsWithOneHello() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            try await fixture.session(credential, first: .heartbeat(sequence: 1)) { session in
                try await session.ends("invalidArgument")
            }
            try await fixture.session(credential) { session in
                try await session.isWelcomed()
                session.say(PortFixture.hello())
                try await session.ends("invalidArgument")
            }
        }
    }

    /// Invariant 22: a broken agent's epochs are its own cluster's business.
    @Test func anEpochThatNobodyGaveOutMovesNoNumberOfTheFleet() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let generation = try await SmallFleet.assign("east-1", in: fixture.store)
            let hello = PortFixture.hello(highestEpoch: WireLimits.ordinal)
            try await fixture.session(try await fixture.agent("east-1"), first: hello) { session in
                try await session.isWelcomed()
                session.say(.report(id: 1, [SmallFleet.report(generation, epoch: WireLimits.ordinal)]))
                try await session.hears("that it is stored") { $0 == .reportsAcknowledged([1]) }
            }
            let lease = try #require(
                try await fixture.store.acquireLease("new", holder: "test", lifetime: .seconds(60)))
            #expect(lease.epoch < 10)
            let west = try await SmallFleet.assign("west-1", in: fixture.store)
            #expect(west < 10)
        }
    }

    @Test func whoSaysNoHelloIsLetGo() async throws {
        let fixture = try await PortFixture { $0.paces.hello = .milliseconds(100) }
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            try await fixture.dial(credential) { fleet in
                let (silence, talk) = AsyncStream<Void>.makeStream()
                await #expect(throws: RPCError.self) {
                    try await fleet.session(options: FleetPortFixture.quick) { _ in
                        for await _ in silence {}
                    } onResponse: { response in
                        defer { talk.finish() }
                        for try await _ in response.messages {}
                    }
                }
            }
        }
    }

    @Test func aRevokedAgentIsSentAwayAndStaysOut() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            try await fixture.session(credential) { session in
                try await session.isWelcomed()
                try await fixture.revoke("east-1")
                try await session.ends("ok")
                #expect(session.goAway == "the certificate does not count any more")
            }
            try await fixture.session(credential) { session in
                try await session.ends("permissionDenied")
            }
            try await fixture.session(fixture.agent("east-1")) { session in try await session.isWelcomed() }
        }
    }

    @Test func aSessionEndsWithItsCertificate() async throws {
        let fixture = try await PortFixture { $0.certificateLifetime = .hours(1) }
        try await fixture.serving { _ in
            try await fixture.session(fixture.agent("east-1")) { session in
                try await session.isWelcomed()
                fixture.clock.skip(.minutes(61))
                try await session.ends("ok")
                #expect(session.goAway == "the certificate has expired")
            }
        }
    }

    /// By a clock that never goes back: one that is set right says nothing about who is silent.
    @Test func anAgentThatIsNotHeardOfIsLetGo() async throws {
        let fixture = try await PortFixture { $0.paces.silenceLimit = .seconds(3) }
        try await fixture.serving { _ in
            try await fixture.session(fixture.agent("east-1")) { session in
                try await session.isWelcomed()
                fixture.clock.skip(.minutes(2))
                session.say(.report(id: 1, []))
                try await session.hears("the acknowledgement") { $0 == .reportsAcknowledged([1]) }
                #expect(session.goAway == nil)
                try await session.ends("ok")
                #expect(session.goAway == "no heartbeat came")
            }
        }
    }

    @Test func theFleetsChangesReachTheAgent() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            try await fixture.session(credential) { session in
                try await session.isWelcomed()
                var moved = SmallFleet.clusters[0]
                moved.labels = ["tier": "silver"]
                _ = try await fixture.store.apply(FleetDocuments(clusters: [moved]), by: "ann")
                try await session.hears("its new place") { [moved] in $0 == .placement(moved) }
                try await fixture.store.removeCluster("east-1", by: "ann")
                try await session.ends("ok")
            }
            try await fixture.session(credential) { session in
                try await session.ends("permissionDenied")
            }
        }
    }

    @Test func tooManySessionsAreAskedToComeBackLater() async throws {
        let fixture = try await PortFixture { $0.maximumSessions = 1 }
        try await fixture.serving { _ in
            let east = try await fixture.agent("east-1")
            let west = try await fixture.agent("west-1")
            try await fixture.session(east) { session in
                try await session.isWelcomed()
                try await fixture.session(west) { other in
                    try await other.ends("ok")
                    #expect(other.goAway == "too many sessions here")
                }
                #expect(session.ended.entries.isEmpty)
                // One that comes back is not one more.
                try await fixture.session(east) { again in try await again.isWelcomed() }
            }
        }
    }

    @Test func atShutdownAgentsAreToldToComeBack() async throws {
        let fixture = try await PortFixture()
        let credential = Journal<Credential>()
        try await fixture.serving { group in
            credential.add(try await fixture.agent("east-1"))
            try await fixture.session(credential.entries[0]) { session in
                try await session.isWelcomed()
                try await soon("the connection is noted") { try await fixture.record("east-1")?.isConnected == true }
                await group.triggerGracefulShutdown()
                try await session.ends("ok")
                #expect(session.goAway == "the coordinator restarts")
            }
        }
        #expect(try await fixture.record("east-1")?.isConnected == false)
    }
}
