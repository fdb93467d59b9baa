internal import Logging
internal import PostgresClient
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

/// Two agents with one certificate, whichever replicas they meet.
@Suite(.timeLimit(.minutes(3))) struct SecondAgentTests {
    private func suspected(_ fixture: PortFixture) async throws -> [AuditEvent] {
        try await fixture.store.latestEvents(filter: EventFilter(), limit: 100)
            .filter { $0.what == "cluster.clone-suspected" }
    }

    /// What is left in a queue of a session that has ended says nothing, and its agent is not told of a store that answers well.
    @Test func whomANewerSessionOvertookIsToldSo() async throws {
        let nowhere = PostgresConfiguration(keywords: ["host": "/nowhere"])
        let signals = FleetSignals(configuration: nowhere, pool: try PostgresPool(configuration: nowhere))
        let made = Journal<ReportIngestor>()
        let fixture = try await PortFixture(
            { $0.paces.checks = .minutes(1) },
            ingesting: { store in
                let ingestor = ReportIngestor(store: store, signals: signals)
                made.add(ingestor)
                return ingestor
            })
        let ingestor = try #require(made.entries.first)
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            let generation = try await SmallFleet.assign("east-1", in: fixture.store)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await ingestor.run() }
                try await fixture.session(credential) { session in
                    try await session.isWelcomed()
                    try await fixture.store.beginSession("elsewhere", of: "east-1")
                    session.say(.report(id: 1, [SmallFleet.report(generation)]))
                    try await soon("it is sent away") { session.goAway != nil }
                    #expect(session.goAway == "a newer session took over")
                }
                group.cancelAll()
                while await group.nextResult() != nil {}
            }
        }
    }

    /// Each of the two is welcomed in turn, at two replicas; whom the other overtook does not get releases beside it.
    @Test func twoAgentsAtTwoReplicasTakeTurnsAndAreTold() async throws {
        let first = try await PortFixture()
        let second = try await PortFixture(beside: first)
        try await first.serving { _ in
            try await second.serving { _ in
                let credential = try await first.agent("east-1")
                @Sendable func turn(_ boot: String, at fixture: PortFixture, _ next: @Sendable () async throws -> Void)
                    async throws
                {
                    try await fixture.session(credential, first: PortFixture.hello(boot: boot)) { session in
                        try await session.isWelcomed()
                        try await next()
                        try await soon("\(boot) is sent away") { session.goAway != nil }
                        #expect(session.goAway == "a newer session took over")
                    }
                }
                try await turn("owner", at: first) {
                    try await turn("copy", at: second) {
                        try await turn("owner", at: first) {
                            #expect(try await suspected(first).isEmpty, "a process that was frozen may do that")
                            try await turn("copy", at: second) {
                                #expect(try await suspected(first).isEmpty)
                                try await first.session(credential, first: PortFixture.hello(boot: "owner")) {
                                    try await $0.isWelcomed()
                                    let told = try await suspected(first)
                                    #expect(told.map(\.to) == [credential.serial])
                                    #expect(told.map(\.cluster) == ["east-1"])
                                }
                            }
                        }
                    }
                }
                // Once for a certificate, however long they go on.
                for boot in ["copy", "owner"] {
                    try await second.session(credential, first: PortFixture.hello(boot: boot)) {
                        try await $0.isWelcomed()
                    }
                }
                #expect(try await suspected(first).count == 1)
            }
        }
    }

    /// An agent that comes again and again, restarts, is killed and at once back, moves to another node while its former one is frozen, and
    /// is rolled beside its successor for a moment.
    @Test func anHonestAgentIsNoClone() async throws {
        let first = try await PortFixture()
        let second = try await PortFixture(beside: first)
        try await first.serving { _ in
            try await second.serving { _ in
                let credential = try await first.agent("east-1")
                func come(_ boot: String, _ fixture: PortFixture) async throws {
                    try await fixture.session(credential, first: PortFixture.hello(boot: boot)) {
                        try await $0.isWelcomed()
                    }
                }
                for boot in ["a", "a", "a", "b", "c", "c", "d"] {
                    try await come(boot, first)
                    try await come(boot, second)
                }
                // `d` was frozen, `e` runs in its place; `d` thaws, comes once, and ends; `e` comes back.
                for boot in ["e", "d", "e", "e", "f"] { try await come(boot, second) }
                #expect(try await suspected(first).isEmpty)
            }
        }
    }
}
