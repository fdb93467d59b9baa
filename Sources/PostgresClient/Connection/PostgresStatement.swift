/// A statement and its parameters.
public struct PostgresStatement: Sendable, Hashable {
    /// The text, with `$1`, `$2` … where parameters go. One statement only.
    public var sql: String
    /// The parameters, the first for `$1`.
    public var parameters: [PostgresValue]
    /// Whether the connection prepares the statement once and keeps it. Turn it off for texts that never come again.
    public var isPrepared: Bool

    public init(_ sql: String, _ parameters: [PostgresValue] = [], prepared: Bool = true) {
        self.sql = sql
        self.parameters = parameters
        self.isPrepared = prepared
    }
}

/// Anything that runs statements: a connection, a transaction, a pool.
public protocol PostgresQueryable: Sendable {
    /// Runs several statements in one round trip. They succeed or fail together.
    ///
    /// - Parameter timeout: how long they may take; afterwards they are cancelled. `nil` leaves it to the
    ///   configuration's ``PostgresConfiguration/statementTimeout``.
    /// - Returns: one result a statement, in order.
    func pipeline(_ statements: [PostgresStatement], timeout: Duration?) async throws -> [PostgresResult]
}

extension PostgresQueryable {
    /// Runs several statements in one round trip.
    @discardableResult
    public func pipeline(_ statements: [PostgresStatement]) async throws -> [PostgresResult] {
        try await pipeline(statements, timeout: nil)
    }

    /// Runs one statement.
    @discardableResult
    public func query(
        _ sql: String, _ parameters: [PostgresValue] = [], timeout: Duration? = nil
    ) async throws -> PostgresResult {
        try await pipeline([PostgresStatement(sql, parameters)], timeout: timeout)[0]
    }
}
