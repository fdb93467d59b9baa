/// A message from the other side that cannot be taken as it is.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of mistake; new kinds may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code as a word fit for logs and metric labels.
        public let description: String

        private init(_ word: String) { self.description = word }

        /// A field that must be there is not.
        public static let missingField = Code("missing_field")
        /// A field's value is out of its range or form.
        public static let invalidValue = Code("invalid_value")
        /// More than the protocol allows.
        public static let tooLarge = Code("too_large")
    }

    /// The kind of mistake.
    public var code: Code
    /// Where in the message, such as `status_report.statuses[2].digest`.
    public var path: String
    /// What was wrong and what would be right.
    public var message: String
    /// The error beneath, if there is one.
    public var cause: (any Error)?

    /// An error at `path`.
    public init(_ code: Code, at path: String, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.path = path
        self.message = message
        self.cause = cause
    }

    public static func == (left: WireError, right: WireError) -> Bool {
        left.code == right.code && left.path == right.path && left.message == right.message
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(path)
        hasher.combine(message)
    }

    public var description: String { "\(path): \(message)" }
}
