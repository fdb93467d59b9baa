/// What went wrong while starting or steering simulated clusters.
public struct SimulatorError: Error, Sendable, CustomStringConvertible {
    /// The class of a failure. More may be added: a `switch` over it needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        private init(_ description: String) { self.description = description }

        /// No cluster has that name.
        public static let unknownCluster = Code("unknownCluster")
        /// Two clusters have one name, or a name that no file or URL can carry.
        public static let invalidName = Code("invalidName")
        /// A certificate or key could not be made.
        public static let certificate = Code("certificate")
        /// A server did not come up.
        public static let start = Code("start")
        /// A request of the control endpoint or an object handed in is malformed.
        public static let invalidInput = Code("invalidInput")
        /// The cluster refused the request.
        public static let refused = Code("refused")
    }

    /// The class of the failure.
    public var code: Code
    /// What was wrong, where, and what would be right.
    public var message: String
    /// The error of a lower layer that led to this one.
    public var cause: (any Error)?

    /// Creates an error.
    public init(code: Code, message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }
}
