internal import Foundation
internal import Logging
internal import NIOCertificateReloading
internal import NIOSSL
internal import PostgresClient
internal import ServiceLifecycle
internal import SwellConsole
internal import SwellCoordinator
internal import SwellIdentity
internal import SwellModel
internal import SwellStore
internal import SwellTelemetry

/// One replica of the coordinator: its parts, put together.
///
/// A service itself, so that it can be told to stop while it still waits for the database: the first process of a container has no
/// default answer to SIGTERM.
struct Replica: Service {
    let settings: ReplicaSettings
    let metrics: PrometheusRegistry
    let logger: Logger

    /// Runs until graceful shutdown or cancellation.
    func run() async throws {
        let folder = StateFolder(path: settings.stateDirectory)
        if settings.secretsKeyFile == nil { try folder.makeSecretsKeyOfNew() }
        let (authorities, operatorToken) = try folder.open(trustDomain: settings.trustDomain, now: Self.now())
        let authority = RotatingAuthority(authorities)
        let names = try settings.serverNames ?? folder.serverNames() ?? ServerNames(["localhost"])
        guard try await prepareDatabase(authority) else {
            logger.info("coordinator ended before the database was there", metadata: ["replica": "\(settings.replica)"])
            return
        }
        if !authority.leftOut.isEmpty { try folder.publish(authority.current) }
        let credential = try RotatingCredential(authority.issueServerCredential(names: names, now: Self.now()))

        // Frozen, or cut off, between two statements, this replica keeps the rows it has locked: whoever takes over once its leases
        // have run out (after 6 s) must not wait for them much longer. Thinking is done between transactions, or (when it was overtaken again and again) within this.
        var database = settings.database
        database.idleInTransactionTimeout = .seconds(5)
        let pool = try PostgresPool(
            configuration: database,
            settings: PostgresPoolSettings(minimum: 2, maximum: settings.databaseConnections))
        let ring = try folder.secretsKeyring(at: settings.secretsKeyFile)
        // A storm on the other must not make leases run out, nor agents look silent.
        let vitalPool = try PostgresPool(
            configuration: database,
            settings: PostgresPoolSettings(minimum: 1, maximum: ReplicaSettings.vitalConnections))
        let store = PostgresStore(pool: pool, vitalPool: vitalPool, sealing: ring)
        let sealer = SecretsSealer(store: store)
        let signals = FleetSignals(configuration: database, pool: pool)
        let ingestor = ReportIngestor(store: store, signals: signals)
        // A new name at each start: a frozen predecessor's leases are never taken for this run's.
        let holder = "\(settings.replica)/\(String(UInt64.random(in: .min ... .max), radix: 36))"
        let agentPort = try AgentPort(
            store: store, authority: authority, credential: credential,
            settings: AgentPort.Settings(
                replica: settings.replica,
                fleet: .fleet(host: settings.agents.host, port: settings.agents.port),
                enrolment: .enrolment(host: settings.enrolment.host, port: settings.enrolment.port),
                rememberedEndsFile: folder.rememberedEndsFile),
            ingestor: ingestor, assignmentsChanged: signals.assignments,
            previewsWanted: signals.previews, trustChanged: signals.trust,
            announceTrustChange: { signals.notifyTrustChanged() }, now: Self.now)
        let reconciler = Reconciler(store: store, signals: signals, holder: holder, presence: agentPort.presence)
        let (consolePorts, consolePort) = AsyncStream.makeStream(of: Int.self)
        let console = try makeConsole(
            store: store, signals: signals, sealer: sealer, operatorToken: operatorToken, credential: credential,
            installation: InstallationFacts(
                store: store, settings: settings, folder: folder, authority: authority, credential: credential,
                names: names, agentPort: agentPort, now: Self.now
            ).gather,
            onRunning: { port in
                consolePort.yield(port)
                consolePort.finish()
            })

        // Ends in the opposite order: first the doors are closed, last the pools.
        var services: [any Service] = [
            pool, vitalPool, signals, ingestor, reconciler,
            ServerCredentialRotation(
                authority: authority, names: names, credential: credential,
                jitter: .random(in: 0..<1), now: Self.now),
            AuthorityNotes(
                store: store, authority: authority, folder: folder,
                secretsBy: ring.flatMap { ring in
                    let file = settings.secretsKeyFile.map { SecretsKeyFile(path: $0) } ?? folder.secretsKey
                    return ChangeNote.author(of: ring.openingKeys, at: StateFolder.note(of: file))
                }, logger: logger),
            AuthorityWatch(
                folder: folder, authority: authority, names: names, credential: credential,
                now: Self.now),
            Maintainer(store: store), sealer, agentPort, console,
        ]
        services.append(
            Announcement(file: settings.readyFile, logger: logger) {
                var ports = ["agents": try await agentPort.fleetPort, "enrolment": try await agentPort.enrolmentPort]
                for await port in consolePorts { ports["api"] = port }
                return ports
            })
        logger.info(
            "coordinator starts",
            metadata: [
                "replica": "\(holder)", "database": "\(settings.database)", "trust_domain": "\(settings.trustDomain)",
            ])
        // Whoever runs the replica hears the signals.
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, successTerminationBehavior: .ignore) }, logger: logger)
        // A database that hangs must not keep the process: leases that are not given up expire by themselves.
        configuration.maximumGracefulShutdownDuration = .seconds(15)
        try await ServiceGroup(configuration: configuration).run()
        logger.info("coordinator ended", metadata: ["replica": "\(holder)"])
    }

    /// Brings the schema up to date, and notes the authorities there; waits while the server is away and says so once. False where it was told to stop meanwhile.
    private func prepareDatabase(_ authority: RotatingAuthority) async throws -> Bool {
        try await cancelWhenGracefulShutdown {
            var wasAway = false
            var pause = Duration.milliseconds(200)
            while let error = await migrate(authority) {
                if Task.isCancelled { return false }
                guard error.code == .unavailable || error.code == .outcomeUnknown else { throw error }
                if !wasAway {
                    logger.error(
                        "waits for the database", metadata: ["error": "\(error)", "database": "\(settings.database)"])
                }
                wasAway = true
                // Ends early when it is told to stop, which the next attempt finds.
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(5))
            }
            if wasAway { logger.info("the database is there") }
            return true
        }
    }

    private func migrate(_ authority: RotatingAuthority) async -> StoreError? {
        do {
            try await PostgresStore.migrate(settings.database, logger: logger)
            // Before anything is issued in the name of this installation.
            authority.leaveOut(
                try await PostgresStore.noteAuthorities(
                    AuthorityNotes.keys(of: authority.found, in: StateFolder(path: settings.stateDirectory)),
                    in: settings.database))
            return nil
        } catch {
            return error
        }
    }

    private func makeConsole(
        store: PostgresStore, signals: FleetSignals, sealer: SecretsSealer, operatorToken: String,
        credential: RotatingCredential,
        installation: @escaping @Sendable () async throws -> InstallationView,
        onRunning: @escaping @Sendable (Int) async -> Void
    ) throws -> ConsoleService {
        var configuration = ConsoleConfiguration(
            host: settings.api.host, port: settings.api.port,
            operators: try OperatorDirectory(tokens: [(name: "operator", token: operatorToken)]))
        configuration.secrets = SecretsHandling(policy: settings.secrets, areSealed: !store.openingKeys.isEmpty)
        let isReadyAnyway = settings.withoutLostSecrets
        return ConsoleService(
            store: store, configuration: configuration,
            tls: try .makeServerConfiguration(certificateReloader: credential),
            hooks: ConsoleHooks(
                rolloutsChanged: { _ in signals.notifyRolloutsChanged() },
                previewsAsked: { signals.notifyPreviewsAsked() },
                trustChanged: { signals.notifyTrustChanged() },
                makeJoinToken: { cluster in
                    var generator = SystemRandomNumberGenerator()
                    let token = JoinToken.generate(for: cluster, using: &generator)
                    return (token.text, token.hash)
                },
                installation: installation,
                metrics: { [metrics] in metrics.exposition() },
                unready: { isReadyAnyway ? nil : sealer.unready }, onRunning: onRunning),
            logger: Logger(label: "swell.console"))
    }

    /// The wall clock, for certificates only: decisions read the database's.
    @Sendable private static func now() -> Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }
}
