/// Why the store did not do what it was asked.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What kind of trouble it was.
    public struct Code: Hashable, Sendable {
        public let rawValue: String
        public init(_ rawValue: String) { self.rawValue = rawValue }

        public static let notFound = Self("not-found")
        /// What is there already contradicts: a version taken by another digest, a cluster held by another rollout.
        public static let conflict = Self("conflict")
        /// The request makes no sense in the present state, such as resuming what has ended.
        public static let refused = Self("refused")
        public static let invalid = Self("invalid")
        /// The lease is not held any more under this epoch.
        public static let leaseLost = Self("lease-lost")
        /// The database cannot be reached; nothing was done.
        public static let unavailable = Self("unavailable")
        /// The commit was sent and no answer came: it may or may not have happened.
        public static let outcomeUnknown = Self("outcome-unknown")
        /// The database's schema is not one that this program can work with.
        public static let schema = Self("schema")
        /// What is stored cannot be read.
        public static let corrupt = Self("corrupt")
        /// What is stored is sealed, and cannot be opened with the keys given.
        public static let sealed = Self("sealed")
        public static let internalError = Self("internal")
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(code: Code, message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The database takes no writes; nothing was done. Like any that is `unavailable`, until somebody has mended it.
    static func readOnly(_ cause: any Error) -> StoreError {
        StoreError(code: .unavailable, message: readOnlyMessage, cause: cause)
    }

    /// What is said of a database that takes no writes.
    public static let readOnlyMessage =
        "the database is read-only, so nothing was done: it is a standby, or default_transaction_read_only is on"

    public var isReadOnly: Bool { code == .unavailable && message == Self.readOnlyMessage }

    public var description: String {
        cause.map { "\(message) (\(code.rawValue): \($0))" } ?? "\(message) (\(code.rawValue))"
    }
}
