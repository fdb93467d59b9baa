internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
public import Logging
public import NIOSSL
public import ServiceLifecycle
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
        let base = HTTPServerBuilder.http1(
            configuration: .init(idleTimeout: .seconds(75)))
        let server: HTTPServerBuilder
        do {
            server = try tls.map { try HTTPServerBuilder.tls(base, tlsConfiguration: $0) } ?? base
        } catch {
            throw ConsoleError(code: .configuration, message: "the TLS configuration cannot be used", cause: error)
        }
        let onRunning = hooks.onRunning
        let application = Hummingbird.Application(
            router: router(), server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) },
            logger: logger)
        // Not `runService`: signals belong to the group that this service is part of.
        try await application.run()
    }

    private func router() -> Router<ConsoleContext> {
        let router = Router(context: ConsoleContext.self)
        router.add(middleware: ProblemMiddleware())
        let reading = RequestReading(maximumBytes: configuration.maximumBodyBytes)
        let planning = RolloutPlanning(store: store, hooks: hooks)
        let orders = RolloutOrders(store: store, hooks: hooks, verdictTimeout: configuration.verdictTimeout)
        HealthEndpoints(store: store, metrics: hooks.metrics).add(to: router)
        let group = router.group("v1").add(middleware: BearerMiddleware(operators: configuration.operators))
        FleetEndpoints(store: store, reading: reading, hooks: hooks).add(to: group)
        TrustEndpoints(
            store: store, reading: reading, hooks: hooks, joinTokenLifetime: configuration.joinTokenLifetime
        ).add(to: group)
        InstallationEndpoint(installation: hooks.installation, limit: EventStreamLimit(maximum: 2)).add(to: group)
        ReleaseEndpoints(store: store, reading: reading).add(to: group)
        DiffEndpoints(
            store: store, reading: reading, hooks: hooks,
            limit: EventStreamLimit(maximum: configuration.maximumDiffs), interval: configuration.diffInterval
        ).add(to: group)
        RolloutEndpoints(store: store, reading: reading, planning: planning).add(to: group)
        OrderEndpoints(store: store, reading: reading, orders: orders, planning: planning).add(to: group)
        EventEndpoints(
            store: store, limit: EventStreamLimit(maximum: configuration.maximumStreams),
            pollInterval: configuration.pollInterval, heartbeat: configuration.heartbeat
        ).add(to: group)
        return router
    }
}
