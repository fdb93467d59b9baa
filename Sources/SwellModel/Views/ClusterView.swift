/// A cluster with what is known of its agent, and on request of its applications.
public struct ClusterView: Sendable, Hashable, Codable {
    public var apiVersion = DocumentKind.apiVersion
    public var kind = DocumentKind.cluster.rawValue
    public var metadata: MetadataView
    public var spec: Spec
    public var status: Status

    public init(_ cluster: Cluster, status: Status) {
        self.metadata = MetadataView(
            name: cluster.name.rawValue, labels: cluster.labels.isEmpty ? nil : cluster.labels)
        self.spec = Spec(region: cluster.region, environment: cluster.environment)
        self.status = status
    }

    public struct Spec: Sendable, Hashable, Codable {
        public var region: RegionName
        public var environment: EnvironmentName

        public init(region: RegionName, environment: EnvironmentName) {
            self.region = region
            self.environment = environment
        }
    }

    public struct Status: Sendable, Hashable, Codable {
        /// Whether an agent ever joined with this name.
        public var enrolled: Bool
        public var connected: Bool
        public var agentVersion: String?
        public var lastSeenAt: Timestamp?
        public var pause: Pause?
        /// The pause of the region that it is in, which covers it too.
        public var regionPause: Pause?
        /// What others changed there; nil where nothing is known to have been.
        public var drift: DriftSummary?
        /// Until when one certificate of its agent is taken in that is not listed, after a restore; nil where none is.
        public var readmittedUntil: Timestamp?
        /// When its agent's last certificate was revoked, where none counts; nil otherwise, and where a coordinator of before is asked.
        public var revokedAt: Timestamp?
        /// What runs there; only where one cluster was asked for.
        public var applications: [ClusterApplicationView]?

        public init(
            enrolled: Bool, connected: Bool, agentVersion: String?, lastSeenAt: Timestamp?, pause: Pause?,
            regionPause: Pause? = nil, drift: DriftSummary? = nil, readmittedUntil: Timestamp? = nil,
            revokedAt: Timestamp? = nil, applications: [ClusterApplicationView]? = nil
        ) {
            self.revokedAt = revokedAt
            self.readmittedUntil = readmittedUntil
            self.enrolled = enrolled
            self.connected = connected
            self.agentVersion = agentVersion
            self.lastSeenAt = lastSeenAt
            self.pause = pause
            self.regionPause = regionPause
            self.drift = drift
            self.applications = applications
        }
    }
}

/// What an agent last said of one application on its cluster, beside what it should run.
public struct ClusterApplicationView: Sendable, Hashable, Codable {
    public var application: ApplicationName
    /// The version of the digest that the agent runs, if it is known.
    public var version: String?
    public var digest: ContentDigest?
    public var health: String
    public var phase: String
    public var generation: Int64
    public var reason: String?
    public var message: String?
    public var driftCount: Int
    /// What was last found changed by others. It says nothing of health.
    public var drift: DriftReport?
    public var reportedAt: Timestamp
    /// What it should run, and since which generation.
    public var wantedVersion: String?
    public var wantedGeneration: Int64?

    public init(
        application: ApplicationName, version: String?, digest: ContentDigest?, health: String, phase: String,
        generation: Int64, reason: String?, message: String?, driftCount: Int,
        drift: DriftReport? = nil, reportedAt: Timestamp, wantedVersion: String?, wantedGeneration: Int64?
    ) {
        self.application = application
        self.version = version
        self.digest = digest
        self.health = health
        self.phase = phase
        self.generation = generation
        self.reason = reason
        self.message = message
        self.driftCount = driftCount
        self.drift = drift
        self.reportedAt = reportedAt
        self.wantedVersion = wantedVersion
        self.wantedGeneration = wantedGeneration
    }
}

/// What others changed on a cluster, in figures.
public struct DriftSummary: Sendable, Hashable, Codable {
    /// Objects that differ from their release, and are left so by policy.
    public var reported: Int
    /// Objects that were put back when drift was last found.
    public var corrected: Int
    /// When it was last found.
    public var at: Timestamp

    public init(reported: Int, corrected: Int, at: Timestamp) {
        self.reported = reported
        self.corrected = corrected
        self.at = at
    }
}

/// A region: the clusters in it, and whether it is paused for everybody.
public struct RegionView: Sendable, Hashable, Codable {
    public var apiVersion = DocumentKind.apiVersion
    public var kind = "Region"
    public var metadata: MetadataView
    public var status: Status

    public init(name: RegionName, status: Status) {
        self.metadata = MetadataView(name: name.rawValue)
        self.status = status
    }

    public struct Status: Sendable, Hashable, Codable {
        public var clusters: Int
        public var connected: Int
        public var environments: [EnvironmentName]
        public var pause: Pause?
        /// Clusters that are in another region by now, and that active rollouts planned in this one: a pause of it covers them in those
        /// rollouts. Nil where there are none.
        public var planned: [ClusterName]?

        public init(
            clusters: Int, connected: Int, environments: [EnvironmentName], pause: Pause?, planned: [ClusterName]? = nil
        ) {
            self.clusters = clusters
            self.connected = connected
            self.environments = environments
            self.pause = pause
            self.planned = planned
        }
    }
}

/// A join token, told once.
public struct JoinTokenView: Sendable, Hashable, Codable, CustomStringConvertible {
    public var cluster: ClusterName
    public var token: String
    public var expiresAt: Timestamp

    public init(cluster: ClusterName, token: String, expiresAt: Timestamp) {
        self.cluster = cluster
        self.token = token
        self.expiresAt = expiresAt
    }

    /// Without the token.
    public var description: String { "join token for \(cluster), good until \(expiresAt)" }
}
