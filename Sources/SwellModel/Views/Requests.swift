/// Documents to apply together.
public struct ApplyRequest: Sendable, Codable {
    public var files: [SourceFile]
    /// Whether only to say what would happen.
    public var dryRun: Bool?

    public init(files: [SourceFile], dryRun: Bool? = nil) {
        self.files = files
        self.dryRun = dryRun
    }
}

/// What applying did, or would do.
public struct ApplyAnswer: Sendable, Hashable, Codable {
    public var dryRun: Bool
    public var documents: [Document]
    /// What is allowed but may surprise; nil of an older server.
    public var warnings: [WarningView]?

    public init(dryRun: Bool, documents: [Document], warnings: [WarningView]? = nil) {
        self.dryRun = dryRun
        self.documents = documents
        self.warnings = warnings
    }

    public struct Document: Sendable, Hashable, Codable {
        public var kind: String
        public var name: String
        /// `created`, `configured` or `unchanged`.
        public var outcome: String

        public init(kind: String, name: String, outcome: String) {
            self.kind = kind
            self.name = name
            self.outcome = outcome
        }
    }
}

/// A release to be made from manifests.
public struct ReleaseRequest: Sendable, Codable {
    public var version: String
    public var commit: String?
    public var message: String?
    public var files: [SourceFile]
    /// Whether everything is checked and nothing stored.
    public var dryRun: Bool?
    /// Whether every `${…}` of the files stays, whatever the application says.
    public var literal: Bool?

    public init(
        version: String, commit: String? = nil, message: String? = nil, files: [SourceFile], dryRun: Bool? = nil,
        literal: Bool? = nil
    ) {
        self.version = version
        self.commit = commit
        self.message = message
        self.files = files
        self.dryRun = dryRun
        self.literal = literal
    }
}

/// A rollout to be planned or started.
public struct RolloutRequest: Sendable, Codable {
    public var application: ApplicationName
    public var version: String
    public var policy: PolicyName
    /// Made up from application and version where it is left out.
    public var name: RolloutName?
    /// Narrows the clusters.
    public var select: ClusterSelector?
    public var startAt: Timestamp?
    /// Whether to take the place of active rollouts that hold its clusters.
    public var supersede: Bool?

    public init(
        application: ApplicationName, version: String, policy: PolicyName, name: RolloutName? = nil,
        select: ClusterSelector? = nil, startAt: Timestamp? = nil, supersede: Bool? = nil
    ) {
        self.application = application
        self.version = version
        self.policy = policy
        self.name = name
        self.select = select
        self.startAt = startAt
        self.supersede = supersede
    }
}

/// An order that had nothing to do, and why.
public struct UnchangedView: Sendable, Hashable, Codable {
    public var message: String

    public init(message: String) { self.message = message }
}

/// What an operator orders of a rollout, a region or a cluster; each order takes the fields that make sense for it.
public struct OrderRequest: Sendable, Codable {
    public var reason: String?
    public var region: RegionName?
    public var cluster: ClusterName?
    public var clusters: [ClusterName]?
    public var stage: StageName?
    public var application: ApplicationName?
    /// Which of a stage's approvals is meant: `before` or `after`. Nil means the one that is open.
    public var gate: String?
    /// Whether what the release brought may be removed where no other was ever proven.
    public var remove: Bool?
    /// Whether a stage may pass without a healthy cluster.
    public var despiteHealth: Bool?
    /// A person's word that what the policy removes on the way back may be removed.
    public var confirmed: Bool?
    /// The release's digest and the rollout's plan, as the person saw them that approves, or promotes over an approval. Of an uninstall,
    /// what the person agreed to.
    public var digest: ContentDigest?
    public var plan: ContentDigest?

    public init(
        reason: String? = nil, region: RegionName? = nil, cluster: ClusterName? = nil, clusters: [ClusterName]? = nil,
        stage: StageName? = nil, application: ApplicationName? = nil, gate: String? = nil, remove: Bool? = nil,
        despiteHealth: Bool? = nil, confirmed: Bool? = nil, digest: ContentDigest? = nil, plan: ContentDigest? = nil
    ) {
        self.digest = digest
        self.plan = plan
        self.reason = reason
        self.region = region
        self.cluster = cluster
        self.clusters = clusters
        self.stage = stage
        self.application = application
        self.gate = gate
        self.remove = remove
        self.despiteHealth = despiteHealth
        self.confirmed = confirmed
    }
}
