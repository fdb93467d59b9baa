internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import PortGuard
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import Testing

@testable internal import SwellCoordinator

/// Strangers that hold the fleet's port, one byte at a time, and one agent with more connections than it needs.
@Suite(.timeLimit(.minutes(2)), .serialized) struct HoldingTests {
    let fixture: FleetPortFixture

    init() throws { fixture = try FleetPortFixture() }

    /// Dials many times; each connection gets the beginning of a handshake, and a byte more again and again.
    private func hold(_ port: Int, _ count: Int) async throws -> [any Channel] {
        var channels: [any Channel] = []
        for _ in 0..<count {
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: port).get()
            // A record of a handshake that never comes whole.
            try? await channel.writeAndFlush(ByteBuffer(bytes: [22, 3, 1, 2, 0])).get()
            channel.eventLoop.scheduleRepeatedTask(initialDelay: .milliseconds(20), delay: .milliseconds(50)) { task in
                guard channel.isActive else { return task.cancel() }
                channel.writeAndFlush(ByteBuffer(bytes: [1]), promise: nil)
            }
            channels.append(channel)
        }
        return channels
    }

    @Test func aByteNowAndThenHoldsNoConnection() async throws {
        var settings = fixture.settings()
        settings.handshakeDeadline = .milliseconds(500)
        let listener = try fixture.listener(settings)
        try await fixture.serving(listener) { [self] port in
            let held = try await hold(port, 100)
            for channel in held { try await channel.closeFuture.get() }
            try await ReplicaFixture.eventually("all to be gone") { listener.openConnections == 0 }
            #expect(try await fixture.clusterName(port, fixture.security(fixture.agent("east-1"))) == "east-1")
        }
    }

    @Test func agentsGetInWhileStrangersHoldWhatTheyCan() async throws {
        var settings = fixture.settings()
        settings.connections = ConnectionLimits(total: 100, strangers: 40, strangersPerAddress: 30)
        let listener = try fixture.listener(settings)
        try await fixture.serving(listener) { [self] port in
            let held = try await hold(port, 200)
            #expect(listener.openStrangers <= 30)
            for name in ["east-1", "west-1", "north-1"] as [ClusterName] {
                #expect(try await fixture.clusterName(port, fixture.security(fixture.agent(name))) == name.rawValue)
            }
            for channel in held { channel.close(promise: nil) }
        }
    }

    @Test func theEnrolmentPortDisplacesTheOldest() async throws {
        var settings = AgentPortSettings.enrolment(host: "127.0.0.1", port: 0)
        settings.connections = ConnectionLimits(total: 20, strangers: 20, strangersPerAddress: 20)
        let listener = try AgentPortListener.enrolment(settings, credential: fixture.credential, services: [Nobody()])
        try await fixture.serving(listener) { [self] port in
            let held = try await hold(port, 60)
            let verifier = PeerVerifier(pinned: fixture.authority.fingerprint, now: { FleetPortFixture.now })
            let transport = try HTTP2ClientTransport.Posix(
                target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .enrolment(verifier: verifier))
            let error = await #expect(throws: RPCError.self) {
                try await withGRPCClient(transport: transport) { client in
                    _ = try await Swell_V1_Enrollment.Client(wrapping: client)
                        .enroll(Swell_V1_EnrollRequest(), options: FleetPortFixture.quick)
                }
            }
            // It was heard and answered.
            #expect(error?.code == .unimplemented)
            for channel in held { channel.close(promise: nil) }
        }
    }

    @Test func oneClustersConnectionsAreFewAndTheNewestStays() async throws {
        let listener = try fixture.listener()
        try await fixture.serving(listener) { [self] port in
            let security = try fixture.security(fixture.agent("east-1"))
            let names = Journal<String>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                let go = AsyncStream<Void>.makeStream()
                for number in 0..<12 {
                    group.addTask { [fixture] in
                        // The older ones are closed under their sessions.
                        try? await fixture.withClient(port, security) { client in
                            try await client.session(metadata: [:], options: FleetPortFixture.quick) { writer in
                                try await writer.write(Swell_V1_AgentMessage(.heartbeat(sequence: UInt64(number))))
                                for await _ in go.stream {}
                            } onResponse: { response in
                                for try await message in response.messages { names.add(message.placement.cluster) }
                            }
                        }
                    }
                    try await ReplicaFixture.eventually("it to have come") { names.entries.count > number }
                }
                #expect(listener.openConnections <= 4)
                #expect(try await fixture.clusterName(port, fixture.security(fixture.agent("west-1"))) == "west-1")
                go.continuation.finish()
                group.cancelAll()
            }
        }
    }

    @Test(arguments: [TLSVersion.tlsv12, .tlsv13]) func tlsBelow13IsRefused(version: TLSVersion) async throws {
        let cuts = Journal<ConnectionGuard.Cut>()
        let listener = try AgentPortListener.enrolment(
            .enrolment(host: "127.0.0.1", port: 0), credential: fixture.credential, services: [Nobody()],
            onCut: { why, _ in cuts.add(why) })
        try await fixture.serving(listener) { port in
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            configuration.applicationProtocols = ["h2"]
            configuration.maximumTLSVersion = version
            let context = try NIOSSLContext(configuration: configuration)
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
            if version == .tlsv12 {
                try await channel.closeFuture.get()
                #expect(cuts.entries == [.oldTLS])
            } else {
                try await ReplicaFixture.eventually("the connection to be taken") { listener.openConnections == 1 }
                #expect(try await channel.nioSSL_tlsVersion().get() == .tlsv13 || channel.isActive)
                try await channel.close().get()
                #expect(cuts.entries.isEmpty)
            }
        }
    }

    private struct Nobody: Swell_V1_Enrollment.SimpleServiceProtocol {
        func enroll(request: Swell_V1_EnrollRequest, context: ServerContext) async throws -> Swell_V1_EnrollResponse {
            throw RPCError(code: .unimplemented, message: "Not part of this test.")
        }
    }
}
