/// What went wrong while reading, checking or changing JSON, YAML or a Kubernetes object.
///
/// The message is meant for the author of the input: it says what was wrong and where (file, line, column, field path).
public struct KubernetesObjectError: Error, Sendable {
    /// The class of a failure. More may be added: a `switch` over it needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name, as written in logs.
        public let description: String

        private init(_ description: String) {
            self.description = description
        }

        /// The text is not JSON.
        public static let invalidJSON = Code("invalidJSON")
        /// The text is not YAML, or uses what Kubernetes does not accept of YAML.
        public static let invalidYAML = Code("invalidYAML")
        /// A mapping names one key twice.
        public static let duplicateKey = Code("duplicateKey")
        /// The input is larger, deeper or expands to more than the limits allow.
        public static let limitExceeded = Code("limitExceeded")
        /// A value is of another type than the one asked for.
        public static let wrongType = Code("wrongType")
        /// A field path or JSON pointer cannot be read.
        public static let invalidPath = Code("invalidPath")
        /// A condition over fields cannot be read.
        public static let invalidExpression = Code("invalidExpression")
        /// A patch cannot be applied to the value given.
        public static let patchFailed = Code("patchFailed")
        /// The value is not a well-formed Kubernetes object.
        public static let invalidObject = Code("invalidObject")
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
}

extension KubernetesObjectError {
    /// What is said of two keys that differ in bytes only.
    static func twoSpellings(_ key: String) -> String {
        "key \"\(key)\" is there twice, in two spellings of the same letters (Unicode's NFC and NFD); keep one of them"
    }
}

extension KubernetesObjectError: CustomStringConvertible {
    public var description: String { message }
}
