/// A setting of telemetry that cannot be taken.
public struct TelemetryError: Error, Sendable, CustomStringConvertible {
    /// The kind of mistake; new kinds may be added.
    public struct Code: Hashable, Sendable {
        /// The code as a word.
        public let rawValue: String

        /// A log level that there is not.
        public static let invalidLevel = Code(rawValue: "invalid_level")
    }

    /// The kind of mistake.
    public var code: Code
    /// What was wrong and what would be right.
    public var message: String
    /// The error beneath, if there is one.
    public var cause: (any Error)?

    public var description: String { message }
}
