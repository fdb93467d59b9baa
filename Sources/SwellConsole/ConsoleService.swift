internal import AcceptedConnections
internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
public import Logging
public import NIOSSL
internal import PortGuard
public import ServiceLifecycle
internal import SwellEngine
internal import SwellModel
public import SwellStore

/// Serves the operator API: HTTPS with JSON and server-sent events. Holds no state; replicas serve the same.
public struct ConsoleService: Service {
    private let store: any Store
    private let configuration: ConsoleConfiguration
    private let tls: TLSConfiguration?
    private let hooks: ConsoleHooks
    private let logger: Logger

    /// - Parameter tls: The server's certificate and key; nil serves plain HTTP, which only tests and a proxy on the same machine may use.
    public init(
        store: any Store, configuration: ConsoleConfiguration, tls: TLSConfiguration?, hooks: ConsoleHooks,
        logger: Logger
    ) {
        self.store = store
        self.configuration = configuration
        self.tls = tls
        self.hooks = hooks
        self.logger = logger
    }

    public func run() async throws {
        let connections = guardedConnections()
        let readiness = Readiness(store: store)
        let onRunning = hooks.onRunning
        let application = Hummingbird.Application(
            router: router(connections, readiness), server: try server(connections),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil),
            onServerRunning: { channel in
                await readiness.check()
                await onRunning(channel.localAddress?.port ?? 0)
            },
            logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await readiness.run() }
            // Not `runService`: signals belong to the group that this service is part of.
            try await application.run()
        }
    }

    private func guardedConnections() -> ConnectionGuard {
        let settings = ConnectionGuard.Settings(
            name: "api", limits: configuration.connections, silenceLimit: nil,
            handshakeDeadline: configuration.handshakeDeadline, requestDeadline: configuration.requestDeadline)
        let log = StrangerLog<ConnectionGuard.Cut>(
            "connection closed", level: .info, logger: logger, tick: Self.tick())
        return ConnectionGuard(settings, onCut: { log.note($0, from: $1) })
    }

    /// HTTP/1.1 over TLS 1.3, behind the guard.
    private func server(_ connections: ConnectionGuard) throws(ConsoleError) -> HTTPServerBuilder {
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [UnreadRequestHandler { connections.noteRequest(over: $0) }],
            idleTimeout: .seconds(75),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))
        guard var tls else {
            return HTTPServerBuilder {
                FinishingChannel(
                    GuardedChannel(base: HTTP1Channel(responder: $0, configuration: http), connections: connections))
            }
        }
        tls.minimumTLSVersion = .tlsv13
        do {
            // Said now rather than at the first connection.
            _ = try NIOSSLContext(configuration: tls)
        } catch {
            throw ConsoleError(code: .configuration, message: "the TLS configuration cannot be used", cause: error)
        }
        return HTTPServerBuilder { [tls] in
            let channel = HTTP1Channel(responder: $0, configuration: http)
            return FinishingChannel(
                GuardedChannel(base: try TLSChannel(channel, tlsConfiguration: tls), connections: connections))
        }
    }

    private static func tick() -> @Sendable () -> Tick {
        let start = ContinuousClock.now
        return { Tick(milliseconds: Int64((ContinuousClock.now - start) / .milliseconds(1))) }
    }

    private func router(_ connections: ConnectionGuard, _ readiness: Readiness) -> Router<ConsoleContext> {
        let router = Router(context: ConsoleContext.self)
        router.add(middleware: ProblemMiddleware())
        let reading = RequestReading(maximumBytes: configuration.maximumBodyBytes)
        let planning = RolloutPlanning(store: store, hooks: hooks)
        let orders = RolloutOrders(store: store, hooks: hooks, verdictTimeout: configuration.verdictTimeout)
        HealthEndpoints(readiness: readiness, metrics: hooks.metrics, unready: hooks.unready).add(to: router)
        let signIns = SignIns(connections: connections, logger: logger, tick: Self.tick())
        let group = router.group("v1")
            .add(middleware: BearerMiddleware(operators: configuration.operators, signIns: signIns))
        FleetEndpoints(store: store, reading: reading, hooks: hooks).add(to: group)
        TrustEndpoints(
            store: store, reading: reading, hooks: hooks, joinTokenLifetime: configuration.joinTokenLifetime
        ).add(to: group)
        InstallationEndpoint(installation: hooks.installation, limit: EventStreamLimit(maximum: 2)).add(to: group)
        ReleaseEndpoints(store: store, reading: reading, secrets: configuration.secrets).add(to: group)
        DiffEndpoints(
            store: store, reading: reading, hooks: hooks,
            limit: EventStreamLimit(maximum: configuration.maximumDiffs), interval: configuration.diffInterval
        ).add(to: group)
        RolloutEndpoints(store: store, reading: reading, planning: planning).add(to: group)
        OrderEndpoints(store: store, reading: reading, orders: orders, planning: planning).add(to: group)
        let tail = AuditTail(log: store, interval: configuration.pollInterval) { [store] in
            try await store.rolloutView($0)
        }
        EventEndpoints(
            store: store, tail: tail,
            limit: EventStreamLimit(maximum: configuration.maximumStreams),
            pollInterval: configuration.pollInterval, heartbeat: configuration.heartbeat
        ).add(to: group)
        return router
    }
}
