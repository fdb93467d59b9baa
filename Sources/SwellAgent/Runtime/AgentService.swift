internal import AsyncSupport
internal import FoundationEssentials
public import KubernetesClient
public import Logging
public import ServiceLifecycle
internal import SwellEngine
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol

/// An agent: keeps its cluster as the coordinator assigns it, and tells how it goes.
///
/// It may be killed at any moment; the next start goes on from the journal.
public struct AgentService: Service {
    private let settings: AgentSettings
    private let cluster: any ClusterPort
    private let now: @Sendable () -> Timestamp
    private let chance: @Sendable () -> Double
    private let logger: Logger

    init(
        settings: AgentSettings, cluster: any ClusterPort, now: @escaping @Sendable () -> Timestamp,
        chance: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }, logger: Logger
    ) {
        self.settings = settings
        self.cluster = cluster
        self.now = now
        self.chance = chance
        self.logger = logger
    }

    /// An agent of the cluster that `api` speaks to.
    ///
    /// - Parameters:
    ///   - namespace: where the agent keeps what it remembers in the cluster; made where there is none.
    ///   - scope: the namespaces to keep to, none of which is made, or nil for the whole cluster. Releases that reach beyond
    ///     are refused whole.
    ///   - managesItself: whether releases may change the agent itself, all but its records.
    public init(
        settings: AgentSettings, api: KubernetesAPI, namespace: String, scope: Set<String>? = nil,
        managesItself: Bool = false, logger: Logger
    ) {
        let now: @Sendable () -> Timestamp = {
            Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        }
        self.init(
            settings: settings,
            cluster: KubernetesCluster(
                api: api, name: settings.link.cluster, namespace: namespace,
                scope: scope.map { NamespaceScope(namespaces: $0) },
                managesItself: managesItself, now: now, logger: logger),
            now: now, logger: logger)
    }

    /// Runs until a graceful shutdown or cancellation.
    ///
    /// - Throws: ``AgentError`` when the state directory cannot be used; with code `otherCluster` when state, certificate or API server
    ///   are another cluster's, of which nothing was touched.
    public func run() async throws {
        try AtomicFile.makeDirectory(settings.stateDirectory)
        let lock = try DirectoryLock(settings.stateDirectory)
        defer { lock.release() }
        if let ready = settings.readyFile { AtomicFile.remove(ready) }
        do {
            try await cancelWhenGracefulShutdown { try await self.work() }
        } catch is CancellationError {
            logger.info("agent stopped")
        }
    }

    private func work() async throws {
        let owner = try OwnerCheck(
            stateDirectory: settings.stateDirectory, name: settings.link.cluster, cluster: cluster, logger: logger)
        let cluster = OwnedCluster(base: cluster, owner: owner)
        let file = JournalFile(stateDirectory: settings.stateDirectory)
        let journal = try await JournalRecovery(file: file, cluster: cluster, now: now, logger: logger).journal()
        let parts = try AgentParts(
            settings: settings, cluster: cluster, file: file, journal: journal, now: now, chance: chance,
            logger: logger)
        logger.info(
            "agent started",
            metadata: [
                "cluster": "\(settings.link.cluster)", "applications": "\(journal.applications.count)",
                "coordinator": "\(settings.link.coordinator)",
                "documents": settings.sealing.map { "sealed with \($0.sealingKey)" } ?? "in clear",
            ])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await parts.loop.run(AgentMachine(journal: journal, rules: settings.rules)) }
            group.addTask { if let error = await owner.foreign.next() { throw error } }
            group.addTask { await parts.alarm.run() }
            group.addTask { await parts.driver.run() }
            group.addTask { await parts.fetcher.run() }
            group.addTask { await parts.previewer.run() }
            group.addTask { try await parts.link.run() }
            if let ready = settings.readyFile {
                try AtomicFile.write(Array("ready\n".utf8), to: ready, isDurable: false)
            }
            // All of them run until the agent ends; one that fails ends the others.
            defer { group.cancelAll() }
            while try await group.next() != nil {}
        }
        try Task.checkCancellation()
    }
}

/// The agent's parts, joined to one another.
private struct AgentParts: Sendable {
    let loop: AgentLoop
    let alarm: Alarm
    let driver: ClusterDriver
    let fetcher: ContentFetcher
    let previewer: Previewer
    let link: Link

    init(
        settings: AgentSettings, cluster: OwnedCluster, file: JournalFile, journal: AgentJournal,
        now: @escaping @Sendable () -> Timestamp, chance: @escaping @Sendable () -> Double, logger: Logger
    ) throws {
        let inbox = Mailbox<MachineEvent>(capacity: 1_024)
        let wanted = Mailbox<ContentDigest>(capacity: 1_024)
        let alarms = LatestValue<Timestamp>()
        let outbox = Outbox()
        let board = ApplicationOrders()
        let view = JournalView(journal)
        let placement = PlacementFile(stateDirectory: settings.stateDirectory)
        let cache = try DocumentCache(
            stateDirectory: settings.stateDirectory, sizeLimit: settings.documentLimit,
            sealing: settings.sealing, logger: logger)
        let content = ReleaseContent(cache: cache)
        let documents = SessionDocuments()
        let identity = ClusterIdentity(cluster: cluster)
        let owner = cluster.owner
        self.loop = AgentLoop(
            inbox: inbox, file: file, view: view, board: board, wanted: wanted, outbox: outbox, alarm: alarms,
            now: now, logger: logger)
        self.alarm = Alarm(alarms: alarms, inbox: inbox, now: now)
        self.driver = ClusterDriver(
            cluster: cluster.givingBack { await board.giveBack(to: $0) }, content: content, placement: placement,
            board: board, inbox: inbox,
            limiter: ConcurrencyLimiter(
                running: settings.concurrentApplies, waiting: WireLimits.applications),
            driftInterval: settings.driftInterval, now: now,
            logger: logger)
        self.fetcher = ContentFetcher(
            content: content, source: documents, wanted: wanted, inbox: inbox, journal: view, chance: chance,
            logger: logger)
        let previews = PreviewQueue()
        self.previewer = Previewer(
            cluster: cluster, content: content, source: documents, placement: placement, questions: previews,
            journal: view, outbox: outbox, logger: logger)
        let ports = SessionPorts(
            inbox: inbox, outbox: outbox, placement: placement, previews: previews, journal: view,
            clusterUID: {
                var uid = await identity.uid()
                // A coordinator that refused it can change its mind only on a uid.
                while uid == nil, await owner.isRefused, (try? await Task.sleep(for: .seconds(5))) != nil {
                    uid = await identity.uid()
                }
                // Another cluster's is nobody's business there.
                if uid != nil, (try? await owner.confirm(isReading: true)) == nil { uid = nil }
                await owner.tells(uid: uid)
                return uid
            }, refusedAsAnother: { await owner.refused($0) }, welcomed: { await owner.welcomed() },
            bootID: Self.bootID(), now: now, chance: chance)
        self.link = Link(
            settings: settings.link, ports: ports,
            directory: AgentCredentialDirectory(path: settings.stateDirectory + "/identity"), documents: documents,
            logger: logger)
    }

    private static func bootID() -> String {
        String(UInt64.random(in: 0...UInt64.max), radix: 16) + String(UInt64.random(in: 0...UInt64.max), radix: 16)
    }
}

/// The cluster's uid, asked for until the cluster has answered once.
private actor ClusterIdentity {
    private let cluster: any ClusterPort
    private var known: String?

    init(cluster: any ClusterPort) { self.cluster = cluster }

    /// The uid; nil while the API server does not answer. A session with the coordinator begins with it, and must not wait
    /// for a server that is silent: the coordinator is who has to hear of that.
    func uid() async -> String? {
        if let known { return known }
        let cluster = cluster
        known = await withTaskGroup(of: String?.self) { group in
            group.addTask { try? await cluster.uid() }
            group.addTask {
                try? await Task.sleep(for: .seconds(2))
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        return known
    }
}
