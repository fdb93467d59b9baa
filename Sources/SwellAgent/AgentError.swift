/// What went wrong in an agent.
public struct AgentError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; new kinds may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code as a word fit for logs and metric labels.
        public let description: String

        private init(_ word: String) { self.description = word }

        /// A setting that cannot be used.
        public static let invalidSetting = Code("invalid_setting")
        /// A file or directory that cannot be read or written.
        public static let file = Code("file")
        /// A journal that cannot be understood.
        public static let corruptJournal = Code("corrupt_journal")
        /// There is no session with the coordinator now.
        public static let notConnected = Code("not_connected")
        /// A document that the coordinator does not give out.
        public static let contentUnavailable = Code("content_unavailable")
        /// The other side said something that the protocol does not allow.
        public static let protocolBreach = Code("protocol_breach")
        /// Objects that a cluster does not take.
        public static let refusedByCluster = Code("refused_by_cluster")
        /// State, certificate or API server are another cluster's than the agent is started for.
        public static let otherCluster = Code("other_cluster")
        /// The cluster's API server cannot be reached or is not ready.
        public static let clusterAway = Code("cluster_away")
    }

    /// The kind of failure.
    public var code: Code
    /// What was wrong, where, and what would be right.
    public var message: String
    /// The error beneath, if there is one.
    public var cause: (any Error)?

    /// An error of `code`, told by `message`.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String {
        guard let cause else { return message }
        return "\(message) (\(cause))"
    }
}
