internal import Glibc
public import PostgresClient

/// A private PostgreSQL server in a directory of its own, for tests. It goes, directory and all, when it is released or
/// the process ends, however that ends.
public actor PostgresServer {
    /// How a server is started.
    public struct Options: Sendable {
        /// Whether it also listens on a port of the loopback interface. Otherwise there is only the Unix socket.
        public var loopback = false
        /// The certificate and key, in PEM, of a server that speaks TLS on the loopback interface.
        public var tls: (certificate: String, key: String)?
        /// Further settings of `postgresql.conf`.
        public var settings: [String: String] = [:]
        /// The size in MiB of a disk of its own for the data, which ``fillDisk(leaving:)`` can fill; see ``canLimitDisk``. `nil` for
        /// the machine's.
        public var diskSize: Int?
        /// Whether base backups can be taken of it; see ``takeBackup()``.
        public var allowsBackups = false

        public init() {}
    }

    /// A database of its own for one test.
    public struct Database: Sendable {
        /// Its name.
        public let name: String
        /// How to connect to it.
        public let configuration: PostgresConfiguration
        /// The same as a URL, for programs that take one.
        public let url: String
    }

    /// The directory that holds everything of the server.
    public nonisolated let directory: String
    /// The port: of the loopback interface, if it listens there, and in the name of the socket.
    public nonisolated let port: Int
    private let process: ServerProcess
    private var databases = 0

    private init(directory: String, port: Int, process: ServerProcess) {
        self.directory = directory
        self.port = port
        self.process = process
    }

    private static let sharedServer = SharedServer()

    /// The server that all tests of the process share. It is started by the first who asks.
    public static func shared() async throws -> PostgresServer { try await sharedServer.server() }

    /// Starts a server of one's own, and waits until it answers.
    public static func start(_ options: Options = Options()) async throws -> PostgresServer {
        let binaries = try ServerFiles.binaries()
        let owner = try ServerFiles.unprivilegedOwner()
        let directory = try ServerFiles.makeDirectory(owner: owner)
        let listens = options.loopback || options.tls != nil
        let port = listens ? try ServerFiles.freePort() : 5432
        var settings: [String: String] = [
            "listen_addresses": listens ? "127.0.0.1" : "", "port": String(port), "unix_socket_directories": directory,
            "fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0",
            "max_connections": "200", "shared_buffers": "32MB", "timezone": "UTC", "log_timezone": "UTC",
        ]
        if options.allowsBackups { settings.merge(["wal_level": "replica", "max_wal_senders": "2"]) { $1 } }
        if let tls = options.tls {
            try ServerFiles.write(tls.certificate, to: directory + "/server.crt", owner: owner)
            try ServerFiles.write(tls.key, to: directory + "/server.key", owner: owner)
            settings["ssl"] = "on"
            settings["ssl_cert_file"] = directory + "/server.crt"
            settings["ssl_key_file"] = directory + "/server.key"
        }
        settings.merge(options.settings) { $1 }
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key) = '\($0.value)'\n" }.joined()
        try ServerFiles.write(lines, to: directory + "/settings.conf", owner: owner)
        let process = try ServerProcess(
            directory: directory, binaries: binaries, owner: owner, diskSize: options.diskSize)
        let server = PostgresServer(directory: directory, port: port, process: process)
        try await server.process.order("create")
        try await server.start()
        return server
    }

    /// How to connect to a database over the Unix socket.
    public nonisolated func configuration(database: String = "postgres") -> PostgresConfiguration {
        PostgresConfiguration(keywords: [
            "host": directory, "port": String(port), "user": "postgres", "dbname": database,
        ])
    }

    /// A database as a URL, over the Unix socket.
    public nonisolated func url(database: String = "postgres") -> String {
        "postgres://postgres@/\(database)?host=\(directory)&port=\(port)"
    }

    /// Makes a fresh database, empty or a copy of another one that nobody is connected to.
    public func createDatabase(copying template: String = "template0") async throws -> Database {
        databases += 1
        let name = "test_\(databases)"
        let connection = try await PostgresConnection.connect(to: configuration())
        do {
            try await connection.query("CREATE DATABASE \(name) TEMPLATE \(template)")
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        return Database(name: name, configuration: configuration(database: name), url: url(database: name))
    }

    /// Starts the server again after ``stop()`` or ``kill()``, and waits until it answers.
    public func start() async throws {
        try await process.order("start")
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while true {
            do {
                let connection = try await PostgresConnection.connect(to: configuration())
                await connection.close()
                return
            } catch {
                let isRunning = try await process.order("running") == "yes"
                guard isRunning, ContinuousClock.now < deadline else {
                    throw PostgresServerError(
                        message: "the PostgreSQL server in \(directory) did not start: \(error); its log ends in: "
                            + ServerFiles.tail(of: directory + "/log"))
                }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Stops the server in good order: connections are ended, everything is written.
    public func stop() async throws { try await process.order("stop") }

    /// Ends the server at once, as a crash would; what was committed is recovered at the next start.
    public func kill() async throws { try await process.order("kill") }

    /// Stops all of the server's processes where they are, as a machine that hangs would.
    public func freeze() async throws { try await process.order("freeze") }

    /// Lets a frozen server go on.
    public func thaw() async throws { try await process.order("thaw") }

    /// Whether this process may mount a disk of its own for a server: on Linux that takes root.
    public static var canLimitDisk: Bool { ServerProcess.canMount() }

    /// Fills the server's disk up to some KiB, as somebody else's files would.
    public func fillDisk(leaving kibibytes: Int) async throws { try await process.order("fill \(kibibytes)") }

    /// Removes what ``fillDisk(leaving:)`` wrote.
    public func emptyDisk() async throws { try await process.order("empty") }

    /// Takes a base backup of the running server, in the place of an earlier one.
    public func takeBackup() async throws { try await process.order("backup \(port)") }

    /// Ends the server at once, puts the last ``takeBackup()`` in the place of its data, and starts it: it answers as it did then.
    public func restoreBackup() async throws {
        try await process.order("restore")
        try await start()
    }

    /// Whether the server's processes are there.
    public var isRunning: Bool { get async throws { try await process.order("running") == "yes" } }

    /// Stops the server in good order and starts it again.
    public func restart() async throws {
        try await stop()
        try await start()
    }
}

/// Why there is no server.
public struct PostgresServerError: Error, CustomStringConvertible {
    public let message: String
    public var description: String { message }
}

/// Starts the shared server once, however many ask at the same time.
private actor SharedServer {
    private var start: Task<PostgresServer, any Error>?

    func server() async throws -> PostgresServer {
        // A task of its own: it must not end with the first test that happened to ask.
        let task = start ?? Task { try await PostgresServer.start() }
        start = task
        return try await task.value
    }
}
