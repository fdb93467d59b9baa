/// What one cluster should run of one application: the whole assignment, delivered as often as needed.
public struct Assignment: Sendable, Hashable, Codable {
    public var cluster: ClusterName
    public var application: ApplicationName
    /// Only rises, per (cluster, application). A rollback is a higher generation with an older digest.
    public var generation: Int64
    /// The lease epoch under which it was decided; agents refuse a lower one than they have seen for the application.
    public var epoch: Int64
    public var rollout: RolloutName
    public var goal: Goal
    /// Where the agent reverts to by itself, if it may: the last release proven healthy on this cluster.
    public var fallback: ReleaseReference?
    public var settings: AssignmentSettings
    /// Whether a person's pause covers the cluster, so that the agent's progress deadline rests; nil as good as false. The one thing that
    /// may change under the same generation: of two, the later is the one that came later on the agent's stream.
    public var isPaused: Bool?

    public enum Goal: Sendable, Hashable, Codable {
        /// Run this release.
        case run(ReleaseReference)
        /// Remove what releases of this application brought.
        case remove
    }

    public init(
        cluster: ClusterName, application: ApplicationName, generation: Int64, epoch: Int64, rollout: RolloutName,
        goal: Goal, fallback: ReleaseReference? = nil, settings: AssignmentSettings
    ) {
        self.cluster = cluster
        self.application = application
        self.generation = generation
        self.epoch = epoch
        self.rollout = rollout
        self.goal = goal
        self.fallback = fallback
        self.settings = settings
    }

    /// The digest to run, nil when the goal is removal.
    public var digest: ContentDigest? {
        if case .run(let release) = goal { return release.digest }
        return nil
    }
}

/// How the agent goes about an assignment; snapshotted from policy and application when it was decided.
public struct AssignmentSettings: Sendable, Hashable, Codable {
    public var minHealthyTime: Interval
    public var progressDeadline: Interval
    /// Whether the agent reverts to the fallback on its own on failure.
    public var selfRollback: Bool
    public var whenDisconnected: DisconnectedBehaviour
    public var drift: DriftPolicy
    /// What to make of custom resources of which their controller says nothing; nil is ``SilentControllerRule/wait``.
    public var silentControllers: SilentControllerRule?

    public init(
        minHealthyTime: Interval, progressDeadline: Interval, selfRollback: Bool,
        whenDisconnected: DisconnectedBehaviour = .finish, drift: DriftPolicy = .correct,
        silentControllers: SilentControllerRule? = nil
    ) {
        self.minHealthyTime = minHealthyTime
        self.progressDeadline = progressDeadline
        self.selfRollback = selfRollback
        self.whenDisconnected = whenDisconnected
        self.drift = drift
        self.silentControllers = silentControllers
    }
}
