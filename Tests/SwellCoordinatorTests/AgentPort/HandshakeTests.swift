internal import Foundation
internal import GRPCCore
internal import Logging
internal import NIOCore
internal import PortGuard
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import Testing

@testable internal import SwellCoordinator

/// What a handshake alone is worth: nothing, until a call was let in.
@Suite(.timeLimit(.minutes(3)), .serialized) struct HandshakeTests {
    @Test func aCertificateThatDoesNotCountShutsNobodyOut() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let stolen = try await fixture.agent("east-1")
            try await fixture.revoke("east-1")
            let port = try await fixture.port.fleetPort
            try await fixture.session(fixture.agent("east-1")) { honest in
                try await honest.isWelcomed()
                var thieves: [RawAgent] = []
                for _ in 0..<12 {
                    let thief = try await RawAgent(port, stolen)
                    try await thief.greet()
                    thieves.append(thief)
                }
                #expect(fixture.port.fleetConnections == 13)
                #expect(honest.ended.entries.isEmpty, "the honest one was displaced")
                for thief in thieves { try? await thief.channel.close().get() }
            }
        }
    }

    @Test func whoShakesHandsAndAsksNothingIsCut() async throws {
        #expect(AgentPortSettings.fleet(host: "127.0.0.1", port: 0).requestDeadline == .seconds(10))
        let fixture = try await PortFixture { $0.fleet.requestDeadline = .milliseconds(500) }
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            let mute = try await RawAgent(try await fixture.port.fleetPort, credential)
            try await mute.closed()
            try await fixture.session(credential) { try await $0.isWelcomed() }
        }
    }

    @Test func oneAddressThatIsRefusedHidesNoOther() async throws {
        let lines = Journal<String>()
        let fixture = try await PortFixture(logger: Logger(label: "test") { _ in Recorder(lines: lines) })
        try await fixture.serving { _ in
            let port = try await fixture.port.fleetPort
            let other = try FleetPortFixture()
            for _ in 0..<8 { try await RawAgent(port, other.agent("east-1")).closed() }
            try await RawAgent(port, other.agent("east-1"), from: "127.0.0.2").closed()
            try await soon("both are told of") {
                lines.entries.contains { $0.contains("refused at the handshake") && $0.contains("from=127.0.0.1") }
                    && lines.entries.contains {
                        $0.contains("refused at the handshake") && $0.contains("from=127.0.0.2")
                    }
            }
        }
    }

    @Test func framesThatCarryNothingAreFew() async throws {
        let cuts = Journal<ConnectionGuard.Cut>()
        let fixture = try FleetPortFixture()
        let listener = try AgentPortListener.enrolment(
            .enrolment(host: "127.0.0.1", port: 0), credential: fixture.credential, services: [],
            onCut: { why, _ in cuts.add(why) })
        try await fixture.serving(listener) { port in
            let flooder = try await RawAgent(port)
            try await flooder.greet()
            let flood = Array(repeatElement(RawAgent.windowUpdate, count: 20_000).joined())
            try? await flooder.channel.writeAndFlush(ByteBuffer(bytes: flood)).get()
            try await flooder.closed()
            #expect(cuts.entries == [.frames])
        }
    }

    /// 16 MiB of documents, in pieces and calls of 200 kB, are far from what cuts a connection.
    @Test func anAgentThatFetchesALargeReleaseSendsFewFrames() async throws {
        let fixture = try await PortFixture { $0.fleet.frames = FrameLimits(known: 1_000, strangers: 50) }
        _ = try await SmallFleet.assign("east-1", in: fixture.store)
        try await fixture.serving { _ in
            try await fixture.dial(fixture.agent("east-1")) { fleet in
                for _ in 0..<84 {
                    var request = Swell_V1_FetchDocumentsRequest()
                    request.digests = [SmallFleet.manifest.digest.rawValue]
                    let size = try await fleet.fetchDocuments(request, options: FleetPortFixture.quick) { response in
                        var size = 0
                        for try await chunk in response.messages { size += chunk.content.count }
                        return size
                    }
                    #expect(size == SmallFleet.manifest.content.count)
                }
            }
        }
    }

    private struct Recorder: LogHandler {
        let lines: Journal<String>
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let extra = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            lines.add(([event.message.description] + extra).joined(separator: " "))
        }
    }
}
