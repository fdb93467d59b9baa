/// A five-letter code of the SQL standard and of PostgreSQL for what went wrong (PostgreSQL's manual, appendix A).
public struct SQLState: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The five letters.
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }
    public init(stringLiteral value: String) { self.rawValue = value }

    public var description: String { rawValue }

    /// The first two letters: the class.
    public var category: Substring { rawValue.prefix(2) }

    /// Whether the code says that the connection, not the statement, failed or was refused for now.
    public var isConnectionFailure: Bool {
        if category == "08" { return true }
        return self == .adminShutdown || self == .crashShutdown || self == .cannotConnectNow
            || self == .tooManyConnections
            || self == .idleInTransactionSessionTimeout
    }

    public static let serializationFailure: SQLState = "40001"
    public static let deadlockDetected: SQLState = "40P01"
    public static let uniqueViolation: SQLState = "23505"
    public static let foreignKeyViolation: SQLState = "23503"
    public static let notNullViolation: SQLState = "23502"
    public static let checkViolation: SQLState = "23514"
    public static let exclusionViolation: SQLState = "23P01"
    public static let queryCanceled: SQLState = "57014"
    public static let adminShutdown: SQLState = "57P01"
    public static let crashShutdown: SQLState = "57P02"
    public static let cannotConnectNow: SQLState = "57P03"
    public static let diskFull: SQLState = "53100"
    public static let tooManyConnections: SQLState = "53300"
    public static let lockNotAvailable: SQLState = "55P03"
    public static let undefinedTable: SQLState = "42P01"
    public static let undefinedColumn: SQLState = "42703"
    public static let duplicateTable: SQLState = "42P07"
    public static let duplicateDatabase: SQLState = "42P04"
    public static let syntaxError: SQLState = "42601"
    public static let insufficientPrivilege: SQLState = "42501"
    public static let invalidPassword: SQLState = "28P01"
    public static let invalidAuthorization: SQLState = "28000"
    public static let invalidCatalogName: SQLState = "3D000"
    public static let featureNotSupported: SQLState = "0A000"
    public static let invalidSQLStatementName: SQLState = "26000"
    public static let inFailedTransaction: SQLState = "25P02"
    public static let readOnlyTransaction: SQLState = "25006"
    public static let idleInTransactionSessionTimeout: SQLState = "25P03"
}
