internal import Foundation
internal import GRPCCore
internal import Logging
internal import PostgresClient
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

/// One agent that says as much as it can beside one that says what is so (invariant 22).
@Suite(.timeLimit(.minutes(3))) struct FloodTests {
    private static func signals() throws -> FleetSignals {
        let nowhere = PostgresConfiguration(keywords: ["host": "/nowhere"])
        return FleetSignals(configuration: nowhere, pool: try PostgresPool(configuration: nowhere))
    }

    private static func journal(_ count: Int, generation: Int64) throws -> [ApplicationReport] {
        try (0..<count).map { index in
            ApplicationReport(
                application: try ApplicationName("app-\(index)"), generation: generation, digest: nil, epoch: 1,
                phase: .applying, health: .progressing)
        }
    }

    /// The honest agent's reports are acknowledged, each within a few batches, while another opens session after session, each with
    /// the largest hello there may be, over a store that takes 50 ms for a batch. Counted in batches and not in seconds: how many of
    /// those a machine has is not up to the coordinator.
    @Test func honestReportsAreStoredWhileAnotherAgentFloods() async throws {
        let written = Journal<ClusterName>()
        let made = Journal<ReportIngestor>()
        let fixture = try await PortFixture(ingesting: { store in
            let ingestor = ReportIngestor(signals: try Self.signals()) { reports throws(StoreError) in
                try? await Task.sleep(for: .milliseconds(50))
                let rollouts = try await store.ingest(reports)
                for cluster in Set(reports.map(\.cluster)) { written.add(cluster) }
                return rollouts
            }
            made.add(ingestor)
            return ingestor
        })
        let ingestor = try #require(made.entries.first)
        try await fixture.serving { _ in
            let honest = try await fixture.agent("east-1")
            let liar = try await fixture.agent("west-1")
            let generation = try await SmallFleet.assign("east-1", in: fixture.store)
            let flood = try Self.journal(2_000, generation: 1)
            let over = Journal<Bool>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await ingestor.run() }
                for index in 0..<30 {
                    group.addTask {
                        // Each beyond four connections of a cluster ends the oldest: all at once, none would be heard at all.
                        if index >= 4 {
                            try await soon("the flood is there") { written.entries.contains("west-1") }
                        }
                        // Not by cancelling: a call that begins in a task being cancelled may never come back (a fault of the transport).
                        while over.entries.isEmpty, !Task.isCancelled {
                            try? await fixture.session(
                                liar, first: PortFixture.hello(journal: flood, boot: "boot-\(index)")
                            ) { session in
                                for id in 1...20 as ClosedRange<UInt64> {
                                    session.say(.report(id: id, Array(flood.prefix(400))))
                                }
                                try await soon("it is sent away, or the flood is over") {
                                    !session.ended.entries.isEmpty || !over.entries.isEmpty
                                }
                            }
                        }
                    }
                }
                // However this ends: the flood would go on for ever.
                defer { over.add(true) }
                try await soon("the flood is there") { written.entries.contains("west-1") }
                try await fixture.session(honest) { session in
                    try await session.isWelcomed()
                    for id in 1...5 as ClosedRange<UInt64> {
                        let before = written.entries.count
                        session.say(.report(id: id, [SmallFleet.report(generation)]))
                        try await session.hears("that report \(id) is stored") {
                            if case .reportsAcknowledged(let ids) = $0 { ids.contains(id) } else { false }
                        }
                        #expect(written.entries.count - before <= 60, "report \(id)")
                    }
                    #expect(session.ended.entries.isEmpty)
                }
                over.add(true)
                for _ in 0..<30 { _ = await group.nextResult() }
                group.cancelAll()
                while await group.nextResult() != nil {}
            }
            #expect(try await fixture.store.statuses(of: "shop").map(\.cluster) == ["east-1"])
        }
    }

    @Test func anAgentThatComesAgainAndAgainIsToldToWaitAndNobodyElseIs() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let agent = try await fixture.agent("east-1")
            let other = try await fixture.agent("west-1")
            for _ in 0..<SessionQuota.burst {
                try await fixture.session(agent) { session in
                    try await soon("it is greeted") {
                        session.heard.entries.contains { if case .welcome = $0 { true } else { false } }
                    }
                }
                try await soon("it has ended") { fixture.port.openSessions(of: "east-1") == 0 }
            }
            var away: String?
            for _ in 0..<SessionQuota.burst where away == nil {
                away = try await fixture.session(agent) { session in
                    try await soon("it is answered") { !session.heard.entries.isEmpty }
                    return session.goAway
                }
                try await soon("it has ended") { fixture.port.openSessions(of: "east-1") == 0 }
            }
            #expect(away == "it comes again and again")
            try await fixture.session(other) { try await $0.isWelcomed() }
        }
    }

    @Test func aCertificateThatWasRevokedSinceTheCallEndsNoOtherSession() async throws {
        let fixture = try await PortFixture { $0.paces.cut = .minutes(1) }
        try await fixture.serving { _ in
            let stolen = try await fixture.agent("east-1")
            try await fixture.dial(stolen) { fleet in
                let (opened, opening) = AsyncStream<Void>.makeStream()
                let (words, saying) = AsyncStream<SwellProtocol.AgentEvent>.makeStream()
                let ended = Journal<String>()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        do {
                            try await fleet.session(options: FleetPortFixture.quick) { writer in
                                opening.yield()
                                for await event in words { try await writer.write(Swell_V1_AgentMessage(event)) }
                            } onResponse: { response in
                                for try await _ in response.messages {}
                            }
                            ended.add("ok")
                        } catch let error as RPCError {
                            ended.add("\(error.code)")
                        }
                    }
                    var iterator = opened.makeAsyncIterator()
                    await iterator.next()
                    try await soon("the call is in") { fixture.port.openSessions(of: "east-1") == 1 }
                    try await fixture.revoke("east-1")
                    let honest = try await fixture.agent("east-1")
                    try await fixture.session(honest) { session in
                        try await session.isWelcomed()
                        saying.yield(PortFixture.hello(boot: "thief"))
                        try await soon("the thief is refused") { !ended.entries.isEmpty }
                        #expect(ended.entries == ["permissionDenied"])
                        #expect(session.ended.entries.isEmpty && session.goAway == nil)
                    }
                    saying.finish()
                    group.cancelAll()
                    while await group.nextResult() != nil {}
                }
            }
        }
    }

    @Test func aClusterHasTwoSessionsAtATime() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let agent = try await fixture.agent("east-1")
            try await fixture.dial(agent) { fleet in
                // Neither says hello, so neither ends the other.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<2 {
                        group.addTask {
                            _ = try? await fleet.session(options: FleetPortFixture.quick) { _ in
                                try await Task.sleep(for: .seconds(600))
                            } onResponse: { response in
                                for try await _ in response.messages {}
                            }
                        }
                    }
                    try await soon("both are open") { fixture.port.openSessions(of: "east-1") == 2 }
                    try await TestSession.run(fleet, PortFixture.hello(), agent) { third in
                        try await third.ends("resourceExhausted")
                    }
                    group.cancelAll()
                }
                try await soon("both have ended") { fixture.port.openSessions(of: "east-1") == 0 }
                try await TestSession.run(fleet, PortFixture.hello(), agent) { try await $0.isWelcomed() }
            }
        }
    }
}
