/// A question to the operator API: what would a release change on these clusters?
public struct DiffRequest: Sendable, Codable {
    public var version: String
    /// Narrows the application's clusters.
    public var select: ClusterSelector?
    /// How long to wait for the agents, in seconds.
    public var timeout: Int?

    public init(version: String, select: ClusterSelector? = nil, timeout: Int? = nil) {
        self.version = version
        self.select = select
        self.timeout = timeout
    }
}

/// What a release would change, cluster by cluster.
public struct DiffView: Sendable, Hashable, Codable {
    public var apiVersion = DocumentKind.apiVersion
    public var kind = "Diff"
    public var metadata: MetadataView
    public var spec: Spec
    /// Every cluster that was asked about, in the order of regions and names.
    public var clusters: [ClusterDiffView]

    public init(_ release: Release, clusters: [ClusterDiffView]) {
        self.metadata = MetadataView(name: release.application.rawValue)
        self.spec = Spec(version: release.reference.version, digest: release.reference.digest)
        self.clusters = clusters
    }

    public struct Spec: Sendable, Hashable, Codable {
        public var version: String
        public var digest: ContentDigest

        public init(version: String, digest: ContentDigest) {
            self.version = version
            self.digest = digest
        }
    }
}

/// What a release would change on one cluster.
public struct ClusterDiffView: Sendable, Hashable, Codable {
    /// Whether there is an answer.
    public enum State: String, Sendable, Codable, CaseIterable {
        case answered
        /// The agent said why it has no answer; see ``ClusterDiffView/failure``.
        case failed
        /// Connected, as far as is known, and silent.
        case noAnswer
        case notConnected
        case neverJoined
    }

    public var cluster: ClusterName
    public var region: RegionName
    public var environment: EnvironmentName
    public var state: State
    /// When the agent was last heard of.
    public var lastSeenAt: Timestamp?
    /// When its last certificate was revoked, where it is not connected for that; nil otherwise.
    public var revokedAt: Timestamp?
    /// In the order in which they would be applied.
    public var objects: [ObjectChange]
    /// How many objects would stay as they are.
    public var unchanged: Int
    /// How many more objects would change.
    public var omitted: Int
    public var failure: PreviewFailure?

    public init(
        _ cluster: Cluster, state: State, lastSeenAt: Timestamp?, answer: PreviewAnswer = PreviewAnswer()
    ) {
        self.cluster = cluster.name
        self.region = cluster.region
        self.environment = cluster.environment
        self.state = state
        self.lastSeenAt = lastSeenAt
        self.objects = answer.objects
        self.unchanged = answer.unchanged
        self.omitted = answer.omitted
        self.failure = answer.failure
    }
}
