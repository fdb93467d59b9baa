package import PortGuard
public import SwellModel

/// How the operator API is served.
public struct ConsoleConfiguration: Sendable {
    /// The address to listen on.
    public var host: String
    /// The port; 0 takes a free one, which `onRunning` then tells.
    public var port: Int
    public var operators: OperatorDirectory
    /// The bytes of a request's body at most.
    public var maximumBodyBytes: Int = 40 << 20
    /// How many event streams may be open at once; further ones get 503.
    public var maximumStreams: Int = 512
    /// How often streams look for news.
    public var pollInterval: Interval = .milliseconds(250)
    /// How often a quiet stream says that it is alive.
    public var heartbeat: Interval = .seconds(10)
    /// How long an order waits for the decision that takes it in, so that its answer shows the effect.
    public var verdictTimeout: Interval = .seconds(2)
    /// How many diffs may be under way at once; further ones get 503.
    public var maximumDiffs: Int = 8
    /// How often the answers of agents are looked for.
    public var diffInterval: Interval = .milliseconds(200)
    public var secrets = SecretsHandling()
    /// How long a join token is good for.
    public var joinTokenLifetime: Interval = .hours(1)

    /// How many connections at a time, of whom: enough for the streams and as much again, and few beside what agents' ports need of
    /// the process's descriptors.
    package var connections = ConnectionLimits(
        total: 1_024, strangers: 256, strangersPerAddress: 64, perPeer: 512, reserved: 32)
    /// How long a connection may take for its handshake, and then for its first request, however many bytes come of it.
    package var handshakeDeadline = Duration.seconds(10)
    package var requestDeadline = Duration.seconds(10)

    public init(host: String, port: Int, operators: OperatorDirectory) {
        self.host = host
        self.port = port
        self.operators = operators
    }
}

/// What the API asks of its snapshot.
public struct ConsoleHooks: Sendable {
    /// Told after something was committed that a reconcile loop should see at once.
    public var rolloutsChanged: @Sendable (Set<RolloutName>) async -> Void
    /// Told after previews were asked for, which the agents' sessions should hear of at once.
    public var previewsAsked: @Sendable () async -> Void
    /// Told after certificates were revoked or a cluster removed, which the agents' connections should hear of at once.
    public var trustChanged: @Sendable () async -> Void
    /// Makes a join token for a cluster: the text to hand out and the hash to store.
    public var makeJoinToken: @Sendable (ClusterName) -> (text: String, hash: String)
    /// What is known of this installation, where anybody can say.
    public var installation: (@Sendable () async throws -> InstallationView)?
    /// The text of `/metrics`, where it is served here.
    public var metrics: (@Sendable () async -> String)?
    /// Why requests should go to another replica; nil for no reason. From memory: it is asked at every probe.
    public var unready: @Sendable () -> String?
    /// Told the port once requests are served.
    public var onRunning: @Sendable (Int) async -> Void

    public init(
        rolloutsChanged: @escaping @Sendable (Set<RolloutName>) async -> Void = { _ in },
        previewsAsked: @escaping @Sendable () async -> Void = {},
        trustChanged: @escaping @Sendable () async -> Void = {},
        makeJoinToken: @escaping @Sendable (ClusterName) -> (text: String, hash: String),
        installation: (@Sendable () async throws -> InstallationView)? = nil,
        metrics: (@Sendable () async -> String)? = nil, unready: @escaping @Sendable () -> String? = { nil },
        onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.rolloutsChanged = rolloutsChanged
        self.previewsAsked = previewsAsked
        self.trustChanged = trustChanged
        self.makeJoinToken = makeJoinToken
        self.installation = installation
        self.metrics = metrics
        self.unready = unready
        self.onRunning = onRunning
    }
}

/// What becomes of Secrets that releases carry.
public struct SecretsHandling: Sendable {
    /// Whether they may, whatever the application says.
    public var policy: SecretsPolicy
    /// Whether they are stored sealed.
    public var areSealed: Bool

    public init(policy: SecretsPolicy = .allow, areSealed: Bool = true) {
        self.policy = policy
        self.areSealed = areSealed
    }
}
