/// A rollout in a list.
public struct RolloutListView: Sendable, Hashable, Codable {
    public var apiVersion = DocumentKind.apiVersion
    public var kind = "Rollout"
    public var metadata: MetadataView
    public var spec: Spec
    public var status: Status

    public init(metadata: MetadataView, spec: Spec, status: Status) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    public struct Spec: Sendable, Hashable, Codable {
        public var application: ApplicationName
        public var version: String

        public init(application: ApplicationName, version: String) {
            self.application = application
            self.version = version
        }
    }

    public struct Status: Sendable, Hashable, Codable {
        public var phase: String
        public var reason: String?
        public var endedAt: Timestamp?
        /// How many targets stand in each phase.
        public var counts: [String: Int]

        public init(phase: String, reason: String?, endedAt: Timestamp?, counts: [String: Int]) {
            self.phase = phase
            self.reason = reason
            self.endedAt = endedAt
            self.counts = counts
        }
    }
}

/// What a plan would do, before it is started.
public struct PlanView: Sendable, Hashable, Codable {
    /// The rollout as it would begin.
    public var rollout: RolloutView
    public var warnings: [Warning]

    public init(rollout: RolloutView, warnings: [Warning]) {
        self.rollout = rollout
        self.warnings = warnings
    }

    /// Something that is allowed, but may surprise.
    public struct Warning: Sendable, Hashable, Codable {
        public var kind: String
        public var message: String

        public init(kind: String, message: String) {
            self.kind = kind
            self.message = message
        }
    }
}
