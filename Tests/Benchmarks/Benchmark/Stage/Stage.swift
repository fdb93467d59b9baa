internal import Foundation
internal import Glibc
internal import Logging
internal import NetworkTesting
internal import PostgresClient
internal import PostgresTesting
internal import SwellIdentity
internal import SwellLoad
internal import SwellModel
internal import SwellStore

/// What figures play on: a PostgreSQL of its own with its promises kept, a coordinator, agents, all processes of their own; and the store,
/// for putting the fleet and its rollouts there.
actor Stage {
    nonisolated let folder: URL
    nonisolated let store: PostgresStore
    nonisolated let pool: PostgresPool
    nonisolated let configuration: PostgresConfiguration
    nonisolated let authorities: AuthoritySet
    private let database: PostgresServer
    private var databaseURL: String
    private let databaseName: String
    private let running: Task<Void, Never>
    private(set) var coordinator: Child?
    private(set) var ports: [String: Int] = [:]
    private var children: [Child] = []
    private var loads: [LoadClient] = []

    /// How often something was started, for names of files.
    private var starts = 0

    nonisolated var stateFolder: String { folder.appending(path: "coordinator").path }
    nonisolated var fleetFile: String { folder.appending(path: "fleet.json").path }

    /// Opens a stage, and runs `body` on it; what it started ends with it.
    static func run<Result: Sendable>(
        settings: [String: String] = [:], _ body: (Stage) async throws -> Result
    ) async throws -> Result {
        let stage = try await Stage(settings)
        do {
            let result = try await body(stage)
            // For whoever looks for where the time went.
            await stage.close(isKept: ProcessInfo.processInfo.environment["SWELL_BENCHMARK_KEEP"] != nil)
            return result
        } catch {
            await stage.close(isKept: true)
            throw error
        }
    }

    private init(_ settings: [String: String]) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "swell-stage-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var options = PostgresServer.Options()
        options.loopback = true
        options.settings = [
            "fsync": "on", "full_page_writes": "on", "shared_buffers": "512MB", "max_connections": "200",
            "max_wal_size": "4GB",
        ].merging(settings) { $1 }
        database = try await PostgresServer.start(options)
        let made = try await database.createDatabase()
        databaseURL = made.url
        databaseName = made.name
        configuration = made.configuration
        try await PostgresStore.migrate(configuration, logger: Logger(label: "benchmark"))
        pool = try PostgresPool(configuration: configuration)
        store = PostgresStore(pool: pool)
        running = Task { [pool] in try? await pool.run() }
        let state = folder.appending(path: "coordinator").path
        let log = folder.appending(path: "init.log").path
        let initialise = try Child.start("swell-coordinator", ["init", "--state-dir", state], log: log)
        let authority = AuthorityDirectory(path: state + "/authority")
        authorities = try await eventually("the state folder", within: .seconds(20)) {
            try? authority.loadSet(trustDomain: TrustDomain("swell.local"), now: Clock.now())
        }
        _ = try await eventually("init to end", within: .seconds(20)) { initialise.isRunning ? nil : true }
        await initialise.end()
    }

    // MARK: Processes

    /// Starts the coordinator, on the ports of before where it ran before, and waits until it serves.
    func startCoordinator(_ more: [String] = []) async throws {
        let ready = folder.appending(path: "coordinator.ready")
        try? FileManager.default.removeItem(at: ready)
        if ports.isEmpty { for name in ["agents", "enrolment", "api"] { ports[name] = try FreePort.find() } }
        func listen(_ name: String) -> String { "127.0.0.1:\(ports[name] ?? 0)" }
        if let former = coordinator { await former.end() }
        coordinator = try serve("a", stateFolder, listen, ready, more)
        ports = try await eventually("the coordinator to be ready", within: .seconds(60), every: .milliseconds(10)) {
            try? JSONDecoder().decode([String: Int].self, from: Data(contentsOf: ready))
        }
    }

    /// Starts another replica, which decides but has no agents, and waits until it serves.
    func startReplica(_ name: String) async throws -> Child {
        let folder = folder.appending(path: "replica-\(name)")
        if !FileManager.default.fileExists(atPath: folder.path) {
            try FileManager.default.copyItem(atPath: stateFolder, toPath: folder.path)
        }
        let ready = self.folder.appending(path: "replica-\(name).ready")
        try? FileManager.default.removeItem(at: ready)
        let free = try ["agents", "enrolment", "api"].map { ($0, try FreePort.find()) }
        let ports = Dictionary(uniqueKeysWithValues: free)
        let child = try serve(name, folder.path, { "127.0.0.1:\(ports[$0] ?? 0)" }, ready, [])
        children.append(child)
        try await eventually("replica \(name) to be ready", within: .seconds(60), every: .milliseconds(10)) {
            FileManager.default.fileExists(atPath: ready.path) ? true : nil
        }
        return child
    }

    private func serve(
        _ replica: String, _ state: String, _ listen: (String) -> String, _ ready: URL, _ more: [String]
    ) throws -> Child {
        try Child.start(
            "swell-coordinator",
            [
                "serve", "--state-dir", state, "--database", databaseURL, "--agent-listen", listen("agents"),
                "--enroll-listen", listen("enrolment"), "--api-listen", listen("api"), "--replica", replica,
                "--ready-file", ready.path, "--log-level", "warning",
            ] + more, log: folder.appending(path: replica == "a" ? "coordinator.log" : "replica-\(replica).log").path)
    }

    /// Kills the coordinator, as a machine that fails would.
    func crashCoordinator() async throws {
        coordinator?.crash()
        let former = coordinator
        try await eventually("the coordinator to be gone", every: .milliseconds(1)) {
            former?.isRunning == true ? nil : true
        }
    }

    /// Starts agents of the fleet file against a port, none of which joins yet.
    func startLoad(on port: Int, _ more: [String] = []) throws -> LoadClient {
        starts += 1
        let load = try LoadClient(
            ["--fleet-file", fleetFile, "--coordinator", "127.0.0.1:\(port)"] + more,
            marks: folder.appending(path: "marks-\(starts)").path,
            log: folder.appending(path: "load-\(starts).log").path)
        loads.append(load)
        return load
    }

    /// Starts agents against the coordinator.
    func startLoad(_ more: [String] = []) throws -> LoadClient {
        guard let port = ports["agents"] else { throw BenchmarkError("there is no coordinator yet") }
        return try startLoad(on: port, more)
    }

    /// Starts what is compared with, `grpc` or `tls`, and waits until it listens.
    func startBaseline(_ kind: String, port given: Int? = nil) async throws -> (child: Child, port: Int) {
        starts += 1
        let port = try given ?? FreePort.find()
        let ready = folder.appending(path: "baseline-\(starts).ready").path
        let child = try Child.start(
            "swell-load",
            ["baseline", kind, "--state-dir", stateFolder, "--port", "\(port)", "--ready-file", ready],
            log: folder.appending(path: "baseline-\(starts).log").path)
        children.append(child)
        let found: Int = try await eventually("the baseline to listen", every: .milliseconds(10)) {
            (try? String(contentsOfFile: ready, encoding: .utf8)).flatMap {
                Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
        return (child, found)
    }

    /// Where the server writes its log.
    var serverLog: URL { URL(filePath: database.directory + "/log") }

    /// How PostgreSQL's own programs reach the database.
    func serverArguments() -> [String] {
        ["-h", database.directory, "-p", "\(database.port)", "-U", "postgres", databaseName]
    }

    /// The database's processes: the one that was started and its children.
    func databaseProcesses() -> [pid_t] {
        guard
            let text = try? String(contentsOfFile: database.directory + "/data/postmaster.pid", encoding: .utf8),
            let first = text.split(separator: "\n").first, let postmaster = pid_t(first)
        else { return [] }
        let children = (try? String(contentsOfFile: "/proc/\(postmaster)/task/\(postmaster)/children", encoding: .utf8))
        return [postmaster] + (children ?? "").split(separator: " ").compactMap { pid_t($0) }
    }

    /// Has coordinators that start from now on reach the database over a link that can be spoilt; whoever takes it closes it.
    func linkDatabase() async throws -> NetworkLink {
        let link = try await NetworkLink(to: [database.port])
        databaseURL = "postgres://postgres@127.0.0.1:\(link.port)/\(databaseName)?sslmode=disable"
        return link
    }

    /// Ends a process with the stage.
    func keep(_ child: Child) { children.append(child) }

    private func close(isKept: Bool = false) async {
        for load in loads { await load.end() }
        for child in children { await child.end() }
        if let coordinator { await coordinator.end() }
        running.cancel()
        await running.value
        try? await database.stop()
        if isKept {
            Progress.say("the logs are kept in \(folder.path)")
        } else {
            try? FileManager.default.removeItem(at: folder)
        }
    }
}

/// The wall clock, for certificates.
enum Clock {
    static func now() -> Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
}
