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
        /// `release`, `undo` or `removal`; nil of an older server.
        public var type: String?
        /// The rollout that an undo takes back.
        public var undoOf: RolloutName?
        /// Of the release that it carries; for an undo, of the one that it takes back.
        public var version: String
        /// For an undo, the versions that its clusters go back to; nil of an older server.
        public var brings: [String]?

        public init(
            application: ApplicationName, type: String? = nil, undoOf: RolloutName? = nil, version: String,
            brings: [String]? = nil
        ) {
            self.application = application
            self.type = type
            self.undoOf = undoOf
            self.version = version
            self.brings = brings
        }
    }

    public struct Status: Sendable, Hashable, Codable {
        public var phase: String
        public var reason: String?
        public var endedAt: Timestamp?
        /// How many targets stand in each phase; `removed` and `held` are counted apart.
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

    public typealias Warning = WarningView
}

/// Something that is allowed, but may surprise.
public struct WarningView: Sendable, Hashable, Codable {
    /// What kind of surprise: `removes`, `voidLimit`, `unreachable` …
    public var kind: String
    public var message: String
    public var stage: StageName?
    /// The clusters concerned, all of them; nil where it is not about clusters.
    public var clusters: [ClusterName]?

    public init(kind: String, message: String, stage: StageName? = nil, clusters: [ClusterName]? = nil) {
        self.kind = kind
        self.message = message
        self.stage = stage
        self.clusters = clusters
    }
}
