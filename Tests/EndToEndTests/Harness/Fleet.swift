internal import Foundation
internal import KubernetesObjects
internal import PostgresTesting

/// A whole Swell of real processes: a private PostgreSQL, coordinators, simulated clusters, an agent each.
actor Fleet {
    let folder: URL
    let database: PostgresServer
    let databaseURL: String
    let regions: [String: [String]]
    private(set) var coordinators: [String: ChildProcess] = [:]
    private(set) var agents: [String: ChildProcess] = [:]
    private var simulator: ChildProcess?
    private var ports: [String: (agent: Int, enroll: Int, api: Int)] = [:]

    var clusters: [String] { regions.values.joined().sorted() }

    init(regions: [String: [String]]) async throws {
        self.regions = regions
        folder = FileManager.default.temporaryDirectory.appending(path: "swell-fleet-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try await PostgresServer.start()
        databaseURL = try await database.createDatabase().url
    }

    // MARK: Starting

    /// Starts a coordinator; a second one shares the first one's CA and operator token through the state folder.
    func startCoordinator(_ replica: String = "a") async throws {
        let taken = ports[replica]
        let chosen = try taken ?? (agent: freePort(), enroll: freePort(), api: freePort())
        ports[replica] = chosen
        let ready = folder.appending(path: "coordinator-\(replica).ready")
        try? FileManager.default.removeItem(at: ready)
        coordinators[replica] = try ChildProcess(
            Programs.url("swell-coordinator"),
            [
                "serve", "--state-dir", folder.appending(path: "coordinator").path, "--database", databaseURL,
                "--agent-listen", "127.0.0.1:\(chosen.agent)", "--enroll-listen", "127.0.0.1:\(chosen.enroll)",
                "--api-listen", "127.0.0.1:\(chosen.api)", "--server-name", "localhost", "--server-name", "127.0.0.1",
                "--replica", replica, "--ready-file", ready.path,
            ], log: log("coordinator-\(replica)"))
        try await eventually("coordinator \(replica) to be ready", within: .seconds(30)) {
            FileManager.default.fileExists(atPath: ready.path) ? true : nil
        }
    }

    func startClusters() async throws {
        let ready = folder.appending(path: "kubesim.ready")
        let arguments = regions.flatMap { region, names in names.flatMap { ["--cluster", "\($0):\(region)"] } }
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
        for (region, names) in regions.sorted(by: { $0.key < $1.key }) {
            for name in names {
                documents +=
                    "apiVersion: swell.dev/v1\nkind: Cluster\nmetadata: {name: \(name)}\n"
                    + "spec: {region: \(region), environment: production}\n---\n"
            }
        }
        try await apply(documents)
        for cluster in clusters { try await startAgent(cluster) }
        try await eventually("every agent to connect", within: .seconds(60)) {
            let items = try await swell("get", "clusters", "-o", "json").json()["items"]?.arrayValue ?? []
            let connected = items.filter { $0["status"]?["connected"]?.boolValue == true }
            return connected.count == clusters.count ? true : nil
        }
    }

    func startAgent(_ cluster: String, replica: String = "a") async throws {
        let state = folder.appending(path: "agents/\(cluster)")
        let token = state.appending(path: "join-token")
        if !FileManager.default.fileExists(atPath: token.path) {
            try FileManager.default.createDirectory(at: state, withIntermediateDirectories: true)
            let result = try await swell("cluster", "token", cluster)
            guard result.code == 0 else { throw HarnessError("no token for \(cluster): \(result.errors)") }
            try result.output.write(to: token, atomically: true, encoding: .utf8)
        }
        guard let ports = ports[replica] else { throw HarnessError("there is no coordinator \(replica)") }
        let hash = try String(contentsOf: folder.appending(path: "coordinator/ca-hash"), encoding: .utf8)
        agents[cluster] = try ChildProcess(
            Programs.url("swell-agent"),
            [
                "run", "--cluster", cluster, "--state-dir", state.path, "--coordinator", "localhost:\(ports.agent)",
                "--enroll", "localhost:\(ports.enroll)", "--join-token-file", token.path, "--ca-hash",
                hash.trimmingCharacters(in: .whitespacesAndNewlines), "--kubeconfig",
                folder.appending(path: "kubeconfigs/\(cluster).yaml").path,
            ], log: log("agent-\(cluster)"))
    }

    // MARK: The operator

    /// Calls the command line as an operator would.
    @discardableResult func swell(_ arguments: String..., replica: String = "a") async throws -> CallResult {
        let state = folder.appending(path: "coordinator")
        return try await Programs.call(
            "swell", arguments,
            environment: [
                "SWELL_SERVER": "https://localhost:\(ports[replica]?.api ?? 0)",
                "SWELL_TOKEN_FILE": state.appending(path: "operator-token").path,
                "SWELL_CA_FILE": state.appending(path: "ca.pem").path,
            ])
    }

    /// Applies documents, which must be accepted.
    func apply(_ documents: String) async throws {
        let file = folder.appending(path: "documents-\(UUID().uuidString.prefix(6)).yaml")
        try documents.write(to: file, atomically: true, encoding: .utf8)
        let result = try await swell("apply", "-f", file.path)
        guard result.code == 0 else { throw HarnessError("apply was refused: \(result.errors)") }
    }

    /// Stores a release of an application from one manifest file's text.
    func release(_ application: String, _ version: String, manifests: String) async throws {
        let file = folder.appending(path: "\(application)-\(version).yaml")
        try manifests.write(to: file, atomically: true, encoding: .utf8)
        let result = try await swell("release", "create", application, "--version", version, "-f", file.path)
        guard result.code == 0 else { throw HarnessError("the release was refused: \(result.errors)") }
    }

    /// The status of a rollout as `-o json` gives it; nil while nobody answers.
    func status(_ rollout: String, replica: String = "a") async throws -> JSONValue? {
        let result = try await swell("rollout", "get", rollout, "-o", "json", replica: replica)
        return result.code == 0 ? try result.json()["status"] : nil
    }

    /// Waits until a rollout's status satisfies a condition, and returns it.
    @discardableResult func rollout(
        _ name: String, _ what: String, within limit: Duration = .seconds(90), replica: String = "a",
        until condition: (JSONValue) -> Bool
    ) async throws -> JSONValue {
        try await eventually("rollout \(name) to be \(what)", within: limit) {
            guard let status = try await status(name, replica: replica), condition(status) else { return nil }
            return status
        }
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

    /// Ends everything and removes the folder; to be called at the end of every test.
    func stop() async {
        for process in [simulator].compactMap({ $0 }) + Array(agents.values) + Array(coordinators.values) {
            process.thaw()
            process.kill()
            _ = try? await process.ended(within: .seconds(5))
        }
        try? await database.stop()
        if ProcessInfo.processInfo.environment["SWELL_KEEP_TEST_FOLDERS"] == nil {
            try? FileManager.default.removeItem(at: folder)
        }
    }

    private func log(_ name: String) -> URL { folder.appending(path: "\(name).log") }
}

/// A port that nobody listens on at the moment.
private func freePort() throws -> Int { try FreePort.find() }

/// Runs a test with a fleet that is stopped afterwards, whatever happened.
func withFleet(
    _ regions: [String: [String]] = ["us-east-1": ["use1-a"], "us-west-1": ["usw1-a"], "eu-central-1": ["euc1-a"]],
    _ body: (Fleet) async throws -> Void
) async throws {
    let fleet = try await Fleet(regions: regions)
    do {
        try await fleet.startCoordinator()
        try await fleet.startClusters()
        try await fleet.connect()
        try await body(fleet)
    } catch {
        await fleet.stop()
        throw error
    }
    await fleet.stop()
}
