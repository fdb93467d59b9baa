/// How much a transaction sees of others (PostgreSQL's manual, "Transaction Isolation").
public enum PostgresIsolation: String, Sendable, CaseIterable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
}

/// An open transaction. It ends with the closure that got it; afterwards it refuses statements.
public struct PostgresTransaction: PostgresQueryable {
    let connection: PostgresConnection
    let id: Int

    public func pipeline(_ statements: [PostgresStatement], timeout: Duration?) async throws -> [PostgresResult] {
        try await connection.run(statements, timeout: timeout, transaction: id)
    }

    /// Runs a text of several statements without parameters inside of this transaction.
    public func execute(script: String) async throws {
        try await connection.runScript(script, transaction: id)
    }

    /// Copies rows into a table; see ``PostgresConnection/copyIn(into:columns:rows:timeout:)``.
    @discardableResult
    public func copyIn(
        into table: String, columns: [String], rows: some Sequence<[PostgresValue]> & Sendable, timeout: Duration? = nil
    ) async throws -> Int {
        try await connection.copyIn(into: table, columns: columns, rows: rows, timeout: timeout, transaction: id)
    }

    /// Runs a part that may fail without failing the whole: what it did is undone, the rest stays.
    @discardableResult
    public func withSavepoint<Result>(_ body: (PostgresTransaction) async throws -> Result) async throws -> Result {
        let name = try await connection.nextSavepoint(transaction: id)
        _ = try await run("SAVEPOINT \(name)")
        let result: Result
        do {
            result = try await body(self)
        } catch {
            // A cancelled task cannot send this; then the whole transaction is rolled back in any case.
            if (try? await run("ROLLBACK TO SAVEPOINT \(name)")) != nil {
                await connection.savepointUndone(transaction: id)
                _ = try await run("RELEASE SAVEPOINT \(name)")
            }
            throw error
        }
        _ = try await run("RELEASE SAVEPOINT \(name)")
        return result
    }

    private func run(_ sql: String) async throws -> [PostgresResult] {
        try await pipeline([PostgresStatement(sql)], timeout: nil)
    }
}
