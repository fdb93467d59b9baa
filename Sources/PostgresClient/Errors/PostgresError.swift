/// What went wrong between this process and PostgreSQL: one type for all of the module.
public struct PostgresError: Error, Sendable {
    /// Which kind of thing went wrong. New codes may come: switch over them with a `default`.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, as logs show it.
        public let description: String

        private init(_ description: String) { self.description = description }

        /// Settings that cannot work: an unreadable connection string, a bound below zero.
        public static let invalidConfiguration = Code("invalidConfiguration")
        /// No connection could be opened.
        public static let connectionFailed = Code("connectionFailed")
        /// An open connection broke. Nothing is known about statements in flight outside of a transaction;
        /// an open transaction is rolled back by the server.
        public static let connectionLost = Code("connectionLost")
        /// The connection was closed on this side.
        public static let connectionClosed = Code("connectionClosed")
        /// The connection is in the middle of something that leaves no room for a statement, such as a COPY.
        public static let connectionBusy = Code("connectionBusy")
        /// The server refused a statement; ``PostgresError/sqlState`` says why.
        public static let server = Code("server")
        /// The task was cancelled, and so was its statement.
        public static let cancelled = Code("cancelled")
        /// The statement took longer than it may, and was cancelled.
        public static let timedOut = Code("timedOut")
        /// COMMIT was sent and its answer never came: the transaction may or may not have happened.
        public static let commitOutcomeUnknown = Code("commitOutcomeUnknown")
        /// The transaction was rolled back although its body returned: a statement in it had failed.
        public static let transactionRolledBack = Code("transactionRolledBack")
        /// A transaction or its connection was used when it must not be.
        public static let transactionMisuse = Code("transactionMisuse")
        /// No connection of the pool came free in time.
        public static let poolTimeout = Code("poolTimeout")
        /// Too many callers wait for the pool already.
        public static let poolExhausted = Code("poolExhausted")
        /// The pool is shutting down.
        public static let poolShutDown = Code("poolShutDown")
        /// A value of a result is not what the caller asked for.
        public static let decoding = Code("decoding")
        /// A parameter cannot be sent.
        public static let invalidParameter = Code("invalidParameter")
        /// A result is larger than the connection accepts.
        public static let resultTooLarge = Code("resultTooLarge")
        /// A result has another number of rows than the caller relies on.
        public static let unexpectedRowCount = Code("unexpectedRowCount")
        /// A statement was sent by a way that does not suit it.
        public static let unsupportedStatement = Code("unsupportedStatement")
        /// The operating system refused something that every connection needs, such as a thread.
        public static let systemFailure = Code("systemFailure")
    }

    /// The kind of failure.
    public var code: Code
    /// What was wrong, in one sentence.
    public var message: String
    /// The server's five-letter SQLSTATE, when the server has spoken.
    public var sqlState: SQLState?
    /// The server's further explanation.
    public var detail: String?
    /// The server's advice.
    public var hint: String?
    /// The schema of the table that the error is about.
    public var schema: String?
    /// The table that the error is about.
    public var table: String?
    /// The column that the error is about.
    public var column: String?
    /// The constraint that was violated.
    public var constraint: String?
    /// The statement that failed, cut at 500 characters. It never holds parameters.
    public var statement: String?
    /// The position of the error in the statement, in characters from 1.
    public var position: Int?
    /// What caused it, where something else did.
    public var cause: (any Error)?

    /// Describes a failure on this side.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

extension PostgresError {
    /// Whether the same transaction, run again, may succeed: a serialisation failure, a deadlock, or a prepared
    /// statement that a schema change made stale.
    public var isRetryable: Bool {
        switch sqlState {
        case .serializationFailure, .deadlockDetected: true
        case .featureNotSupported: message.contains("cached plan")
        case .invalidSQLStatementName: true
        default: false
        }
    }

    /// Whether the connection, rather than the statement, failed. An unknown commit is none:
    /// running it again could do it twice.
    public var isConnectionFailure: Bool {
        switch code {
        case .connectionFailed, .connectionLost, .connectionClosed: true
        case .server: sqlState?.isConnectionFailure ?? false
        default: false
        }
    }

    /// Whether a unique or primary key already had the value.
    public var isUniqueViolation: Bool { sqlState == .uniqueViolation }
    /// Whether a reference points at nothing, or something still points here.
    public var isForeignKeyViolation: Bool { sqlState == .foreignKeyViolation }
    /// Whether a CHECK constraint refused the row.
    public var isCheckViolation: Bool { sqlState == .checkViolation }
    /// Whether a NOT NULL column got nothing.
    public var isNotNullViolation: Bool { sqlState == .notNullViolation }
    /// Whether the role may not do that.
    public var isPermissionDenied: Bool { sqlState == .insufficientPrivilege }
    /// Whether a lock could not be had at once (NOWAIT, lock_timeout).
    public var isLockNotAvailable: Bool { sqlState == .lockNotAvailable }
}

extension PostgresError: CustomStringConvertible {
    public var description: String {
        var text = "PostgresError(\(code)"
        if let sqlState { text += " \(sqlState)" }
        text += "): \(message)"
        if let detail { text += "; detail: \(detail)" }
        if let hint { text += "; hint: \(hint)" }
        if let table { text += "; table: \(schema.map { $0 + "." } ?? "")\(table)" }
        if let column { text += "; column: \(column)" }
        if let constraint { text += "; constraint: \(constraint)" }
        if let statement { text += "; statement: \(statement)" }
        if let position { text += "; at character \(position)" }
        if let cause { text += "; cause: \(cause)" }
        return text
    }
}

extension PostgresError {
    /// The error with the statement that led to it.
    func during(_ sql: String) -> PostgresError {
        guard statement == nil else { return self }
        var error = self
        error.statement = sql.count <= 500 ? sql : String(sql.prefix(499)) + "…"
        return error
    }
}
