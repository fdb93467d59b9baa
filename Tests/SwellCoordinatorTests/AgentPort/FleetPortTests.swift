internal import Crypto
internal import FoundationEssentials
internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import PortGuard
internal import ServiceLifecycle
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import Testing
internal import X509

@testable internal import SwellCoordinator

/// The fleet's port over real sockets: who gets in, and as whom.
@Suite(.timeLimit(.minutes(1))) struct FleetPortTests {
    let fixture: FleetPortFixture

    init() throws { fixture = try FleetPortFixture() }

    @Test func anAgentIsWhoItsCertificateNames() async throws {
        try await fixture.serving(fixture.listener()) { [fixture] port in
            let one = try fixture.security(fixture.agent("east-1"))
            let other = try fixture.security(fixture.agent("west-1"))
            #expect(try await fixture.clusterName(port, one) == "east-1")
            #expect(try await fixture.clusterName(port, other) == "west-1")
            #expect(fixture.refusals.entries.isEmpty)
        }
    }

    @Test func aClientWithoutACertificateGetsNowhere() async throws {
        try await fixture.serving(fixture.listener()) { [fixture] port in
            let verifier = PeerVerifier(pinned: fixture.authority.fingerprint, now: { FleetPortFixture.now })
            await #expect(throws: RPCError.self) {
                try await fixture.clusterName(port, .enrolment(verifier: verifier))
            }
        }
    }

    @Test func strangersTheExpiredAndTheDeniedGetNowhere() async throws {
        try await fixture.serving(fixture.listener()) { [fixture] port in
            let stranger = try CertificateAuthority.create(
                trustDomain: fixture.domain, now: FleetPortFixture.now - .hours(1))
            let strange = try fixture.security(fixture.agent("east-1", of: stranger))
            await #expect(throws: RPCError.self) { try await fixture.clusterName(port, strange) }
            #expect(fixture.refusals.entries.last == .untrusted)

            let expired = try fixture.agent("east-1", issuedAt: FleetPortFixture.now - .hours(48))
            let late = try fixture.security(expired)
            await #expect(throws: RPCError.self) { try await fixture.clusterName(port, late) }
            #expect(fixture.refusals.entries.last == .untrusted)

            let removed = try fixture.agent("east-1")
            fixture.denylist.replace(with: [removed.serial])
            let denied = try fixture.security(removed)
            await #expect(throws: RPCError.self) { try await fixture.clusterName(port, denied) }
            #expect(fixture.refusals.entries.last == .denied)
        }
    }

    @Test func anAgentCannotVouchForAnotherClustersName() async throws {
        try await fixture.serving(fixture.listener()) { [fixture] port in
            // An agent signs a certificate for another cluster with its own key.
            let agent = try fixture.agent("east-1")
            let key = P256.Signing.PrivateKey()
            let now = Date(timeIntervalSince1970: Double(FleetPortFixture.now.milliseconds) / 1000)
            let forged = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
                notValidBefore: now - 60, notValidAfter: now + 60, issuer: agent.leaf.subject,
                subject: DistinguishedName { CommonName("west-1") }, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    try ExtendedKeyUsage([.clientAuth])
                    SubjectAlternativeNames([.uniformResourceIdentifier("spiffe://swell.test/cluster/west-1")])
                }, issuerPrivateKey: .init(agent.key))
            let forger = try fixture.security(Credential(chain: [forged] + agent.chain, key: key))
            await #expect(throws: RPCError.self) { try await fixture.clusterName(port, forger) }
            #expect(fixture.refusals.entries.last == .untrusted)

            // The coordinator's own certificate is none of an agent's.
            let coordinator = try fixture.security(FleetPortFixture.server(of: fixture.authority))
            await #expect(throws: RPCError.self) { try await fixture.clusterName(port, coordinator) }
            #expect(fixture.refusals.entries.last == .untrusted)
        }
    }

    @Test func anAgentTalksToTheCoordinatorOnly() async throws {
        let impostor = try CertificateAuthority.create(
            trustDomain: fixture.domain, now: FleetPortFixture.now - .hours(1))
        let agent = try fixture.agent("east-1")
        try fixture.credential.replace(with: FleetPortFixture.server(of: impostor))
        try await fixture.serving(fixture.listener()) { [fixture] port in
            let security = try fixture.security(agent)
            await #expect(throws: RPCError.self) { try await fixture.clusterName(port, security) }
        }
        // An agent's certificate, on the server's side, does not make a coordinator.
        try fixture.credential.replace(with: fixture.agent("west-1"))
        try await fixture.serving(fixture.listener()) { [fixture] port in
            let security = try fixture.security(agent)
            await #expect(throws: RPCError.self) { try await fixture.clusterName(port, security) }
        }
    }

    @Test func certificatesAndAuthoritiesRotateWithoutARestart() async throws {
        try await fixture.serving(fixture.listener()) { [fixture] port in
            let serials = Journal<String>()
            let first = fixture.credential.current.serial
            let agent = try fixture.agent("east-1")
            #expect(try await fixture.clusterName(port, fixture.security(agent, serials: serials)) == "east-1")

            let renewed = try FleetPortFixture.server(of: fixture.authority)
            try fixture.credential.replace(with: renewed)
            #expect(try await fixture.clusterName(port, fixture.security(agent, serials: serials)) == "east-1")
            #expect(serials.entries == [first, renewed.serial])

            let next = try CertificateAuthority.create(
                trustDomain: fixture.domain, now: FleetPortFixture.now - .hours(1))
            let newAgent = try fixture.security(fixture.agent("west-1", of: next))
            await #expect(throws: RPCError.self) { try await fixture.clusterName(port, newAgent) }
            fixture.trusted.replace(with: [fixture.authority.certificate, next.certificate])
            #expect(try await fixture.clusterName(port, newAgent) == "west-1")
        }
    }

    @Test func anAgentsRenewedCertificateIsShownAtItsNextConnection() async throws {
        try await fixture.serving(fixture.listener()) { [fixture] port in
            let holder = try RotatingCredential(fixture.agent("east-1"))
            let verifier = PeerVerifier(
                authorities: fixture.trusted, expecting: .coordinator(in: fixture.domain),
                now: { FleetPortFixture.now })
            let security = try HTTP2ClientTransport.Posix.TransportSecurity.agent(
                credential: holder, verifier: verifier)
            #expect(try await fixture.clusterName(port, security) == "east-1")
            let old = holder.current.serial
            try holder.replace(with: fixture.agent("east-1"))
            fixture.denylist.replace(with: [old])
            #expect(try await fixture.clusterName(port, security) == "east-1")
        }
    }

    @Test func aPeerThatSaysNothingIsDroppedAndALiveAgentIsNot() async throws {
        var settings = fixture.settings()
        settings.silenceLimit = .seconds(2)
        settings.agentPingInterval = .milliseconds(100)
        let listener = try fixture.listener(settings)
        try await fixture.serving(listener) { [fixture] port in
            let security = try fixture.security(fixture.agent("east-1"))
            try await fixture.withClient(port, security, keepalive: .milliseconds(100)) { client in
                let go = AsyncStream<Void>.makeStream()
                try await client.session { writer in
                    try await writer.write(Swell_V1_AgentMessage(.heartbeat(sequence: 1)))
                    for await _ in go.stream {
                        try await writer.write(Swell_V1_AgentMessage(.heartbeat(sequence: 2)))
                    }
                } onResponse: { response in
                    var messages = response.messages.makeAsyncIterator()
                    #expect(try await messages.next()?.placement.cluster == "east-1")
                    // Two silent peers, one after the other, are dropped in the time that the agent says nothing.
                    for _ in 0..<2 {
                        let silent = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                            .connect(host: "127.0.0.1", port: port).get()
                        try await silent.closeFuture.get()
                    }
                    go.continuation.yield()
                    go.continuation.finish()
                    #expect(try await messages.next()?.placement.cluster == "east-1")
                }
            }
        }
    }

    @Test func connectionsBeyondTheLimitAreClosedAtOnce() async throws {
        var settings = fixture.settings()
        settings.connections = ConnectionLimits(total: 2, strangers: 2_048, strangersPerAddress: 512)
        let listener = try fixture.listener(settings)
        try await fixture.serving(listener) { port in
            func dial() async throws -> any Channel {
                try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .connect(host: "127.0.0.1", port: port).get()
            }
            let kept = [try await dial(), try await dial()]
            let refused = try await dial()
            try await refused.closeFuture.get()
            #expect(kept.allSatisfy { $0.isActive })
            for channel in kept { try await channel.close().get() }
        }
    }

    @Test func shutdownEndsOpenSessionsAfterTheGraceTime() async throws {
        var settings = fixture.settings()
        settings.graceTime = .milliseconds(200)
        let listener = try fixture.listener(settings)
        let security = try fixture.security(fixture.agent("east-1"))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let group = ServiceGroup(services: [listener], logger: .init(label: "test"))
            tasks.addTask { try await group.run() }
            let port = try await listener.port
            try await fixture.withClient(port, security) { client in
                let hold = AsyncStream<Void>.makeStream()
                await #expect(throws: (any Error).self) {
                    try await client.session { writer in
                        try await writer.write(Swell_V1_AgentMessage(.heartbeat(sequence: 1)))
                        for await _ in hold.stream {}
                    } onResponse: { response in
                        defer { hold.continuation.finish() }
                        for try await message in response.messages {
                            #expect(message.placement.cluster == "east-1")
                            await group.triggerGracefulShutdown()
                        }
                    }
                }
            }
            try await tasks.waitForAll()
        }
    }

    @Test(arguments: [false, true]) func aPeerThatAnswersNothingKeepsNoPortOpen(isCancelled: Bool) async throws {
        var settings = fixture.settings()
        // Were it not closed, its silence would end it only after the suite's limit.
        settings.graceTime = isCancelled ? .seconds(75) : .milliseconds(200)
        let listener = try fixture.listener(settings)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let group = ServiceGroup(services: [listener], logger: .init(label: "test"))
            tasks.addTask { try await group.run() }
            let frozen = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: listener.port).get()
            try await ReplicaFixture.eventually("the connection to be taken") { listener.openConnections == 1 }
            await group.triggerGracefulShutdown()
            if isCancelled { tasks.cancelAll() }
            while let result = await tasks.nextResult() { _ = result }
            try await frozen.closeFuture.get()
        }
    }
}
