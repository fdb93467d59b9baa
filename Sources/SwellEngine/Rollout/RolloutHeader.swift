public import SwellModel

/// A rollout without its stages and targets: what is said once for all of it.
///
/// What never changes after planning is constant.
public struct RolloutHeader: Sendable, Hashable, Codable {
    public let name: RolloutName
    public let application: ApplicationName
    public let kind: RolloutKind
    /// The release that forward dispatches carry; for an undo, the one that it takes back.
    public let release: ReleaseReference
    /// The policy, as it was when the rollout was planned.
    public let policy: RolloutPolicy
    /// The application's strategy, as it was in the release.
    public let strategy: ApplicationStrategy
    public let createdBy: String
    public let createdAt: Timestamp
    /// When it may begin; nil at once.
    public let startsAt: Timestamp?
    /// Narrows the policy's stages to these clusters; joiners must match it too.
    public let select: ClusterSelector
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
    /// What was rolled back within the rollout: joiners that it covers are not taken forward any more.
    public var rolledBack: [RollbackScope]
    /// What its last decision would have broken, so that it was not committed; nil in ordinary times.
    public internal(set) var hold: ReviewHold?

    public init(
        name: RolloutName, application: ApplicationName, kind: RolloutKind, release: ReleaseReference,
        policy: RolloutPolicy, strategy: ApplicationStrategy, createdBy: String, createdAt: Timestamp,
        startsAt: Timestamp? = nil, select: ClusterSelector = ClusterSelector(), phase: RolloutPhase = .scheduled
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
        self.select = select
        self.phase = phase
        self.pausedRegions = [:]
        self.pausedClusters = [:]
        self.rolledBack = []
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
