internal import KubernetesObjects
internal import KubernetesSimulator
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Synchronization
internal import Testing

@testable internal import KubernetesClient
@testable internal import SwellAgent

/// Many applications of one cluster are rolled out twice while their API server is slow, and away now and then: all share its watches,
/// and none may stand still for another.
@Suite(.timeLimit(.minutes(5))) struct SharedRolloutTests {
    private static let count = 16
    /// How many are applied at once.
    private static let atOnce = 8

    /// How far each application has come.
    private final class Progress: Sendable {
        private let state = Mutex<(applied: [Int: Int64], healthy: [Int: Int64])>(([:], [:]))

        func applied(_ number: Int, _ generation: Int64) { state.withLock { $0.applied[number] = generation } }

        func healthy(_ number: Int, _ generation: Int64) { state.withLock { $0.healthy[number] = generation } }

        func count(_ generation: Int64) -> (applied: Int, healthy: Int) {
            state.withLock { state in
                (
                    state.applied.values.count { $0 == generation }, state.healthy.values.count { $0 == generation }
                )
            }
        }
    }

    private static func release(_ number: Int, _ generation: Int64) throws -> ClusterRelease {
        let text = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 1
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec: {containers: [{name: app, image: "web:\(generation)"}]}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            data: {version: "\(generation)"}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec: {selector: {app: web}, ports: [{port: 80}]}
            """
        let namespace = "shop-\(number)"
        let objects = try Manifest.objects(in: text).map { object in
            var placed = object
            placed.namespace = namespace
            return placed
        }
        let digest = ContentDigest(of: Array("\(number) \(generation)".utf8))
        return ClusterRelease(
            application: Application(name: try ApplicationName("a\(number)"), namespace: namespace),
            release: ReleaseReference(version: "\(generation).0.0", digest: digest), generation: generation,
            epoch: generation, objects: objects)
    }

    /// Rolls both releases of an application out as an agent does: what is applied is watched meanwhile, tried again until it is there, and
    /// watched from there on.
    private static func rollOut(
        _ number: Int, _ cluster: KubernetesCluster, _ limiter: RequestLimiter, _ progress: Progress
    ) async throws {
        for generation in [Int64(1), 2] {
            let release = try release(number, generation)
            try await limiter.run {
                try await whileWatching(release, cluster, isApplying: true, onHealth: { _ in }) {
                    try await apply(release, cluster)
                }
            }
            progress.applied(number, generation)
            try await whileWatching(release, cluster, isApplying: false) { health in
                if health.health == .healthy { progress.healthy(number, generation) }
            } _: {
                // The second begins once the first is whole.
                while generation == 2 || progress.count(1).healthy < count {
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
        }
    }

    private static func apply(_ release: ClusterRelease, _ cluster: KubernetesCluster) async throws {
        while true {
            try Task.checkCancellation()
            do {
                _ = try await cluster.apply(release) { _, _ in }
                return
            } catch let error as ClusterError where error.isTransient {
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    private static func whileWatching(
        _ release: ClusterRelease, _ cluster: KubernetesCluster, isApplying: Bool,
        onHealth: @escaping @Sendable (ObservedHealth) -> Void, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    do {
                        try await cluster.watch(release, isApplying: isApplying) {
                            onHealth($0)
                        } onChange: {
                        }
                    } catch is ClusterError {}
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            defer { group.cancelAll() }
            try await body()
        }
    }

    @Test func noneStandsStillInASecondRolloutUnderOutages() async throws {
        try await SimulatedLab.run(serving: false) { lab in
            let cluster = KubernetesCluster(
                api: lab.api, namespace: "swell-system", sharesWatches: true, now: { .wall },
                logger: Logger(label: "test.watches", factory: { _ in SwiftLogNoOpLogHandler() }))
            let limiter = RequestLimiter(maximumRunning: Self.atOnce, maximumWaiting: Self.count)
            let progress = Progress()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await cluster.run() }
                group.addTask { await cluster.watchReach { _ in } }
                for number in 0..<Self.count {
                    group.addTask { try await Self.rollOut(number, cluster, limiter, progress) }
                }
                group.addTask {
                    while progress.count(1).healthy < Self.count { try await Task.sleep(for: .milliseconds(50)) }
                    // Slower than those who wait are patient.
                    let slow = FaultPlan(latency: 0.7)
                    for outage in FaultPlan.Outage.allCases {
                        try await lab.fleet.setFaults(slow, in: "east-1")
                        try await Task.sleep(for: .seconds(4))
                        try await lab.fleet.setFaults(FaultPlan(outage: outage), in: "east-1")
                        try await Task.sleep(for: .seconds(3))
                    }
                    try await lab.fleet.setFaults(slow, in: "east-1")
                }
                defer { group.cancelAll() }
                try await eventually("the first is whole", within: .seconds(120)) {
                    progress.count(1).healthy == Self.count
                }
                try await eventually("the second is whole, too", within: .seconds(150)) {
                    progress.count(2).healthy == Self.count
                }
            }
        }
    }
}
