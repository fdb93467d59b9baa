/// Why the coordinator cannot do its work.
public struct CoordinatorError: Error, Sendable, CustomStringConvertible {
    /// What kind of trouble it was.
    public struct Code: Hashable, Sendable {
        public let rawValue: String
        public init(_ rawValue: String) { self.rawValue = rawValue }

        /// A flag or file that the coordinator is configured with is wrong.
        public static let configuration = Self("configuration")
        /// The state folder cannot be used.
        public static let stateFolder = Self("state-folder")
    }

    public var code: Code
    /// What was wrong, where, and what would be right.
    public var message: String
    public var cause: (any Error)?

    public init(code: Code, message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { cause.map { "\(message): \($0)" } ?? message }
}
