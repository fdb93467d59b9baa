public import SwellModel

/// One release going over one set of clusters under one policy: everything decided so far, and nothing else.
///
/// A value: `DecisionMaker` turns it and what happened into its successor. All of it is stored; see `Transition` for how each change is told.
public struct Rollout: Sendable, Hashable, Codable {
    public var name: RolloutName
    public var application: ApplicationName
    public var kind: RolloutKind
    /// The release that forward dispatches carry; for an undo, the one that it takes back.
    public var release: ReleaseReference
    /// The policy, as it was when the rollout was planned.
    public var policy: RolloutPolicy
    /// The application's strategy, as it was in the release.
    public var strategy: ApplicationStrategy
    public var createdBy: String
    public var createdAt: Timestamp
    /// When it may begin; nil at once.
    public var startsAt: Timestamp?
    public var phase: RolloutPhase
    /// Why it is in this phase, where that is not plain.
    public var reason: String?
    public var endedAt: Timestamp?
    public var pause: Pause?
    /// Lanes of this rollout paused on their own; a region paused for the whole fleet is in `FleetSnapshot`.
    public var pausedRegions: [RegionName: Pause]
    public var pausedClusters: [ClusterName: Pause]
    /// Which rollout took this one's place, if any.
    public var supersededBy: RolloutName?
    /// Narrows the policy's stages to these clusters; joiners must match it too.
    public var select: ClusterSelector
    /// What was rolled back within the rollout: joiners that it covers are not taken forward any more.
    public var rolledBack: [RollbackScope]
    public var stages: [StageState]
    public var targets: [ClusterName: TargetState]

    public init(
        name: RolloutName, application: ApplicationName, kind: RolloutKind, release: ReleaseReference,
        policy: RolloutPolicy, strategy: ApplicationStrategy, createdBy: String, createdAt: Timestamp,
        startsAt: Timestamp? = nil, phase: RolloutPhase = .scheduled, reason: String? = nil, endedAt: Timestamp? = nil,
        pause: Pause? = nil, pausedRegions: [RegionName: Pause] = [:], pausedClusters: [ClusterName: Pause] = [:],
        supersededBy: RolloutName? = nil, select: ClusterSelector = ClusterSelector(),
        rolledBack: [RollbackScope] = [], stages: [StageState], targets: [ClusterName: TargetState]
    ) {
        self.name = name
        self.application = application
        self.kind = kind
        self.release = release
        self.policy = policy
        self.strategy = strategy
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.startsAt = startsAt
        self.phase = phase
        self.reason = reason
        self.endedAt = endedAt
        self.pause = pause
        self.pausedRegions = pausedRegions
        self.pausedClusters = pausedClusters
        self.supersededBy = supersededBy
        self.select = select
        self.rolledBack = rolledBack
        self.stages = stages
        self.targets = targets
    }
}

/// Where a rollout stands.
public enum RolloutPhase: String, Sendable, Codable, CaseIterable {
    case scheduled, progressing, paused, succeeded, rollingBack, rolledBack, failed, aborted, superseded

    /// Whether it will dispatch nothing more. Ended rollouts hold no (cluster, application).
    public var isEnded: Bool {
        switch self {
        case .scheduled, .progressing, .paused, .rollingBack: false
        case .succeeded, .rolledBack, .failed, .aborted, .superseded: true
        }
    }
}
