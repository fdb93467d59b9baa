internal import Logging
internal import PostgresClient
internal import PostgresTesting
internal import ServiceLifecycle
internal import Testing

@Suite("The pool")
struct PoolTests {
    @Test func manyCallersShareFewConnections() async throws {
        let configuration = try await PostgresServer.shared().configuration()
        try await withPool(configuration, PostgresPoolSettings(minimum: 0, maximum: 3)) { pool in
            let processes = try await withThrowingTaskGroup(of: Int32.self) { group in
                for _ in 0..<200 {
                    group.addTask { try await pool.query("SELECT pg_backend_pid()").scalar(Int32.self) }
                }
                return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
            }
            #expect((1...3).contains(processes.count))
            let status = await pool.status
            #expect(status.lent == 0 && status.waiting == 0)
        }
    }

    @Test func waitingEndsWithAClearError() async throws {
        let configuration = try await PostgresServer.shared().configuration()
        try await withPool(configuration, PostgresPoolSettings(minimum: 0, maximum: 1)) { pool in
            try await pool.withConnection { _ in
                let error = await failure { try await pool.withConnection(timeout: .milliseconds(50)) { _ in } }
                #expect(error?.code == .poolTimeout)
                #expect(error?.message.contains("1 of 1 are in use") == true)
                let status = await pool.status
                #expect(status.waiting == 0)
            }
            let one = try await pool.query("SELECT 1").scalar(Int.self)
            #expect(one == 1)
        }
    }

    @Test func tooManyWaitersAreRefusedAtOnce() async throws {
        let configuration = try await PostgresServer.shared().configuration()
        var settings = PostgresPoolSettings(minimum: 0, maximum: 1)
        settings.maximumWaiting = 1
        try await withPool(configuration, settings) { pool in
            try await pool.withConnection { _ in
                try await withThrowingTaskGroup(of: PostgresError?.self) { group in
                    group.addTask { await failure { try await pool.query("SELECT 1") } }
                    try await eventually("one waits") { await pool.status.waiting == 1 }
                    let refused = await failure { try await pool.query("SELECT 1") }
                    #expect(refused?.code == .poolExhausted)
                    group.cancelAll()
                    let cancelled = try await group.next() ?? nil
                    #expect(cancelled?.code == .cancelled)
                }
            }
        }
    }

    @Test func whatComesBackDirtyIsNotLentAgain() async throws {
        let configuration = try await PostgresServer.shared().configuration()
        try await withPool(configuration, PostgresPoolSettings(minimum: 0, maximum: 1)) { pool in
            let first = try await pool.withConnection { connection in
                try await connection.query("BEGIN")
                return await connection.backendProcess
            }
            let second = try await pool.query("SELECT pg_backend_pid()").scalar(Int32.self)
            #expect(first != second)
        }
    }

    @Test func connectionsThatDiedUnnoticedAreReplaced() async throws {
        let configuration = try await PostgresServer.shared().configuration()
        try await withConnection { observer in
            try await withPool(configuration, PostgresPoolSettings(minimum: 1, maximum: 1)) { pool in
                let first = try await pool.query("SELECT pg_backend_pid()").scalar(Int32.self)
                try await observer.query("SELECT pg_terminate_backend($1, 5000)", [.int32(first)])
                let second = try await pool.query("SELECT pg_backend_pid()").scalar(Int32.self)
                #expect(first != second)
            }
        }
    }

    @Test func idleConnectionsAreProbed() async throws {
        let configuration = try await PostgresServer.shared().configuration().setting(["application_name": "probed"])
        var settings = PostgresPoolSettings(minimum: 1, maximum: 1)
        settings.tickInterval = .milliseconds(20)
        settings.probeAfter = .milliseconds(20)
        let final = settings
        try await withConnection { observer in
            try await withPool(configuration, final) { pool in
                let dead = try await pool.query("SELECT pg_backend_pid()").scalar(Int32.self)
                try await observer.query("SELECT pg_terminate_backend($1, 5000)", [.int32(dead)])
                // Nobody asks the pool for anything: it finds out by itself.
                try await eventually("another connection took its place") {
                    try await observer.query(
                        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'probed' AND pid <> $1",
                        [.int32(dead)]
                    ).scalar(Int.self) == 1
                }
            }
        }
    }

    @Test func gracefulShutdownWaitsForBorrowers() async throws {
        let configuration = try await PostgresServer.shared().configuration()
        let pool = try PostgresPool(configuration: configuration)
        let group = ServiceGroup(
            services: [pool], gracefulShutdownSignals: [], cancellationSignals: [], logger: .init(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await pool.withConnection { connection in
                await group.triggerGracefulShutdown()
                try await eventually("the pool refuses newcomers") {
                    do {
                        _ = try await pool.withConnection(timeout: .milliseconds(1)) { _ in }
                        return false
                    } catch let error as PostgresError {
                        return error.code == .poolShutDown
                    }
                }
                let one = try await connection.query("SELECT 1").scalar(Int.self)
                #expect(one == 1)
            }
            try await tasks.waitForAll()
        }
        let error = await failure { try await pool.query("SELECT 1") }
        #expect(error?.code == .poolShutDown)
    }

    @Test func aServerThatIsAwayIsNamedInTheError() async throws {
        var settings = PostgresPoolSettings(minimum: 1, maximum: 2)
        settings.waitTimeout = .milliseconds(50)
        let configuration = try PostgresConfiguration("postgres://someone:hidden@127.0.0.1:1/none?connect_timeout=1")
        try await withPool(configuration, settings) { pool in
            var error: PostgresError?
            try await eventually("an attempt to connect has failed") {
                error = await failure { try await pool.query("SELECT 1") }
                return error?.cause != nil
            }
            #expect(error?.code == .poolTimeout)
            #expect((error?.cause as? PostgresError)?.code == .connectionFailed)
            #expect(error?.description.contains("127.0.0.1:1/none") == true)
            #expect(error?.description.contains("hidden") == false)
        }
    }

    @Test func boundsAreChecked() {
        let configuration = PostgresConfiguration(keywords: [:])
        #expect(throws: PostgresError.self) {
            try PostgresPool(configuration: configuration, settings: PostgresPoolSettings(minimum: 3, maximum: 2))
        }
        #expect(throws: PostgresError.self) {
            try PostgresPool(configuration: configuration, settings: PostgresPoolSettings(minimum: 0, maximum: 0))
        }
    }
}
