internal import Foundation
internal import PostgresClient
internal import PostgresTesting
internal import Synchronization
internal import Testing

@Suite("Servers that go away")
struct OutageTests {
    /// What the writers know for certain, and what they cannot know.
    private final class Ledger: Sendable {
        private let committed = Mutex<Set<Int>>([])
        private let next = Atomic(0)

        func number() -> Int { next.add(1, ordering: .sequentiallyConsistent).newValue }
        func noteCommitted(_ number: Int) { committed.withLock { _ = $0.insert(number) } }
        var known: Set<Int> { committed.withLock { $0 } }
    }

    @Test(.timeLimit(.minutes(2))) func aKilledServerLosesNoCommittedWrite() async throws {
        let server = try await PostgresServer.start()
        let configuration = server.configuration()
        try await withConnection(to: configuration) { try await $0.query("CREATE TABLE t (n bigint PRIMARY KEY)") }
        var settings = PostgresPoolSettings(minimum: 2, maximum: 4)
        settings.waitTimeout = .seconds(20)
        settings.maximumReconnectDelay = .milliseconds(200)
        let ledger = Ledger()
        try await withPool(configuration, settings) { pool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask { try await write(ledger, pool) }
                }
                for round in 1...3 {
                    let mark = ledger.known.count
                    try await eventually("writes go on in round \(round)") { ledger.known.count >= mark + 50 }
                    if round == 2 {
                        try await server.restart()
                    } else {
                        try await server.kill()
                        try await server.start()
                    }
                }
                let mark = ledger.known.count
                try await eventually("writes go on after all") { ledger.known.count >= mark + 50 }
                group.cancelAll()
                while await group.nextResult() != nil {}
            }
            let stored = Set(try await pool.query("SELECT n FROM t").scalars(Int.self))
            let lost = ledger.known.subtracting(stored)
            #expect(lost.isEmpty, "committed and lost: \(lost.sorted())")
        }
    }

    private func write(_ ledger: Ledger, _ pool: PostgresPool) async throws {
        while !Task.isCancelled {
            let number = ledger.number()
            do {
                try await pool.withTransaction(retries: 50) { transaction in
                    try await transaction.query("INSERT INTO t VALUES ($1)", [.int(number)])
                }
                ledger.noteCommitted(number)
            } catch let error as PostgresError {
                // The only failure that a server's coming and going may show to a patient writer.
                guard error.code == .commitOutcomeUnknown || error.code == .cancelled else {
                    Issue.record("a writer got \(error)")
                    throw error
                }
            }
        }
    }

    @Test func aPoolWaitsForAServerThatIsNotThereYet() async throws {
        let server = try await PostgresServer.start()
        try await server.stop()
        var settings = PostgresPoolSettings(minimum: 1, maximum: 2)
        settings.waitTimeout = .seconds(30)
        settings.maximumReconnectDelay = .milliseconds(100)
        try await withPool(server.configuration(), settings) { pool in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<5 { group.addTask { try await pool.query("SELECT 1").scalar(Int.self) } }
                try await eventually("they wait") { await pool.status.waiting == 5 }
                try await server.start()
                for try await one in group { #expect(one == 1) }
            }
        }
    }

    @Test func theDirectoryGoesWithTheServer() async throws {
        var directory = ""
        do {
            let server = try await PostgresServer.start()
            directory = server.directory
            #expect(FileManager.default.fileExists(atPath: directory + "/data"))
        }
        try await eventually("the directory is removed") { !FileManager.default.fileExists(atPath: directory) }
    }
}
