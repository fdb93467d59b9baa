internal import GRPCCore
internal import GRPCNIOTransportHTTP2
package import SwellIdentity
package import SwellModel
internal import SwellProtocol
internal import X509

/// The least that agents can hold a session with: the same protocol over the same TLS, with nothing behind it. What a coordinator takes
/// beyond this is what Swell itself costs.
package struct BareFleetServer: Sendable {
    private let server: GRPCServer<HTTP2ServerTransport.Posix>

    /// - Parameter port: 0 for any free one.
    package init(
        host: String = "127.0.0.1", port: Int, authorities: AuthoritySet, now: @escaping @Sendable () -> Timestamp
    )
        throws
    {
        let credential = try RotatingCredential(
            authorities.issueServerCredential(names: ServerNames(["localhost"]), now: now()))
        let verifier = PeerVerifier(
            authorities: TrustedAuthorities(authorities.roots),
            expecting: .cluster(in: authorities.issuing.trustDomain), now: now)
        let config = HTTP2ServerTransport.Posix.Config.defaults { config in
            config.connection.maxGraceTime = .milliseconds(100)
            // As the agents' port has it: a server that thinks their pings too many would send them away.
            config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(15)
            config.connection.keepalive.clientBehavior.allowWithoutCalls = true
            config.http2.maxConcurrentStreams = 16
            config.rpc.maxRequestPayloadSize = 4 << 20
        }
        self.server = GRPCServer(
            transport: HTTP2ServerTransport.Posix(
                address: .ipv4(host: host, port: port),
                transportSecurity: try .fleet(credential: credential, verifier: verifier), config: config),
            services: [BareFleet()])
    }

    /// The port that it listens on; waits until it does.
    package var port: Int {
        get async throws {
            guard let port = try await server.listeningAddress?.ipv4?.port else {
                throw LoadError(.invalid, "the bare server does not listen on an address with a port")
            }
            return port
        }
    }

    /// Serves until cancelled.
    package func run() async throws {
        try await withTaskCancellationHandler {
            try await server.serve()
        } onCancel: {
            server.beginGracefulShutdown()
        }
    }
}

private struct BareFleet: Swell_V1_Fleet.SimpleServiceProtocol {
    func session(
        request: RPCAsyncSequence<Swell_V1_AgentMessage, any Error>,
        response: RPCWriter<Swell_V1_CoordinatorMessage>, context: ServerContext
    ) async throws {
        // Whom the handshake has proven: an agent takes no other cluster's place for its own.
        let transport = context.transportSpecific as? HTTP2ServerTransport.Posix.Context
        guard let cluster = try transport?.peerCertificateChain?.leaf.workloadIdentity().clusterName else {
            throw RPCError(code: .unauthenticated, message: "the client certificate names no agent")
        }
        for try await message in request {
            switch try SwellProtocol.AgentEvent(message) {
            case .hello:
                let place = Cluster(name: cluster, region: "bare", environment: "bare")
                let welcome = SessionWelcome(
                    sessionID: "bare", heartbeatInterval: RolloutPolicy.agentHeartbeat,
                    reportInterval: .milliseconds(200), placement: place)
                try await response.write(.init(.welcome(welcome)))
                try await response.write(.init(.assignments([], resyncComplete: true)))
            case .report(let id, _): try await response.write(.init(.reportsAcknowledged([id])))
            case .heartbeat, .acknowledged, .contentLacking, .previewPart: break
            }
        }
    }

    func fetchDocuments(
        request: Swell_V1_FetchDocumentsRequest, response: RPCWriter<Swell_V1_DocumentChunk>, context: ServerContext
    ) async throws {
        throw RPCError(code: .notFound, message: "a bare server has no documents")
    }

    func renewCertificate(
        request: Swell_V1_RenewCertificateRequest, context: ServerContext
    ) async throws -> Swell_V1_RenewCertificateResponse {
        throw RPCError(code: .unimplemented, message: "a bare server issues no certificates")
    }
}
