internal import AsyncSupport
internal import Foundation
internal import KubernetesObjects
internal import NIOCore
internal import NetworkTesting
internal import PostgresTesting

/// A whole Swell of real processes: a private PostgreSQL, coordinators, simulated clusters, an agent each.
actor Fleet {
    /// What it is made of.
    struct Shape: Sendable {
        /// The clusters of each region.
        var regions = ["us-east-1": ["use1-a"], "us-west-1": ["usw1-a"], "eu-central-1": ["euc1-a"]]
        /// Whether every connection goes through a ``NetworkLink`` that the test can spoil.
        var isLinked = false
        /// The size in MiB of a disk of its own for PostgreSQL.
        var diskSize: Int?
        /// How often agents look for drift.
        var driftInterval = "60s"
        /// The coordinators that it begins with; each agent dials one of them.
        var replicas = ["a"]
        /// Whether agents are given keys for what they keep of releases.
        var sealsAgents = false
        /// Whether base backups can be taken of the database.
        var allowsBackups = false
        /// Settings of PostgreSQL, over those that suit tests.
        var databaseSettings: [String: String] = [:]
    }

    let folder: URL
    let shape: Shape
    let database: PostgresServer
    let databaseName: String
    private(set) var coordinators: [String: ChildProcess] = [:]
    private(set) var agents: [String: ChildProcess] = [:]
    private(set) var simulator: ChildProcess?
    private var ports: [String: (agent: Int, enroll: Int, api: Int)] = [:]
    private(set) var links: [LinkName: NetworkLink] = [:]
    /// What operators ordered and were told was done, in order.
    private(set) var acknowledged: [Order] = []

    var clusters: [String] { shape.regions.values.joined().sorted() }
    var replicas: [String] { ports.keys.sorted() }

    init(_ shape: Shape) async throws {
        self.shape = shape
        folder = FileManager.default.temporaryDirectory.appending(path: "swell-fleet-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var options = PostgresServer.Options()
        options.loopback = shape.isLinked
        options.diskSize = shape.diskSize
        options.allowsBackups = shape.allowsBackups
        options.settings = shape.databaseSettings
        database = try await PostgresServer.start(options)
        databaseName = try await database.createDatabase().name
    }

    /// The database as the tests reach it: always directly.
    nonisolated var databaseURL: String { database.url(database: databaseName) }

    // MARK: Starting

    /// Starts a coordinator and waits until it serves; a second one shares the first one's CA and operator token through the state
    /// folder.
    func startCoordinator(_ replica: String = "a", clock: ClockShift? = nil) async throws {
        try await launchCoordinator(replica, clock: clock)
        try await awaitCoordinator(replica)
    }

    /// Starts a coordinator, and does not wait for it.
    func launchCoordinator(_ replica: String = "a", clock: ClockShift? = nil) async throws {
        let chosen = try ports[replica] ?? (agent: FreePort.find(), enroll: FreePort.find(), api: FreePort.find())
        ports[replica] = chosen
        let ready = folder.appending(path: "coordinator-\(replica).ready")
        try? FileManager.default.removeItem(at: ready)
        coordinators[replica] = try ChildProcess(
            Programs.url("swell-coordinator"),
            [
                "serve", "--state-dir", stateFolder.path, "--database", try await databaseURL(for: replica),
                "--agent-listen", "127.0.0.1:\(chosen.agent)", "--enroll-listen", "127.0.0.1:\(chosen.enroll)",
                "--api-listen", "127.0.0.1:\(chosen.api)", "--server-name", "localhost", "--server-name", "127.0.0.1",
                "--replica", replica, "--ready-file", ready.path,
            ], environment: clock?.environment ?? [:], log: log("coordinator-\(replica)"))
        for cluster in clusters {
            links[.agentToCoordinator(cluster)]?.lead(to: ports.values.map(\.agent).sorted())
            links[.agentToEnrolment(cluster)]?.lead(to: ports.values.map(\.enroll).sorted())
        }
    }

    /// Waits until a coordinator serves.
    func awaitCoordinator(_ replica: String = "a", within limit: Duration = .seconds(30)) async throws {
        let ready = folder.appending(path: "coordinator-\(replica).ready")
        try await eventually("coordinator \(replica) to be ready", within: limit) {
            FileManager.default.fileExists(atPath: ready.path) ? true : nil
        }
    }

    /// Starts the simulated clusters, empty ones. A start after the first is of rebuilt clusters: their kubeconfigs are new.
    func startClusters() async throws {
        let ready = folder.appending(path: "kubesim.ready")
        try? FileManager.default.removeItem(at: ready)
        let arguments = shape.regions.flatMap { region, names in names.flatMap { ["--cluster", "\($0):\(region)"] } }
        simulator = try ChildProcess(
            Programs.url("swell-kubesim"),
            ["serve", "--kubeconfig-dir", folder.appending(path: "kubeconfigs").path, "--ready-file", ready.path]
                + arguments,
            log: log("kubesim"))
        try await eventually("the simulated clusters", within: .seconds(30)) {
            FileManager.default.fileExists(atPath: ready.path) ? true : nil
        }
    }

    /// Declares the fleet, joins every cluster, and waits until all are connected.
    func connect() async throws {
        var documents = ""
        for (region, names) in shape.regions.sorted(by: { $0.key < $1.key }) {
            for name in names {
                documents +=
                    "apiVersion: swell.dev/v1\nkind: Cluster\nmetadata: {name: \(name)}\n"
                    + "spec: {region: \(region), environment: production}\n---\n"
            }
        }
        try await apply(documents)
        let places = clusters.enumerated().map { ($1, shape.replicas[$0 % shape.replicas.count]) }
        // Each makes a join token by a call of the command line, which takes its time.
        try await forEachConcurrently(places, atMost: 4) {
            try await self.startAgent($0, replica: $1)
        } onResult: { _ in
        }
        try await awaitAgents(within: .seconds(60))
    }

    /// Waits until every cluster's agent has a session.
    func awaitAgents(within limit: Duration, replica: String = "a") async throws {
        try await eventually("every agent to connect", within: limit) { () -> Bool? in
            let answer = try await swell("get", "clusters", "-o", "json", replica: replica)
            guard answer.code == 0 else { return nil }
            let items = try answer.json()["items"]?.arrayValue ?? []
            let connected = items.filter { $0["status"]?["connected"]?.boolValue == true }
            return connected.count == clusters.count ? true : nil
        }
    }

    /// Starts an agent, with a join token where it has none yet.
    ///
    /// - Parameter kubeconfig: How it reaches its cluster, where that is not as everybody does.
    func startAgent(
        _ cluster: String, replica: String = "a", clock: ClockShift? = nil, kubeconfig own: URL? = nil,
        dialling address: (coordinator: String, enrolment: String)? = nil
    ) async throws {
        let state = agentFolder(cluster)
        let token = state.appending(path: "join-token")
        if !FileManager.default.fileExists(atPath: token.path) { try await writeToken(for: cluster) }
        let hash = try String(contentsOf: stateFolder.appending(path: "ca-hash"), encoding: .utf8)
        let (fleetPort, enrolmentPort) = try await dialled(by: cluster, replica: replica)
        let kubeconfig = if let own { own } else { try await kubeconfig(of: cluster) }
        let key = folder.appending(path: "agent-keys/\(cluster)")
        if shape.sealsAgents, !FileManager.default.fileExists(atPath: key.path) {
            try FileManager.default.createDirectory(
                at: key.deletingLastPathComponent(), withIntermediateDirectories: true)
            let made = try await Programs.call("swell-agent", ["make-key", key.path])
            guard made.code == 0 else { throw HarnessError("no key for \(cluster): \(made.errors)") }
        }
        agents[cluster] = try ChildProcess(
            Programs.url("swell-agent"),
            [
                "run", "--cluster", cluster, "--state-dir", state.path,
                "--coordinator", address?.coordinator ?? "localhost:\(fleetPort)",
                "--enroll", address?.enrolment ?? "localhost:\(enrolmentPort)", "--join-token-file", token.path,
                "--ca-hash",
                hash.trimmingCharacters(in: .whitespacesAndNewlines), "--kubeconfig",
                kubeconfig.path, "--drift-interval", shape.driftInterval,
            ] + (shape.sealsAgents ? ["--secrets-key-file", key.path] : []), environment: clock?.environment ?? [:],
            log: log("agent-\(cluster)"))
    }

    /// Has the operator make a join token, and puts it where the agent looks for it.
    func writeToken(for cluster: String) async throws {
        try FileManager.default.createDirectory(at: agentFolder(cluster), withIntermediateDirectories: true)
        let result = try await swell("cluster", "token", cluster)
        guard result.code == 0 else { throw HarnessError("no token for \(cluster): \(result.errors)") }
        let file = agentFolder(cluster).appending(path: "join-token")
        try result.output.write(to: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }

    // MARK: Places

    /// The coordinators' state folder.
    nonisolated var stateFolder: URL { folder.appending(path: "coordinator") }
    nonisolated func agentFolder(_ cluster: String) -> URL { folder.appending(path: "agents/\(cluster)") }
    nonisolated func log(_ name: String) -> URL { folder.appending(path: "\(name).log") }
    /// What a process printed so far.
    nonisolated func printed(_ name: String) -> String { (try? String(contentsOf: log(name), encoding: .utf8)) ?? "" }
    /// Where a coordinator listens for agents.
    func fleetPort(_ replica: String = "a") -> Int { ports[replica]?.agent ?? 0 }
    func enrolmentPort(_ replica: String = "a") -> Int { ports[replica]?.enroll ?? 0 }
    func apiPort(_ replica: String = "a") -> Int { ports[replica]?.api ?? 0 }

    private func databaseURL(for replica: String) async throws -> String {
        guard shape.isLinked else { return databaseURL }
        let link = try await link(.coordinatorToDatabase(replica), to: [database.port])
        return "postgres://postgres@127.0.0.1:\(link.port)/\(databaseName)?sslmode=disable"
    }

    private func dialled(by cluster: String, replica: String) async throws -> (fleet: Int, enrolment: Int) {
        guard let own = ports[replica] else { throw HarnessError("there is no coordinator \(replica)") }
        guard shape.isLinked else { return (own.agent, own.enroll) }
        let fleet = try await link(.agentToCoordinator(cluster), to: ports.values.map(\.agent).sorted())
        let enrolment = try await link(.agentToEnrolment(cluster), to: ports.values.map(\.enroll).sorted())
        return (fleet.port, enrolment.port)
    }

    /// The kubeconfig that an agent is given: the simulator's, or one that leads through a link.
    private func kubeconfig(of cluster: String) async throws -> URL {
        let original = folder.appending(path: "kubeconfigs/\(cluster).yaml")
        guard shape.isLinked else { return original }
        let text = try String(contentsOf: original, encoding: .utf8)
        guard let address = text.firstMatch(of: /https:\/\/127\.0\.0\.1:(\d+)/), let port = Int(address.output.1) else {
            throw HarnessError("\(original.path) names no server on the loopback interface")
        }
        let link = try await link(.agentToCluster(cluster), to: [port])
        let copy = agentFolder(cluster).appending(path: "kubeconfig.yaml")
        try text.replacing(address.output.0, with: "https://127.0.0.1:\(link.port)")
            .write(to: copy, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: copy.path)
        return copy
    }

    private func link(_ name: LinkName, to destinations: [Int]) async throws -> NetworkLink {
        if let link = links[name] {
            link.lead(to: destinations)
            return link
        }
        let link = try await NetworkLink(to: destinations)
        links[name] = link
        return link
    }

    // MARK: The operator

    /// Notes that an operator was told that an order was taken.
    func note(_ order: Order) { acknowledged.append(order) }

    /// Forgets the orders after the first so many, as the database has: it went back to before them.
    func forget(after count: Int) { acknowledged.removeLast(acknowledged.count - count) }

    /// Calls the command line as an operator would.
    @discardableResult func swell(_ arguments: String..., replica: String = "a") async throws -> CallResult {
        try await swell(arguments, replica: replica)
    }

    /// Calls the command line as an operator would, who gives up after `limit`.
    @discardableResult func swell(
        _ arguments: [String], replica: String, clock: ClockShift? = nil, within limit: Duration = .seconds(60)
    ) async throws -> CallResult {
        try await Programs.call(
            "swell", arguments,
            environment: (clock?.environment ?? [:]).merging([
                "SWELL_SERVER": "https://localhost:\(apiPort(replica))",
                "SWELL_TOKEN_FILE": stateFolder.appending(path: "operator-token").path,
                "SWELL_CA_FILE": stateFolder.appending(path: "ca.pem").path,
            ]) { $1 }, within: limit)
    }

    // MARK: Trouble

    func killCoordinator(_ replica: String = "a") async throws {
        coordinators[replica]?.kill()
        try await coordinators[replica]?.ended()
    }

    func killAgent(_ cluster: String) async throws {
        agents[cluster]?.kill()
        try await agents[cluster]?.ended()
    }

    /// Kills the simulated clusters with all that was in them.
    func killClusters() async throws {
        simulator?.kill()
        try await simulator?.ended()
    }

    /// Ends everything and removes the folder; to be called at the end of every test.
    func stop() async {
        for process in [simulator].compactMap({ $0 }) + Array(agents.values) + Array(coordinators.values) {
            process.thaw()
            process.kill()
            _ = try? await process.ended(within: .seconds(5))
        }
        for link in links.values { await link.close() }
        try? await database.stop()
        if ProcessInfo.processInfo.environment["SWELL_KEEP_TEST_FOLDERS"] == nil {
            try? FileManager.default.removeItem(at: folder)
        }
    }
}

/// Which two processes a link is between.
enum LinkName: Sendable, Hashable, CustomStringConvertible {
    case agentToCoordinator(String)
    case agentToEnrolment(String)
    case agentToCluster(String)
    case coordinatorToDatabase(String)

    var description: String {
        switch self {
        case .agentToCoordinator(let name): "agent \(name) to the coordinators"
        case .agentToEnrolment(let name): "agent \(name) to enrolment"
        case .agentToCluster(let name): "agent \(name) to its API server"
        case .coordinatorToDatabase(let name): "coordinator \(name) to the database"
        }
    }
}

/// An order that an operator was told was taken.
struct Order: Sendable, Hashable {
    /// What was ordered, as the command line spells it: `rollout pause`, `region resume`.
    var verb: String
    /// The rollout, region or version.
    var subject: String
    /// A word of its own in the order's reason, where it takes one.
    var mark: String?
}

/// Runs a test with a fleet of these regions' clusters.
func withFleet(_ regions: [String: [String]], _ body: (Fleet) async throws -> Void) async throws {
    try await withFleet(Fleet.Shape(regions: regions), body)
}

/// Runs a test with a fleet that is stopped afterwards, whatever happened.
func withFleet(_ shape: Fleet.Shape = Fleet.Shape(), _ body: (Fleet) async throws -> Void) async throws {
    let fleet = try await Fleet(shape)
    do {
        for replica in shape.replicas { try await fleet.startCoordinator(replica) }
        try await fleet.startClusters()
        try await fleet.connect()
        try await body(fleet)
    } catch {
        await fleet.stop()
        throw error
    }
    await fleet.stop()
}
