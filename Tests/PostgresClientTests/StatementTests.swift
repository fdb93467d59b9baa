internal import PostgresClient
internal import PostgresTesting
internal import Testing

@Suite("Statements, prepared and in pipelines")
struct StatementTests {
    @Test func serverErrorsCarryEverything() async throws {
        let database = try await PostgresServer.shared().createDatabase()
        try await withConnection(to: database.configuration) { connection in
            try await connection.execute(
                script: """
                    CREATE TABLE parent (id bigint PRIMARY KEY);
                    CREATE TABLE child (parent bigint REFERENCES parent, size int CHECK (size > 0), name text NOT NULL);
                    INSERT INTO parent VALUES (1)
                    """)
            let unique = await failure { try await connection.query("INSERT INTO parent VALUES ($1)", [1]) }
            #expect(unique?.code == .server)
            #expect(unique?.sqlState == .uniqueViolation)
            #expect(unique?.isUniqueViolation == true)
            #expect(unique?.constraint == "parent_pkey")
            #expect(unique?.table == "parent")
            #expect(unique?.detail == "Key (id)=(1) already exists.")
            #expect(unique?.statement == "INSERT INTO parent VALUES ($1)")
            #expect(unique?.isRetryable == false)
            let insert = "INSERT INTO child VALUES ($1, $2, $3)"
            let reference = await failure { try await connection.query(insert, [2, .int32(1), "a"]) }
            #expect(reference?.isForeignKeyViolation == true)
            let check = await failure { try await connection.query(insert, [1, .int32(0), "a"]) }
            #expect(check?.isCheckViolation == true)
            let null = await failure { try await connection.query(insert, [1, .int32(1), .text(nil)]) }
            #expect(null?.isNotNullViolation == true)
            #expect(null?.column == "name")
            let syntax = await failure { try await connection.query("SELEC 1") }
            #expect(syntax?.sqlState == .syntaxError)
            #expect(syntax?.position == 1)
            let count = try await connection.query("SELECT count(*) FROM child").scalar(Int.self)
            #expect(count == 0)
        }
    }

    @Test func aPipelineIsOneTransaction() async throws {
        let database = try await PostgresServer.shared().createDatabase()
        try await withConnection(to: database.configuration) { connection in
            try await connection.query("CREATE TABLE t (n bigint)")
            let results = try await connection.pipeline([
                PostgresStatement("INSERT INTO t SELECT unnest($1)", [.ints([1, 2, 3])]),
                PostgresStatement("SELECT sum(n)::bigint FROM t"),
                PostgresStatement("INSERT INTO t SELECT unnest($1)", [.ints([4])]),
                PostgresStatement("SELECT sum(n)::bigint FROM t"),
            ])
            #expect(results.map(\.affectedRows) == [3, 1, 1, 1])
            #expect(try results[1].scalar(Int.self) == 6)
            #expect(try results[3].scalar(Int.self) == 10)
            let error = await failure {
                try await connection.pipeline([
                    PostgresStatement("DELETE FROM t"), PostgresStatement("SELECT 1 / $1", [.int(0)]),
                    PostgresStatement("SELECT 2"),
                ])
            }
            #expect(error?.sqlState == "22012")
            #expect(error?.statement == "SELECT 1 / $1")
            let count = try await connection.query("SELECT count(*) FROM t").scalar(Int.self)
            #expect(count == 4)
        }
    }

    @Test func preparedStatementsAreKeptAndBounded() async throws {
        var configuration = try await PostgresServer.shared().configuration()
        configuration.preparedStatementLimit = 3
        try await withConnection(to: configuration) { connection in
            for round in 1...10 {
                for number in 1...5 {
                    let answer = try await connection.query("SELECT $1 + \(number)", [.int(round)]).scalar(Int.self)
                    #expect(answer == round + number)
                }
            }
            try await connection.query("SELECT 1")
            let names = try await connection.query(
                "SELECT count(*) FROM pg_prepared_statements WHERE NOT from_sql"
            ).scalar(Int.self)
            #expect((3...4).contains(names))
        }
    }

    @Test func schemaChangesDoNotBreakPreparedStatements() async throws {
        let database = try await PostgresServer.shared().createDatabase()
        try await withConnection(to: database.configuration) { connection in
            try await connection.execute(script: "CREATE TABLE t (a bigint); INSERT INTO t VALUES (1)")
            let before = try await connection.query("SELECT * FROM t")
            #expect(before.columns.count == 1)
            try await connection.execute(script: "ALTER TABLE t ADD b text DEFAULT 'x'")
            let after = try await connection.query("SELECT * FROM t")
            #expect(after.columns.map(\.name) == ["a", "b"])
            try await connection.query("DEALLOCATE ALL")
            let again = try await connection.query("SELECT * FROM t")
            #expect(again.count == 1)
            // Inside of a transaction the transaction runs again.
            try await connection.execute(script: "ALTER TABLE t ADD c text")
            let columns = try await connection.withTransaction { transaction in
                try await transaction.query("SELECT * FROM t").columns.count
            }
            #expect(columns == 3)
        }
    }

    @Test func copyBringsManyRows() async throws {
        let database = try await PostgresServer.shared().createDatabase()
        try await withConnection(to: database.configuration) { connection in
            try await connection.query("CREATE TABLE t (n bigint, s text, b bytea)")
            let rows = (0..<20_000).lazy.map { number -> [PostgresValue] in
                [
                    .int(number), .text(number.isMultiple(of: 2) ? "row \(number)" : nil),
                    .bytes([UInt8](repeating: 7, count: 20)),
                ]
            }
            let copied = try await connection.copyIn(into: "t", columns: ["n", "s", "b"], rows: rows)
            #expect(copied == 20_000)
            let (count, texts, size) = try await connection.query("SELECT count(*), count(s), sum(length(b)) FROM t")
                .single().decode(Int.self, Int.self, Int.self)
            #expect(count == 20_000)
            #expect(texts == 10_000)
            #expect(size == 400_000)
        }
    }

    @Test func aCopyThatFailsCopiesNothing() async throws {
        let database = try await PostgresServer.shared().createDatabase()
        try await withConnection(to: database.configuration) { connection in
            try await connection.query("CREATE TABLE t (n bigint PRIMARY KEY)")
            let short = await failure {
                try await connection.copyIn(into: "t", columns: ["n"], rows: [[1], [2, 3]])
            }
            #expect(short?.code == .invalidParameter)
            let twice = await failure { try await connection.copyIn(into: "t", columns: ["n"], rows: [[1], [1]]) }
            #expect(twice?.isUniqueViolation == true)
            let nowhere = await failure { try await connection.copyIn(into: "no\"where", columns: ["n"], rows: [[1]]) }
            #expect(nowhere?.sqlState == .undefinedTable)
            let count = try await connection.query("SELECT count(*) FROM t").scalar(Int.self)
            #expect(count == 0)
            let wrong = await failure { try await connection.query("COPY t FROM STDIN") }
            #expect(wrong?.code == .unsupportedStatement)
        }
    }

    @Test func copyReadsASequenceOfText() async throws {
        let database = try await PostgresServer.shared().createDatabase()
        try await withConnection(to: database.configuration) { connection in
            try await connection.query("CREATE TABLE t (n bigint, s text)")
            let (chunks, source) = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingOldest(3))
            for text in ["1\tone\n2\t", "two\n", "3\t\\N\n"] { source.yield(Array(text.utf8)) }
            source.finish()
            let copied = try await connection.copyIn("COPY t FROM STDIN", data: chunks)
            #expect(copied == 3)
            let words = try await connection.query("SELECT s FROM t ORDER BY n").scalars(String?.self)
            #expect(words == ["one", "two", nil])
        }
    }
}

@Suite("Statements are cancelled")
struct CancellationTests {
    /// How many of the server's processes run a statement that contains a mark.
    private func running(_ mark: String, _ observer: PostgresConnection) async throws -> Int {
        try await observer.query(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()",
            [.text("%\(mark)%")]
        ).scalar(Int.self)
    }

    @Test func aCancelledTaskCancelsItsStatement() async throws {
        try await withConnection { observer in
            try await withConnection { connection in
                let process = await connection.backendProcess
                await withTaskGroup(of: PostgresError?.self) { group in
                    group.addTask {
                        await failure { try await connection.query("SELECT pg_sleep(60) AS cancel_mark_1") }
                    }
                    do {
                        try await eventually("the statement runs") { try await running("cancel_mark_1", observer) == 1 }
                        group.cancelAll()
                        for await error in group {
                            #expect(error?.code == .cancelled)
                            #expect(error?.cause is CancellationError)
                        }
                        let left = try await running("cancel_mark_1", observer)
                        #expect(left == 0)
                        // The same connection goes on.
                        let same = try await connection.query("SELECT pg_backend_pid()").scalar(Int32.self)
                        #expect(same == process)
                    } catch {
                        Issue.record(error)
                    }
                }
            }
        }
    }

    @Test func manyCancelsNeverHitTheNextStatement() async throws {
        try await withConnection { connection in
            for round in 0..<60 {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try? await connection.query("SELECT pg_sleep(0.003)") }
                    group.addTask { try? await Task.sleep(for: .microseconds(100 * round)) }
                    await group.next()
                    group.cancelAll()
                }
                let answer = try await connection.query("SELECT $1", [.int(round)]).scalar(Int.self)
                #expect(answer == round)
            }
        }
    }

    @Test func timeLimitsCancel() async throws {
        var configuration = try await PostgresServer.shared().configuration()
        configuration.statementTimeout = .milliseconds(100)
        try await withConnection(to: configuration) { connection in
            let server = await failure { try await connection.query("SELECT pg_sleep(60)") }
            #expect(server?.code == .timedOut)
            #expect(server?.sqlState == .queryCanceled)
            try await connection.query("SET statement_timeout = 0")
            let client = await failure { try await connection.query("SELECT pg_sleep(60)", timeout: .milliseconds(50)) }
            #expect(client?.code == .timedOut)
            let one = try await connection.query("SELECT 1").scalar(Int.self)
            #expect(one == 1)
        }
    }

    @Test func closingEndsARunningStatement() async throws {
        try await withConnection { observer in
            let connection = try await PostgresConnection.connect(to: PostgresServer.shared().configuration())
            await withTaskGroup(of: PostgresError?.self) { group in
                group.addTask { await failure { try await connection.query("SELECT pg_sleep(60) AS close_mark") } }
                do {
                    try await eventually("the statement runs") { try await running("close_mark", observer) == 1 }
                } catch {
                    Issue.record(error)
                }
                await connection.close()
                for await error in group { #expect(error?.isConnectionFailure == true) }
            }
            let closed = await failure { try await connection.query("SELECT 1") }
            #expect(closed?.code == .connectionClosed)
        }
    }

    @Test(.timeLimit(.minutes(1))) func aServerThatHangsIsGivenUpEvenWhereNoLimitWasSet() async throws {
        let server = try await PostgresServer.start()
        var configuration = server.configuration()
        configuration.answerTimeout = .milliseconds(300)
        try await withConnection(to: configuration) { connection in
            try await connection.query("SELECT 1")
            try await server.freeze()
            let error = await failure { try await connection.query("SELECT 1") }
            #expect(error?.code == .timedOut)
            #expect(
                error?.isConnectionFailure == false, "it would be tried again on one hanging connection after another")
            let closed = await failure { try await connection.query("SELECT 1") }
            #expect(closed?.code == .connectionClosed)
            try await server.thaw()
        }
    }

    @Test func aServerThatHangsDoesNotHoldItsCallers() async throws {
        let server = try await PostgresServer.start()
        var configuration = server.configuration()
        configuration.cancelGrace = .milliseconds(300)
        try await withConnection(to: configuration) { connection in
            try await server.freeze()
            let error = await failure { try await connection.query("SELECT 1", timeout: .milliseconds(100)) }
            #expect(error?.code == .connectionLost)
            #expect(await connection.isUsable == false)
            configuration.connectTimeout = .milliseconds(200)
            let hanging = configuration
            let refused = await failure { try await PostgresConnection.connect(to: hanging) }
            #expect(refused?.code == .connectionFailed)
            try await server.thaw()
        }
    }
}
