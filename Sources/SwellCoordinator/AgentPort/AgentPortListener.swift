package import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import NIOCore
package import PortGuard
internal import ServiceLifecycle
package import SwellIdentity

/// A port that agents dial: gRPC over TLS, with connections guarded. Runs until it is told to shut down; calls then
/// have the settings' grace time.
package struct AgentPortListener: Service {
    private let server: GRPCServer<HTTP2ServerTransport.Posix>
    private let connections: ConnectionGuard
    private let graceTime: Duration

    /// The fleet's port: mutual TLS, agents judged by `verifier`.
    ///
    /// - Parameters:
    ///   - callers: told of every connection and of what it was used with.
    ///   - onRefusal: told of every peer that was refused at the handshake; it must not block.
    ///   - onCut: told of every connection that was closed for what it did not do, or for its number; it must not block.
    static func fleet(
        _ settings: AgentPortSettings, credential: RotatingCredential, verifier: PeerVerifier,
        services: [any RegistrableRPCService],
        callers: CallerConnections = CallerConnections(),
        onRefusal: @escaping @Sendable (IdentityError) -> Void = { _ in },
        onCut: @escaping @Sendable (ConnectionGuard.Cut, AddressBlock) -> Void = { _, _ in }
    ) throws -> AgentPortListener {
        AgentPortListener(
            settings, security: try .fleet(credential: credential, verifier: verifier, onRefusal: onRefusal),
            services: services,
            connections: ConnectionGuard(settings.guarding("fleet"), onCut: onCut),
            callers: callers)
    }

    /// The enrolment port: TLS without a certificate of the agent.
    package static func enrolment(
        _ settings: AgentPortSettings, credential: RotatingCredential, services: [any RegistrableRPCService],
        onCut: @escaping @Sendable (ConnectionGuard.Cut, AddressBlock) -> Void = { _, _ in }
    ) throws -> AgentPortListener {
        AgentPortListener(
            settings, security: try .enrolment(credential: credential), services: services,
            connections: ConnectionGuard(settings.guarding("enrolment"), onCut: onCut))
    }

    private init(
        _ settings: AgentPortSettings, security: HTTP2ServerTransport.Posix.TransportSecurity,
        services: [any RegistrableRPCService], connections: ConnectionGuard,
        callers: CallerConnections = CallerConnections()
    ) {
        let config = HTTP2ServerTransport.Posix.Config.defaults { config in
            config.connection.maxAge = settings.maximumAge
            config.connection.maxGraceTime = settings.graceTime
            // Half of what agents do: gRPC closes a connection at the third ping that comes too early, open calls or no.
            config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = settings.agentPingInterval / 2
            config.connection.keepalive.clientBehavior.allowWithoutCalls = true
            config.http2.maxConcurrentStreams = 16
            config.rpc.maxRequestPayloadSize = settings.maximumMessageSize
            config.channelDebuggingCallbacks.onAcceptTCPConnection = { [callers] channel in
                connections.accept(channel).flatMap { connections.followHandshake(of: channel) }.map {
                    callers.accept(channel, under: connections)
                }
            }
            config.channelDebuggingCallbacks.onAcceptHTTP2Stream = { stream in
                if let connection = stream.parent { connections.noteRequest(over: connection) }
                return stream.eventLoop.makeSucceededVoidFuture()
            }
        }
        let transport = HTTP2ServerTransport.Posix(
            address: settings.host.contains(":")
                ? .ipv6(host: settings.host, port: settings.port) : .ipv4(host: settings.host, port: settings.port),
            transportSecurity: security, config: config)
        self.connections = connections
        self.graceTime = settings.graceTime
        self.server = GRPCServer(transport: transport, services: services)
    }

    /// Serves until graceful shutdown or cancellation.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await gracefulShutdown()
                    try await ContinuousClock().sleep(for: graceTime)
                } catch is CancellationError {}
                // gRPC gives its grace time to peers that acknowledge: a frozen one would keep the port open until its silence ends it.
                connections.closeAll()
            }
            defer { group.cancelAll() }
            try await withGracefulShutdownHandler {
                try await server.serve()
            } onGracefulShutdown: {
                server.beginGracefulShutdown()
            }
        }
    }

    /// The port that it listens on; waits until it does.
    package var port: Int {
        get async throws {
            let address = try await server.listeningAddress
            guard let port = address?.ipv4?.port ?? address?.ipv6?.port else {
                throw RuntimeError(code: .serverIsStopped, message: "The port for agents is not listening.")
            }
            return port
        }
    }

    /// How many connections are open, for a gauge.
    package var openConnections: Int { connections.openConnections }

    /// How many of them have made no call that was let in.
    package var openStrangers: Int { connections.openStrangers }
}
