internal import PostgresClient
internal import PostgresTesting
internal import Testing

@Suite("Transactions")
struct TransactionTests {
    private struct Wrapped: Error {
        let cause: any Error
    }

    private func freshTable() async throws -> PostgresConfiguration {
        let configuration = try await PostgresServer.shared().createDatabase().configuration
        try await withConnection(to: configuration) { connection in
            try await connection.execute(
                script:
                    "CREATE TABLE t (k text PRIMARY KEY, n bigint NOT NULL); INSERT INTO t VALUES ('a', 0), ('b', 0)")
        }
        return configuration
    }

    @Test func theyCommitOrRollBack() async throws {
        let configuration = try await freshTable()
        try await withConnection(to: configuration) { connection in
            let value = try await connection.withTransaction { transaction in
                try await transaction.query("UPDATE t SET n = 5 WHERE k = 'a'")
                return try await transaction.query("SELECT n FROM t WHERE k = 'a'").scalar(Int.self)
            }
            #expect(value == 5)
            await #expect(throws: Wrapped.self) {
                try await connection.withTransaction { transaction in
                    try await transaction.query("UPDATE t SET n = 6 WHERE k = 'a'")
                    throw Wrapped(cause: CancellationError())
                }
            }
            let after = try await connection.query("SELECT n FROM t WHERE k = 'a'").scalar(Int.self)
            #expect(after == 5)
        }
    }

    @Test func readOnlyAndIsolationReachTheServer() async throws {
        let configuration = try await freshTable()
        try await withConnection(to: configuration) { connection in
            let level = try await connection.withTransaction(isolation: .serializable) { transaction in
                try await transaction.query("SELECT current_setting('transaction_isolation')").scalar(String.self)
            }
            #expect(level == "serializable")
            let error = await failure {
                try await connection.withTransaction(readOnly: true) { try await $0.query("DELETE FROM t") }
            }
            #expect(error?.sqlState == .readOnlyTransaction)
        }
    }

    @Test func aSwallowedFailureIsNoCommit() async throws {
        let configuration = try await freshTable()
        try await withConnection(to: configuration) { connection in
            let error = await failure {
                try await connection.withTransaction { transaction in
                    try await transaction.query("UPDATE t SET n = 1")
                    _ = try? await transaction.query("SELECT 1 / 0")
                }
            }
            #expect(error?.code == .transactionRolledBack)
            #expect((error?.cause as? PostgresError)?.sqlState == "22012")
            let sum = try await connection.query("SELECT sum(n)::bigint FROM t").scalar(Int.self)
            #expect(sum == 0)
        }
    }

    @Test func savepointsUndoAPart() async throws {
        let configuration = try await freshTable()
        try await withConnection(to: configuration) { connection in
            try await connection.withTransaction { transaction in
                try await transaction.query("UPDATE t SET n = 1 WHERE k = 'a'")
                let error = await failure {
                    try await transaction.withSavepoint { try await $0.query("INSERT INTO t VALUES ('a', 2)") }
                }
                #expect(error?.isUniqueViolation == true)
                try await transaction.withSavepoint { try await $0.query("UPDATE t SET n = 3 WHERE k = 'b'") }
            }
            let values = try await connection.query("SELECT n FROM t ORDER BY k").scalars(Int.self)
            #expect(values == [1, 3])
        }
    }

    @Test func misuseIsRefused() async throws {
        let configuration = try await freshTable()
        try await withConnection(to: configuration) { connection in
            let leaked = try await connection.withTransaction { transaction in
                let outside = await failure { try await connection.query("SELECT 1") }
                #expect(outside?.code == .transactionMisuse)
                return transaction
            }
            let ended = await failure { try await leaked.query("SELECT 1") }
            #expect(ended?.code == .transactionMisuse)
        }
    }

    @Test func scriptsAndCopiesBelongToTheirTransaction() async throws {
        let configuration = try await freshTable()
        try await withConnection(to: configuration) { connection in
            await #expect(throws: Wrapped.self) {
                try await connection.withTransaction { transaction in
                    try await transaction.execute(script: "CREATE TABLE u (n bigint); DELETE FROM t")
                    try await transaction.copyIn(into: "u", columns: ["n"], rows: [[1], [2]])
                    throw Wrapped(cause: CancellationError())
                }
            }
            let count = try await connection.query("SELECT count(*) FROM t").scalar(Int.self)
            #expect(count == 2)
            let gone = await failure { try await connection.query("SELECT * FROM u") }
            #expect(gone?.sqlState == .undefinedTable)
        }
    }

    @Test func serialisationFailuresAreRunAgain() async throws {
        let configuration = try await freshTable()
        let attempts = Counter()
        try await withPool(configuration, PostgresPoolSettings(minimum: 4, maximum: 4)) { pool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<4 {
                    group.addTask {
                        for _ in 0..<10 {
                            try await pool.withTransaction(isolation: .serializable, retries: 100) { transaction in
                                attempts.increment()
                                do {
                                    let n = try await transaction.query("SELECT n FROM t WHERE k = 'a'").scalar(
                                        Int.self)
                                    try await transaction.query("UPDATE t SET n = $1 WHERE k = 'a'", [.int(n + 1)])
                                } catch  where worker == 0 {
                                    throw Wrapped(cause: error)
                                }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let total = try await pool.query("SELECT n FROM t WHERE k = 'a'").scalar(Int.self)
            #expect(total == 40)
            #expect(attempts.value > 40)
        }
    }

    @Test func deadlocksAreRunAgain() async throws {
        let configuration = try await freshTable()
            .setting(["options": "-c deadlock_timeout=20ms"])
        let firstUpdates = Counter()
        try await withPool(configuration, PostgresPoolSettings(minimum: 2, maximum: 2)) { pool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for keys in [["a", "b"], ["b", "a"]] {
                    group.addTask {
                        try await pool.withTransaction { transaction in
                            try await transaction.query("UPDATE t SET n = n + 1 WHERE k = $1", [.text(keys[0])])
                            firstUpdates.increment()
                            // Both hold their first row before either asks for its second.
                            try await eventually("the other has its row too") {
                                firstUpdates.value >= 2
                            }
                            try await transaction.query("UPDATE t SET n = n + 1 WHERE k = $1", [.text(keys[1])])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let values = try await pool.query("SELECT n FROM t").scalars(Int.self)
            #expect(values == [2, 2])
            #expect(firstUpdates.value >= 3)
        }
    }

    @Test func aCommitThatBreaksIsUnknown() async throws {
        let configuration = try await freshTable()
        try await withConnection(to: configuration) { observer in
            try await withConnection(to: configuration) { connection in
                try await connection.execute(
                    script: """
                        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
                        CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED
                            FOR EACH ROW EXECUTE FUNCTION slow()
                        """)
                let process = await connection.backendProcess
                await withTaskGroup(of: PostgresError?.self) { group in
                    group.addTask {
                        await failure {
                            try await connection.withTransaction {
                                try await $0.query("UPDATE t SET n = 9 WHERE k = 'a'")
                            }
                        }
                    }
                    do {
                        try await eventually("COMMIT runs") {
                            try await observer.query(
                                "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND query = 'COMMIT' AND state = 'active'",
                                [.int32(process)]
                            ).scalar(Int.self) == 1
                        }
                        try await observer.query("SELECT pg_terminate_backend($1)", [.int32(process)])
                    } catch {
                        Issue.record(error)
                    }
                    for await error in group {
                        #expect(error?.code == .commitOutcomeUnknown)
                        #expect(error?.isConnectionFailure == false)
                    }
                }
            }
        }
    }

    @Test func aCancelledBodyRollsBack() async throws {
        let configuration = try await freshTable()
        try await withConnection(to: configuration) { connection in
            await withTaskGroup(of: Void.self) { group in
                let (started, start) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))
                group.addTask {
                    try? await connection.withTransaction { transaction in
                        try await transaction.query("UPDATE t SET n = 7")
                        start.yield()
                        try await Task.sleep(for: .seconds(60))
                    }
                }
                for await _ in started { break }
                group.cancelAll()
            }
            let sum = try await connection.query("SELECT sum(n)::bigint FROM t").scalar(Int.self)
            #expect(sum == 0)
        }
    }
}
