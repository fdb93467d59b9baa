internal import KubernetesObjects
internal import KubernetesSimulator
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import KubernetesClient
@testable internal import SwellAgent

/// A simulated cluster with its controllers, a scripted coordinator, and agents that can be started, killed and started
/// again, each with a client of its own.
struct SimulatedLab: Sendable {
    let fleet: SimulatedFleet
    let world: AgentWorld
    let directory: String
    /// A client for the test's own looks.
    let api: KubernetesAPI

    /// The kubeconfig that agents of this lab read, each time again.
    var kubeconfigPath: String { directory + "/kubeconfig" }

    /// - Parameter serving: Whether the coordinator is there all the time; otherwise the test lets it serve.
    static func run(
        serving: Bool = true, _ body: @escaping @Sendable (SimulatedLab) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            let fleet = try SimulatedFleet(clusters: [.init(name: "east-1")], pace: .quick)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await fleet.run() }
                try await fleet.ready()
                let text = try await fleet.kubeconfig(for: "east-1")
                try AtomicFile.write(Array(text.utf8), to: directory + "/kubeconfig", isDurable: false)
                let api = try KubernetesAPI(connection: try Kubeconfig(text: text, file: "simulated").connection())
                let world = try await AgentWorld(directory: directory, cluster: FakeCluster())
                let lab = SimulatedLab(fleet: fleet, world: world, directory: directory, api: api)
                do {
                    if serving {
                        try await world.coordinator.serve { try await body(lab) }
                    } else {
                        try await body(lab)
                    }
                } catch {
                    await api.shutdown()
                    group.cancelAll()
                    throw error
                }
                await api.shutdown()
                group.cancelAll()
            }
        }
    }

    /// Runs an agent while `body` runs, then kills it.
    ///
    /// - Parameters:
    ///   - state: The name of its state directory; another one is a lost disk.
    ///   - tap: Stands between the agent and the API server.
    ///   - retry: How often requests are tried again, where not as quickly as tests like it.
    ///   - drift: How often the agent looks for drift, where not as often as tests of drift like it.
    func withAgent<Result: Sendable>(
        state: String = "state", tap: RequestTap? = nil, rules: AgentRules? = nil, retry: RetryPolicy? = nil,
        drift: Duration? = nil,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        var options = KubernetesAPI.Options()
        options.retry =
            retry ?? RetryPolicy(maximumAttempts: 3, base: .milliseconds(200), ceiling: .seconds(1))
        let path = kubeconfigPath
        let direct = HTTPTransport(
            source: { try Kubeconfig(path: path).connection() }, connections: 200, connectTimeout: .seconds(5))
        var transport: any KubernetesTransport = direct
        if let tap {
            tap.connect(to: direct)
            transport = tap
        }
        let api = KubernetesAPI(transport: transport, options: options)
        var logger = Logger(label: "test.agent")
        logger.logLevel = .error
        let cluster = KubernetesCluster(api: api, namespace: "swell-system", now: { .wall }, logger: logger)
        var settings = try await world.settings()
        settings.stateDirectory = directory + "/" + state
        if let rules { settings.rules = rules }
        if let drift { settings.driftInterval = drift }
        let service = AgentService(
            settings: settings, cluster: cluster, now: { .wall }, chance: { 0.2 }, logger: logger)
        let outcome = await withTaskGroup(of: Swift.Result<Result, any Error>?.self) { group in
            group.addTask {
                do {
                    try await service.run()
                    return nil
                } catch { return .failure(error) }
            }
            group.addTask {
                do { return .success(try await body()) } catch { return .failure(error) }
            }
            var outcome: Swift.Result<Result, any Error>?
            while let next = await group.next() {
                guard let next, outcome == nil else { continue }
                outcome = next
                group.cancelAll()
            }
            return outcome
        }
        await api.shutdown()
        guard let outcome else { throw CancellationError() }
        return try outcome.get()
    }

    func object(
        _ apiVersion: String, _ kind: String, _ name: String, namespace: String? = "shop"
    ) async throws -> KubernetesObject? {
        let type = GroupVersionKind(apiVersion: apiVersion, kind: kind)
        return try await api.get(ObjectReference(type: type, namespace: namespace, name: name))
    }

    func report() async -> ApplicationReport? { await world.coordinator.last("shop") }

    /// Waits until the agent reports so.
    func waitFor(
        _ what: String, within limit: Duration = .seconds(30), _ holds: @Sendable (ApplicationReport) -> Bool
    ) async throws {
        do {
            try await eventually("\(what)", within: limit) { await report().map(holds) ?? false }
        } catch {
            let last = await report().map { "\($0)" } ?? "nothing"
            Issue.record("instead of '\(what)' the agent said last: \(last)")
            throw error
        }
    }
}

/// Sample manifests of an application "shop".
enum ShopManifest {
    static let namespace = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop}
        ---

        """

    static func deployment(_ name: String, image: String, deadline: Int = 2) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: \(name)}
        spec:
          replicas: 2
          progressDeadlineSeconds: \(deadline)
          selector: {matchLabels: {app: \(name)}}
          template:
            metadata: {labels: {app: \(name)}}
            spec: {containers: [{name: app, image: "\(image)"}]}
        ---

        """
    }

    static func configMap(_ name: String, _ value: String = "1") -> String {
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \(name)}\ndata: {key: \"\(value)\"}\n---\n"
    }

    static func secret(_ name: String, _ value: String) -> String {
        "apiVersion: v1\nkind: Secret\nmetadata: {name: \(name)}\ndata: {key: \(value)}\n---\n"
    }

    static func hook(_ name: String, _ moment: String, image: String = "migrate:1") -> String {
        """
        apiVersion: batch/v1
        kind: Job
        metadata:
          name: \(name)
          annotations: {swell.dev/hook: \(moment), swell.dev/hook-timeout: 20s}
        spec:
          backoffLimit: 0
          template:
            spec:
              restartPolicy: Never
              containers: [{name: migrate, image: "\(image)"}]
        ---

        """
    }
}
