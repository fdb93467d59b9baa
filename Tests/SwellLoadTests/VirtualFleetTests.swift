internal import Foundation
internal import Logging
internal import SwellAgent
internal import SwellIdentity
internal import SwellModel
internal import Testing

@testable internal import SwellLoad

/// A load against the bare server, over real TLS.
@Suite(.timeLimit(.minutes(2))) struct VirtualFleetTests {
    @Sendable private static func now() -> Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }

    @Test func agentsJoinLeaveAndComeBack() async throws {
        let authority = try CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: Self.now())
        let (file, listed) = try await FleetMaker.issue(FleetMaker.names(30), by: authority, now: Self.now())
        #expect(listed.map(\.cluster) == file.members.map(\.cluster))
        #expect(Set(listed.map(\.serial)).count == 30)
        let folder = FileManager.default.temporaryDirectory.appending(path: "swell-load-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // As the program reads it.
        let path = folder.appending(path: "fleet.json").path
        try file.write(path)
        let read = try FleetFile.load(path)
        let marks = folder.appending(path: "marks").path
        let server = try BareFleetServer(port: 0, authorities: AuthoritySet(authority), now: Self.now)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            var logger = Logger(label: "test.load")
            logger.logLevel = .error
            let fleet = VirtualFleet(
                read, coordinator: try Endpoint("127.0.0.1:\(try await server.port)"),
                ledger: try LoadLedger(marks: marks), logger: logger)
            var answer = await fleet.carryOut(LoadRequest(id: 1, order: .join(count: 20, perSecond: 200)))
            #expect(answer.error == nil)
            #expect(answer.counts.started == 20)
            answer = await fleet.carryOut(LoadRequest(id: 2, order: .awaitConnected(least: 20)))
            #expect(answer.counts.connected == 20)
            answer = await fleet.carryOut(LoadRequest(id: 3, order: .join(count: 11)))
            #expect(answer.error?.contains("10") == true, "only ten are left to join")
            answer = await fleet.carryOut(LoadRequest(id: 4, order: .leave(count: 15)))
            #expect(answer.counts.started == 5)
            #expect(answer.counts.connected == 5)
            _ = await fleet.carryOut(LoadRequest(id: 5, order: .join(count: 25)))
            answer = await fleet.carryOut(LoadRequest(id: 6, order: .awaitConnected(least: 30)))
            #expect(answer.counts.welcomes == 45)
            await fleet.stop()
            group.cancelAll()
        }
        let lines = try String(contentsOfFile: marks, encoding: .utf8).split(separator: "\n")
        let kept = lines.compactMap { LoadMark(line: $0) }
        #expect(kept.count == lines.count)
        #expect(kept.count { $0.what == .connected } == 45)
        #expect(kept.count { $0.what == .disconnected } == 45)
    }

    @Test func bareConnectionsComeBackToAnAcceptLoop() async throws {
        let authority = try CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: Self.now())
        let (file, _) = try await FleetMaker.issue(FleetMaker.names(10), by: authority, now: Self.now())
        let set = AuthoritySet(authority)
        let first = try await TLSAcceptLoop.start(port: 0, authorities: set, now: Self.now)
        let port = first.port
        let fleet = VirtualFleet(
            file, coordinator: try Endpoint("127.0.0.1:\(port)"), bare: .acceptLoop, ledger: try LoadLedger(),
            logger: Logger(label: "test.load"))
        _ = await fleet.carryOut(LoadRequest(id: 1, order: .join(count: 10)))
        var answer = await fleet.carryOut(LoadRequest(id: 2, order: .awaitConnected(least: 10)))
        #expect(answer.counts.welcomes == 10)
        try await first.closeAll()
        _ = await fleet.carryOut(LoadRequest(id: 3, order: .awaitConnected(most: 0)))
        let second = try await TLSAcceptLoop.start(port: port, authorities: set, now: Self.now)
        answer = await fleet.carryOut(LoadRequest(id: 4, order: .awaitConnected(least: 10)))
        #expect(answer.counts.welcomes == 20)
        await fleet.stop()
        try await second.close()
    }

    @Test func eachDialsFromAnAddressOfAFew() {
        let sources = (0..<10_000).map(VirtualFleet.source)
        #expect(Set(sources).count == 10_000)
        #expect(sources.allSatisfy { $0.split(separator: ".").compactMap { UInt8($0) }.count == 4 })
        #expect(VirtualFleet.source(of: 0) == "127.1.0.1")
        #expect(VirtualFleet.source(of: 9_999) == "127.1.39.250")
    }

    @Test func figuresOfThisProcessAreTold() throws {
        let figures = try #require(ProcessFigures(of: ProcessInfo.processInfo.processIdentifier))
        #expect(figures.share > 1 << 20)
        #expect(figures.peak >= figures.share / 2)
        #expect(ProcessFigures(of: -1) == nil)
    }
}
