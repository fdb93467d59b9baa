public import SwellModel

/// What went wrong with a certificate, a key, a token or a name.
///
/// Messages never hold a key or a token's secret.
public struct IdentityError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; new kinds may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code as a word fit for logs and metric labels.
        public let description: String

        private init(_ word: String) { self.description = word }

        /// A trust domain, cluster name or host name that is not allowed.
        public static let invalidName = Code("invalid_name")
        /// Text that is no join token, or one that is unknown, spent or expired.
        public static let invalidToken = Code("invalid_token")
        /// A join token for another cluster than the one asked for.
        public static let wrongCluster = Code("wrong_cluster")
        /// A signing request that is malformed, badly signed or of another kind of key.
        public static let invalidRequest = Code("invalid_request")
        /// A certificate or key that cannot be read or does not fit its purpose.
        public static let invalidCertificate = Code("invalid_certificate")
        /// A certificate that no trusted authority vouches for at this time.
        public static let untrusted = Code("untrusted")
        /// A certificate that does not count, whatever its signature says: revoked, replaced, not listed, expired.
        public static let denied = Code("denied")
        /// A first contact whose authority is not the pinned one.
        public static let pinMismatch = Code("pin_mismatch")
        /// A file that cannot be read or written.
        public static let file = Code("file")
        /// A secret file that others may read, or a directory that others may write.
        public static let filePermissions = Code("file_permissions")
        /// A secret sealed with a key that is not at hand.
        public static let missingKey = Code("missing_key")
        /// A sealed secret that does not open.
        public static let damagedSecret = Code("damaged_secret")
    }

    /// The kind of failure.
    public var code: Code
    /// What was wrong, where, and what would be right.
    public var message: String
    /// The error beneath, if there is one.
    public var cause: (any Error)?

    /// The cluster that a refused peer calls itself the agent of. Anybody may call himself so: it helps a person to find whom it is about, and
    /// decides nothing.
    public var claimed: ClusterName?

    /// An error of `code`, told by `message`.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String {
        guard let cause else { return "\(code): \(message)" }
        return "\(code): \(message) (\(cause))"
    }
}
