public import SwellModel

/// One release going over one set of clusters under one policy: everything decided so far, and nothing else.
///
/// A value: `RolloutMachine` turns it and an event into its successor. All of it is stored; see `Transition` for how each change is told.
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
    /// Lanes of this rollout paused on their own; a region paused for the whole fleet is in `Surroundings`.
    public var pausedRegions: [RegionName: Pause]
    public var pausedClusters: [ClusterName: Pause]
    /// Which rollout took this one's place, if any.
    public var supersededBy: RolloutName?
    public var stages: [StageState]
    public var targets: [ClusterName: TargetState]

    public init(
        name: RolloutName, application: ApplicationName, kind: RolloutKind, release: ReleaseReference,
        policy: RolloutPolicy, strategy: ApplicationStrategy, createdBy: String, createdAt: Timestamp,
        startsAt: Timestamp? = nil, phase: RolloutPhase = .scheduled, reason: String? = nil, endedAt: Timestamp? = nil,
        pause: Pause? = nil, pausedRegions: [RegionName: Pause] = [:], pausedClusters: [ClusterName: Pause] = [:],
        supersededBy: RolloutName? = nil, stages: [StageState], targets: [ClusterName: TargetState]
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

/// One stage of a rollout.
public struct StageState: Sendable, Hashable, Codable {
    public var name: StageName
    public var phase: StagePhase
    public var reason: String?
    public var startedAt: Timestamp?
    /// When its last target became healthy; a bad report within the soak clears it.
    public var healthyAt: Timestamp?
    public var soakEndsAt: Timestamp?
    public var passedAt: Timestamp?
    /// The approvals given, bound to rollout, stage and digest by standing here.
    public var approvedBefore: Approval?
    public var approvedAfter: Approval?
    /// The size of each lane as snapshotted at planning; limits are of these.
    public var lanes: [RegionName: Int]

    public init(
        name: StageName, phase: StagePhase = .waiting, reason: String? = nil, startedAt: Timestamp? = nil,
        healthyAt: Timestamp? = nil, soakEndsAt: Timestamp? = nil, passedAt: Timestamp? = nil,
        approvedBefore: Approval? = nil, approvedAfter: Approval? = nil, lanes: [RegionName: Int] = [:]
    ) {
        self.name = name
        self.phase = phase
        self.reason = reason
        self.startedAt = startedAt
        self.healthyAt = healthyAt
        self.soakEndsAt = soakEndsAt
        self.passedAt = passedAt
        self.approvedBefore = approvedBefore
        self.approvedAfter = approvedAfter
        self.lanes = lanes
    }
}

/// Where a stage stands.
public enum StagePhase: String, Sendable, Codable, CaseIterable {
    case waiting, gated, progressing, soaking, verifying, passed, failed
}

/// A person's agreement that a stage may start or pass, with this digest.
public struct Approval: Sendable, Hashable, Codable {
    public var by: String
    public var at: Timestamp
    public var digest: ContentDigest

    public init(by: String, at: Timestamp, digest: ContentDigest) {
        self.by = by
        self.at = at
        self.digest = digest
    }
}

/// One cluster in a rollout.
public struct TargetState: Sendable, Hashable, Codable {
    public var cluster: ClusterName
    public var region: RegionName
    /// The index of its stage; joiners of a passed stage carry that stage's index too.
    public var stage: Int
    public var phase: TargetPhase
    /// Why it is in this phase: a culprit's name, an operator's reason. At most 1,024 characters.
    public var reason: String?
    /// The generation of the last assignment that this rollout decided for it; nil before the first dispatch.
    public var generation: Int64?
    /// What that assignment wants; nil before the first dispatch, and where removal was ordered.
    public var assigned: ReleaseReference?
    /// The release last proven healthy here before the rollout: where a rollback goes.
    public var previous: ReleaseReference?
    public var dispatchedAt: Timestamp?
    /// When the current good stretch began: the first good report since the last bad one.
    public var goodSince: Timestamp?
    /// When it counted as healthy.
    public var healthyAt: Timestamp?
    /// When the phase last changed.
    public var changedAt: Timestamp
    /// How often it was dispatched forward; retries count on.
    public var attempts: Int

    public init(
        cluster: ClusterName, region: RegionName, stage: Int, phase: TargetPhase = .queued, reason: String? = nil,
        generation: Int64? = nil, assigned: ReleaseReference? = nil, previous: ReleaseReference? = nil,
        dispatchedAt: Timestamp? = nil, goodSince: Timestamp? = nil, healthyAt: Timestamp? = nil, changedAt: Timestamp,
        attempts: Int = 0
    ) {
        self.cluster = cluster
        self.region = region
        self.stage = stage
        self.phase = phase
        self.reason = reason
        self.generation = generation
        self.assigned = assigned
        self.previous = previous
        self.dispatchedAt = dispatchedAt
        self.goodSince = goodSince
        self.healthyAt = healthyAt
        self.changedAt = changedAt
        self.attempts = attempts
    }
}

/// Where a target stands.
public enum TargetPhase: String, Sendable, Codable, CaseIterable {
    case queued, dispatched, applying, verifying, healthy, failed, unreachable, rollingBack, rolledBack, rollbackFailed,
        skipped
}
