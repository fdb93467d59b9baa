internal import FoundationEssentials
public import KubernetesObjects
public import Logging
internal import NIOCore
internal import NIOSSL
public import ServiceLifecycle

/// Many simulated Kubernetes clusters in one process, each with an HTTPS listener of its own on the loopback interface.
///
/// Run it in a `ServiceGroup` or a child task; ``ready()`` returns once every listener listens.
///
/// ```swift
/// let fleet = try SimulatedFleet(clusters: [.init(name: "one")])
/// try await withThrowingTaskGroup { group in
///     group.addTask { try await fleet.run() }
///     try await fleet.ready()
///     let kubeconfig = try await fleet.kubeconfig(for: "one")
///     // …
///     group.cancelAll()
/// }
/// ```
public final class SimulatedFleet: Service {
    /// One cluster to simulate.
    public struct Cluster: Sendable, Hashable {
        /// Its name: lower case letters, digits, `-` and `.`; unique in the fleet.
        public var name: String
        /// Where it is said to be.
        public var region: String
        /// The port of its API server; 0 lets the system choose.
        public var port: Int
        /// How many nodes it has, 1 to 100.
        public var nodes: Int

        /// Describes a cluster.
        public init(name: String, region: String = "", port: Int = 0, nodes: Int = 3) {
            self.name = name
            self.region = region
            self.port = port
            self.nodes = nodes
        }
    }

    /// How fast simulated things happen, in seconds.
    public struct Pace: Sendable, Hashable {
        /// From a pod's creation to its readiness: the least and the most.
        public var podReady: ClosedRange<Double>
        /// From a pod's deletion to its end.
        public var podTermination: Double
        /// How long a job's container runs.
        public var jobRun: Double
        /// From a slow pod's creation to its readiness.
        public var slowPodReady: Double

        /// Creates a pace; the defaults suit demonstrations.
        public init(
            podReady: ClosedRange<Double> = 0.3...1.0, podTermination: Double = 1.2, jobRun: Double = 0.3,
            slowPodReady: Double = 20
        ) {
            self.podReady = podReady
            self.podTermination = podTermination
            self.jobRun = jobRun
            self.slowPodReady = slowPodReady
        }

        /// For tests: pods are ready within some 30 ms.
        public static let quick = Pace(podReady: 0.01...0.03, podTermination: 0.02, jobRun: 0.02, slowPodReady: 2)
    }

    /// The clusters, in the order given.
    public let clusters: [Cluster]
    /// The certificate of the authority that vouches for every listener, as PEM.
    public let certificateAuthorityPEM: String
    /// The bearer token that every API server accepts.
    public let token: String

    private let authority: CertificateAuthority
    private let simulated: [String: SimulatedCluster]
    private let ports: PortRegistry
    private let logger: Logger
    private let clock: @Sendable () -> Double

    /// Prepares clusters; nothing listens until ``run()``.
    ///
    /// - Parameters:
    ///   - seed: makes names, UIDs, latencies and chance repeatable.
    ///   - token: the bearer token to accept; made from the system's randomness when nil.
    /// - Throws: ``SimulatorError`` when a name is unfit or given twice, or the authority cannot be made.
    public init(
        clusters: [Cluster], seed: UInt64 = 1, pace: Pace = Pace(), token: String? = nil,
        logger: Logger = Logger(label: "kubernetes-simulator", factory: { _ in SwiftLogNoOpLogHandler() })
    ) throws(SimulatorError) {
        let clock: @Sendable () -> Double = { Date().timeIntervalSince1970 }
        var timing = ClusterState.Timing()
        timing.podReady = pace.podReady
        timing.podTermination = pace.podTermination
        timing.jobRun = pace.jobRun
        timing.slowPodReady = pace.slowPodReady
        timing.reaction = min(timing.reaction, pace.podReady.lowerBound / 4)
        timing.provisioning = min(0.5, pace.podReady.upperBound)
        timing.definitionEstablishing = min(0.1, pace.podReady.upperBound)
        var simulated: [String: SimulatedCluster] = [:]
        for cluster in clusters {
            let isFit =
                !cluster.name.isEmpty && cluster.name.utf8.count <= 253
                && cluster.name.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                        || byte == UInt8(ascii: ".")
                } && cluster.name.first != "."
            guard isFit else {
                throw SimulatorError(
                    code: .invalidName,
                    message: "\"\(cluster.name)\" names no cluster: use lower case letters, digits, - and .")
            }
            let state = ClusterState(
                name: cluster.name, seed: seed, nodes: min(max(cluster.nodes, 1), 100), timing: timing, now: clock())
            guard simulated.updateValue(SimulatedCluster(state: state, clock: clock), forKey: cluster.name) == nil
            else {
                throw SimulatorError(code: .invalidName, message: "two clusters are named \"\(cluster.name)\"")
            }
        }
        authority = try CertificateAuthority(now: Date())
        certificateAuthorityPEM = authority.certificatePEM
        var random = SystemRandomNumberGenerator()
        self.token = token ?? String((0..<32).map { _ in SeededRandom.alphabet[Int(random.next() % 27)] })
        self.clusters = clusters
        self.simulated = simulated
        self.logger = logger
        self.clock = clock
        ports = PortRegistry(expected: clusters.map(\.name))
    }

    /// Serves all clusters until the task is cancelled or the service group shuts down.
    public func run() async throws {
        let identity = try authority.serverIdentity(now: Date())
        var tls: TLSConfiguration
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8))
            let key = try NIOSSLPrivateKey(bytes: Array(identity.keyPEM.utf8), format: .pem)
            tls = .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        } catch {
            throw SimulatorError(
                code: .certificate, message: "cannot use the server certificate: \(error)", cause: error)
        }
        // A client that does not say goodbye must not hold up an ordered outage or the end.
        tls.shutdownTimeout = .milliseconds(100)
        let settings = tls
        do {
            try await cancelWhenGracefulShutdown {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for cluster in self.clusters {
                        guard let simulated = self.simulated[cluster.name] else { continue }
                        group.addTask { try await self.serve(simulated, port: cluster.port, tls: settings) }
                        group.addTask {
                            await simulated.runControllers()
                            await simulated.stop()
                        }
                    }
                    do {
                        try await group.waitForAll()
                    } catch {
                        await self.ports.fail(error)
                        throw error
                    }
                }
            }
        } catch is CancellationError {
            // Being told to stop is how this ends.
        }
        for simulated in simulated.values { await simulated.stop() }
        await ports.fail(CancellationError())
    }

    /// Keeps a cluster's listener up, except while a refusing outage is ordered.
    private func serve(_ simulated: SimulatedCluster, port: Int, tls: TLSConfiguration) async throws {
        let name = simulated.name
        var port = port
        while !Task.isCancelled {
            await simulated.waitUntilRefusing(false)
            try Task.checkCancellation()
            let listener = ClusterListener(
                cluster: simulated, token: token, tls: tls, clock: clock, logger: Self.quiet(logger))
            let wanted = port
            do {
                try await listener.serve(port: wanted) { actual in await self.ports.post(actual, for: name) }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                throw SimulatorError(
                    code: .start,
                    message: "the API server of cluster \(name) cannot listen on port \(wanted): \(error)", cause: error
                )
            }
            port = await ports.port(of: name) ?? port
        }
    }

    /// Connections that are cut on purpose are no news.
    private static func quiet(_ logger: Logger) -> Logger {
        var result = logger
        result.logLevel = max(logger.logLevel, .critical)
        return result
    }

    /// Returns once every cluster's API server listens.
    ///
    /// - Throws: the error that kept one from it.
    public func ready() async throws {
        try await ports.waitForAll()
    }

    // MARK: Reaching a cluster

    /// The URL of a cluster's API server; waits until it listens.
    public func server(of cluster: String) async throws -> String {
        _ = try lookUp(cluster)
        return "https://127.0.0.1:\(try await ports.waitForPort(of: cluster))"
    }

    /// A kubeconfig for a cluster, with everything in it that a client needs; waits until its API server listens.
    public func kubeconfig(for cluster: String) async throws -> String {
        try await kubeconfig(for: cluster, user: "admin", token: token)
    }

    /// A kubeconfig for a service account of a cluster, whose holder may do what the cluster's roles grant it; good while
    /// the account is there.
    public func kubeconfig(
        for cluster: String, serviceAccount name: String, namespace: String
    ) async throws -> String {
        let token = await (try lookUp(cluster)).issueToken(namespace: namespace, name: name, expires: .infinity)
        return try await kubeconfig(for: cluster, user: name, token: token)
    }

    private func kubeconfig(for cluster: String, user: String, token: String) async throws -> String {
        let server = try await server(of: cluster)
        let authority = Base64.encode(certificateAuthorityPEM)
        let config: JSONValue = [
            "apiVersion": "v1", "kind": "Config", "current-context": .string(cluster),
            "clusters": [
                [
                    "name": .string(cluster),
                    "cluster": ["server": .string(server), "certificate-authority-data": .string(authority)],
                ]
            ],
            "contexts": [
                [
                    "name": .string(cluster),
                    "context": ["cluster": .string(cluster), "user": .string(user), "namespace": "default"],
                ]
            ],
            "users": [["name": .string(user), "user": ["token": .string(token)]]],
        ]
        return config.yaml()
    }

    // MARK: Faults

    /// The faults in force in a cluster.
    public func faults(in cluster: String) async throws(SimulatorError) -> FaultPlan {
        await (try lookUp(cluster)).faults
    }

    /// Orders faults in a cluster, in place of those in force.
    public func setFaults(_ plan: FaultPlan, in cluster: String) async throws(SimulatorError) {
        await (try lookUp(cluster)).setFaults(plan)
    }

    func changeFaults(_ order: FaultOrder, in cluster: String) async throws(SimulatorError) -> FaultPlan {
        try await lookUp(cluster).changeFaults(order)
    }

    /// Makes a cluster forget its past writes, so that watches from before now get 410 Gone.
    public func compact(_ cluster: String) async throws(SimulatorError) {
        await (try lookUp(cluster)).compact()
    }

    // MARK: Looking in

    /// The objects of a kind in a cluster, by plural and group (`deployments.apps`, `configmaps`).
    public func objects(
        _ resource: String, namespace: String? = nil, in cluster: String
    ) async throws(SimulatorError) -> [JSONValue] {
        await (try lookUp(cluster)).objects(resource, namespace: namespace)
    }

    /// One object; nil when it is not there.
    public func object(
        _ resource: String, namespace: String? = nil, name: String, in cluster: String
    ) async throws(SimulatorError) -> JSONValue? {
        try await objects(resource, namespace: namespace, in: cluster).first { $0.name == name }
    }

    /// How many watches are open on a cluster.
    public func openWatches(in cluster: String) async throws(SimulatorError) -> Int {
        await (try lookUp(cluster)).watcherCount
    }

    func lookUp(_ cluster: String) throws(SimulatorError) -> SimulatedCluster {
        guard let found = simulated[cluster] else {
            let names = clusters.map(\.name).joined(separator: ", ")
            throw SimulatorError(
                code: .unknownCluster, message: "no cluster is named \"\(cluster)\"; there are \(names)")
        }
        return found
    }
}
