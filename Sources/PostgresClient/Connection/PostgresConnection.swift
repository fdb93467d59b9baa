public import Logging

/// One connection to a server. Its work runs on a thread of its own, one call after another, in the order they come.
///
/// A cancelled task's statement is cancelled on the server, and the connection stays usable.
public actor PostgresConnection: PostgresQueryable {
    private let session: LibpqSession
    private let thread: ConnectionThread
    private nonisolated let closing = CancellationFlag()
    /// Kept until a wait for notifications sees it, whether that has begun or not.
    private nonisolated let waitInterruption = CancellationFlag()
    /// What this connection was opened with.
    public nonisolated let configuration: PostgresConfiguration
    private var transaction: TransactionState?
    private var transactionCount = 0

    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private init(_ configuration: PostgresConfiguration, logger: Logger) throws {
        let thread = try ConnectionThread()
        self.thread = thread
        self.configuration = configuration
        session = LibpqSession(
            configuration: configuration, logger: logger, wakeup: thread.wakeup, closing: closing)
    }

    deinit { thread.stop() }

    /// Opens a connection.
    public static func connect(
        to configuration: PostgresConfiguration, logger: Logger = Logger(label: "PostgresClient")
    ) async throws -> PostgresConnection {
        let connection = try PostgresConnection(configuration, logger: logger)
        try await connection.open()
        return connection
    }

    private func open() async throws {
        try await perform(timeout: configuration.connectTimeout) { try session.connect($0) }
    }

    /// Closes the connection, even under a running statement, which fails.
    public nonisolated func close() async {
        closing.set()
        thread.wakeup.signal()
        await closeSession()
    }

    private func closeSession() { session.close() }

    /// The server's process that serves this connection, as `pg_stat_activity.pid` names it.
    public var backendProcess: Int32 { session.backendProcess }

    /// Whether the connection is encrypted.
    public var usesTLS: Bool { session.usesTLS }

    /// Whether the connection is open as far as this side knows, and in the middle of nothing.
    public var isUsable: Bool {
        guard transaction == nil, !session.isCopying, !session.isInTransaction else { return false }
        do {
            try session.readPending()
            return true
        } catch {
            return false
        }
    }

    // MARK: Statements

    public func pipeline(_ statements: [PostgresStatement], timeout: Duration?) async throws -> [PostgresResult] {
        try await run(statements, timeout: timeout, transaction: nil)
    }

    /// Runs a text of several statements without parameters, such as a migration. They are one transaction unless
    /// the text says otherwise. Returns what the last one says it did.
    @discardableResult
    public func execute(script: String, timeout: Duration? = nil) async throws -> String {
        try checkTransaction(nil)
        return try await perform(timeout: timeout) { try session.runScript(script, $0) }
    }

    /// Refuses a statement that does not belong to what the connection is doing.
    private func checkTransaction(_ id: Int?) throws {
        switch (id, transaction) {
        case (nil, nil): return
        case (let id?, let open?) where id == open.id: return
        case (nil, .some):
            throw PostgresError(
                .transactionMisuse, "a transaction is open on this connection: run the statement by its handle")
        default: throw PostgresError(.transactionMisuse, "the transaction has ended")
        }
    }

    func run(_ statements: [PostgresStatement], timeout: Duration?, transaction id: Int?) async throws
        -> [PostgresResult]
    {
        try checkTransaction(id)
        guard !statements.isEmpty else { return [] }
        do {
            return try await perform(timeout: timeout, answerTimeout: configuration.answerTimeout) { operation in
                let begin = transaction?.pendingBegin
                let results = try session.run(statements, prelude: begin.map { [$0] } ?? [], operation)
                transaction?.pendingBegin = nil
                return results
            }
        } catch {
            noteFailure(error)
            throw error
        }
    }

    func runScript(_ script: String, transaction id: Int) async throws {
        try checkTransaction(id)
        do {
            try await sendBegin()
            _ = try await perform(timeout: nil) { try session.runScript(script, $0) }
        } catch {
            noteFailure(error)
            throw error
        }
    }

    private func sendBegin() async throws {
        guard let begin = transaction?.pendingBegin else { return }
        _ = try await perform(timeout: nil) { try session.run([PostgresStatement(begin, prepared: false)], $0) }
        transaction?.pendingBegin = nil
    }

    /// Runs one operation on the thread to its end, listening for the task's cancellation meanwhile.
    private func perform<Result>(
        timeout: Duration?, answerTimeout: Duration? = nil, _ body: (Operation) throws -> Result
    ) async throws -> Result {
        let flag = CancellationFlag()
        let operation = Operation(
            cancellation: flag, deadline: timeout.map { .now.advanced(by: $0) },
            lastResort: answerTimeout.map { .now.advanced(by: $0) })
        let wakeup = thread.wakeup
        return try await withTaskCancellationHandler {
            try runHere(body, operation)
        } onCancel: {
            flag.set()
            wakeup.signal()
        }
    }

    /// A closure that does not mention the actor runs on the cooperative pool instead of this actor's thread, and
    /// would block it. This method can be called on the thread only.
    private func runHere<Result>(_ body: (Operation) throws -> Result, _ operation: Operation) throws -> Result {
        assertIsolated()
        return try body(operation)
    }

    // MARK: COPY

    /// Copies rows into a table by COPY in binary form. All rows arrive, or none.
    ///
    /// - Parameter rows: one value a column, of exactly the column's type: COPY converts nothing.
    /// - Returns: how many rows were copied.
    @discardableResult
    public func copyIn(
        into table: String, columns: [String], rows: some Sequence<[PostgresValue]>, timeout: Duration? = nil
    ) async throws -> Int {
        try await copyIn(into: table, columns: columns, rows: rows, timeout: timeout, transaction: nil)
    }

    func copyIn(
        into table: String, columns: [String], rows: some Sequence<[PostgresValue]>, timeout: Duration?,
        transaction id: Int?
    ) async throws -> Int {
        try checkTransaction(id)
        let names = columns.map { quotedIdentifier($0) }.joined(separator: ", ")
        let sql = "COPY \(quotedIdentifier(table)) (\(names)) FROM STDIN (FORMAT binary)"
        do {
            try await sendBegin()
            return try await perform(timeout: timeout) { operation in
                try session.beginCopy(sql, operation)
                do {
                    var chunk = CopyCoding.header
                    for row in rows {
                        try CopyCoding.append(row, columns: columns.count, to: &chunk)
                        guard chunk.count >= 64 << 10 else { continue }
                        try session.putCopy(chunk, operation)
                        chunk.removeAll(keepingCapacity: true)
                    }
                    try session.putCopy(chunk + CopyCoding.trailer, operation)
                } catch {
                    try abortCopy(sql)
                    throw error
                }
                return try session.endCopy(failure: nil, sql: sql, operation)
            }
        } catch {
            noteFailure(error)
            throw error
        }
    }

    /// Runs a `COPY … FROM STDIN` whose data the caller has in the statement's own format, part by part.
    ///
    /// While it runs the connection refuses everything else. An error of the sequence ends it without a row copied.
    /// - Returns: how many rows were copied.
    @discardableResult
    public func copyIn<Chunks: AsyncSequence & Sendable>(_ sql: String, data: Chunks) async throws -> Int
    where Chunks.Element == [UInt8] {
        try checkTransaction(nil)
        try await perform(timeout: nil) { try session.beginCopy(sql, $0) }
        do {
            for try await chunk in data {
                try await perform(timeout: nil) { try session.putCopy(chunk, $0) }
            }
            try Task.checkCancellation()
        } catch {
            try abortCopy(sql)
            throw error
        }
        return try await perform(timeout: nil) { try session.endCopy(failure: nil, sql: sql, $0) }
    }

    /// Ends a COPY without its rows. The server answers with an error, which is what was asked for.
    private func abortCopy(_ sql: String) throws {
        let operation = Operation(deadline: .now.advanced(by: configuration.cancelGrace), interruption: .abandon)
        do {
            _ = try session.endCopy(failure: "given up by the client", sql: sql, operation)
        } catch let error as PostgresError where error.code == .server {}
    }

    // MARK: Notifications

    /// From now on notifications are kept for ``waitForNotifications(upTo:)``, also those that arrive along with the
    /// answer to a statement.
    func keepNotifications() { session.keepsNotifications = true }

    /// Waits for notifications of the channels this connection listens to. Returns none when the time is over or
    /// ``interruptWaiting()`` was called.
    func waitForNotifications(upTo limit: Duration) async throws -> [PostgresNotification] {
        try await perform(timeout: limit) { operation in
            try session.checkWanted(operation)
            try session.readPending()
            let already = session.takeNotifications()
            if !already.isEmpty || waitInterruption.take() { return already }
            try session.waitForInput(until: .now.advanced(by: limit))
            return session.takeNotifications()
        }
    }

    /// Ends a wait for notifications early.
    nonisolated func interruptWaiting() {
        waitInterruption.set()
        thread.wakeup.signal()
    }
}

// MARK: Transactions

extension PostgresConnection {
    /// What the connection knows of its open transaction.
    struct TransactionState {
        let id: Int
        /// BEGIN, as long as it has not been sent: it goes along with the first statement.
        var pendingBegin: String?
        /// The first failure in it, which decides whether the transaction is worth another try.
        var failure: PostgresError?
        var savepoints = 0
    }

    private func noteFailure(_ error: any Error) {
        guard let error = error as? PostgresError, transaction != nil, transaction?.failure == nil else { return }
        transaction?.failure = error
        // A statement that failed together with BEGIN still leaves the transaction open, and failed.
        if session.isInTransaction { transaction?.pendingBegin = nil }
    }

    func begin(_ statement: String) throws -> PostgresTransaction {
        try checkTransaction(nil)
        _ = try session.open()
        transactionCount += 1
        transaction = TransactionState(id: transactionCount, pendingBegin: statement)
        return PostgresTransaction(connection: self, id: transactionCount)
    }

    /// A name for a savepoint that the transaction has not used yet.
    func nextSavepoint(transaction id: Int) throws -> String {
        try checkTransaction(id)
        transaction?.savepoints += 1
        return "sp_\(transaction?.savepoints ?? 0)"
    }

    /// Forgets a failure that a savepoint has undone.
    func savepointUndone(transaction id: Int) {
        if transaction?.id == id { transaction?.failure = nil }
    }

    /// Commits. Cancellation no longer counts: the answer is waited for, and if it does not come in time the
    /// connection is given up.
    func commit(_ id: Int) throws {
        try checkTransaction(id)
        defer { transaction = nil }
        _ = try session.open()
        // Nothing was ever sent.
        if transaction?.pendingBegin != nil { return }
        let failure = transaction?.failure
        let results: [PostgresResult]
        do {
            results = try session.run([PostgresStatement("COMMIT")], concludingOperation())
        } catch let error as PostgresError where error.code == .connectionLost {
            // The server may have committed before its answer was lost.
            throw PostgresError(
                .commitOutcomeUnknown,
                "the connection broke during COMMIT: the transaction may or may not have happened",
                cause: error)
        }
        guard results[0].command == "COMMIT" else {
            var error = PostgresError(
                .transactionRolledBack, "a statement had failed, so COMMIT rolled the transaction back", cause: failure)
            error.sqlState = failure?.sqlState
            throw error
        }
    }

    /// Rolls back, whatever the state, and returns the failure that led here. A connection that cannot do it is closed,
    /// which rolls back as well.
    @discardableResult
    func rollBack(_ id: Int) -> PostgresError? {
        guard let state = transaction, state.id == id else { return nil }
        transaction = nil
        if session.isInTransaction {
            do {
                _ = try session.run([PostgresStatement("ROLLBACK")], concludingOperation())
            } catch {
                session.close()
            }
        }
        return state.failure
    }

    private func concludingOperation() -> Operation {
        let limit = configuration.statementTimeout ?? .seconds(60)
        return Operation(deadline: .now.advanced(by: limit + configuration.cancelGrace), interruption: .abandon)
    }
}
