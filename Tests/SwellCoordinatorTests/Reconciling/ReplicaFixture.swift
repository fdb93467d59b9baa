internal import Logging
internal import PostgresClient
internal import ServiceLifecycle
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

/// A fleet, a planned rollout, and the parts of a coordinator that decide on it.
enum ReplicaFixture {
    static let shop: ApplicationName = "shop"
    static let clusters = ["east-1", "east-2", "west-1"].map { (name: String) -> Cluster in
        Cluster(
            name: Name(stringLiteral: name), region: name.hasPrefix("east") ? "us-east-1" : "us-west-1",
            environment: "production")
    }
    static let policy = RolloutPolicy(
        name: "waves",
        stages: [
            PolicyStage(name: "canary", select: ClusterSelector(regions: ["us-east-1"]), maxConcurrent: .count(1)),
            PolicyStage(name: "rest", select: ClusterSelector(regions: ["us-west-1"])),
        ], minHealthyTime: .zero)
    static let bundle = ContentDocument(content: Array("bundle".utf8))
    static let release = ReleaseReference(version: "1.0", digest: bundle.digest)

    /// Stores the fleet and a planned rollout of release 1.0 over it.
    static func start(_ name: RolloutName, of application: ApplicationName = shop, in store: any Store) async throws {
        _ = try await store.apply(
            FleetDocuments(
                clusters: clusters, applications: [Application(name: application, namespace: "shop")],
                policies: [policy]),
            by: "ann")
        try await store.touch(clusters.map(\.name))
        let now = try await store.now()
        _ = try await store.createRelease(
            Release(
                application: application, reference: release, createdBy: "ann", createdAt: now, objectCount: 0, size: 6),
            documents: [bundle])
        let request = PlanRequest(
            name: name, application: application, release: release, policy: policy, strategy: ApplicationStrategy(),
            createdBy: "ann")
        let snapshot = try await store.snapshot(for: application)
        try await store.createRollout(
            RolloutPlanner.plan(request, snapshot: snapshot, now: now), superseding: [], by: "ann")
    }

    /// Answers for every agent: what is assigned is healthy at once. Ends when cancelled.
    static func answer(_ store: any Store, through ingestor: some ReportIngesting) async throws {
        var cursor: Int64 = 0
        while !Task.isCancelled {
            let changed = try await store.assignments(changedAfter: cursor)
            cursor = changed.cursor
            for assignment in changed.assignments {
                try await ingestor.ingest([healthy(assignment).report], of: assignment.cluster, session: nil)
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    static func healthy(_ assignment: Assignment) -> ReceivedReport {
        ReceivedReport(
            cluster: assignment.cluster,
            report: ApplicationReport(
                application: assignment.application, generation: assignment.generation, digest: assignment.digest,
                epoch: assignment.epoch, phase: .healthy, health: .healthy))
    }

    /// Waits until `condition` holds. It costs a minute only where it never does: other processes may have the machine meanwhile.
    static func eventually(
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while ContinuousClock.now < deadline {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("not within a minute: \(what)", sourceLocation: sourceLocation)
    }
}

/// Passes reports on as they come.
struct DirectIngesting: ReportIngesting {
    let store: any Store
    let signals: FleetSignals

    func ingest(_ reports: [ApplicationReport], of cluster: ClusterName, session: String?) async throws {
        _ = try await store.ingest(reports.map { ReceivedReport(cluster: cluster, report: $0) })
        signals.notifyRolloutsChanged()
    }

    func wait(of cluster: ClusterName) async -> Interval { .zero }
}

/// One replica over PostgreSQL: pool, signals and reconciler, each its own, as in a process of its own.
struct Replica {
    let name: String
    let pool: PostgresPool
    let store: PostgresStore
    let signals: FleetSignals
    let reconciler: Reconciler

    init(_ name: String, _ database: PostgresConfiguration, leaseLifetime: Interval = .seconds(60)) throws {
        self.name = name
        pool = try PostgresPool(
            configuration: database, settings: PostgresPoolSettings(minimum: 0, maximum: 4),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        store = PostgresStore(pool: pool)
        signals = FleetSignals(configuration: database, pool: pool)
        var settings = Reconciler.Settings()
        settings.leaseLifetime = leaseLifetime
        settings.poll = .milliseconds(200)
        reconciler = Reconciler(store: store, signals: signals, holder: name, settings: settings)
    }

    /// Runs until shut down or cancelled; being cancelled it leaves its leases behind, as a killed process does.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in [pool, signals, reconciler] as [any Service] {
                group.addTask { try await service.run() }
            }
            try await group.waitForAll()
        }
    }
}
