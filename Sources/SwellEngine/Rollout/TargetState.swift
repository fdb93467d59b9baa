public import SwellModel

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
    /// The lease epoch of that assignment.
    public var epoch: Int64?
    /// What that assignment wants; nil before the first dispatch, and where removal was ordered.
    public var assigned: ReleaseReference?
    /// The release last proven healthy here before the rollout: where a rollback goes.
    public var previous: ReleaseReference?
    public var dispatchedAt: Timestamp?
    /// When the current good stretch began: the first good report since the last bad one.
    public var healthySince: Timestamp?
    /// When the agent first said, within that stretch, that `minHealthyTime` is over.
    public var assertedAt: Timestamp?
    /// When it last began to count as healthy; cleared by a regression or by silence before its stage passed.
    public var healthyAt: Timestamp?
    /// When its assignment first counted as healthy; a regression does not clear it, a new assignment does.
    public var provenAt: Timestamp?
    /// When what is under way must be done: the dispatch, the recovery or the rollback. Nil where nothing is under way, or while
    /// the agent is silent: it counts again once the agent is heard again.
    public var deadlineAt: Timestamp?
    /// When it failed the release; stands through its rollback, and is cleared by a retry. What the failure budget counts.
    public var failedAt: Timestamp?
    /// Why it is brought level after its stage, if it is; such targets do not hold the stage.
    public var late: LateMember?
    /// Why it is skipped, where it is.
    public var skip: SkipReason?
    /// When the phase last changed.
    public var changedAt: Timestamp
    /// How often it was dispatched forward; retries count on.
    public var attempts: Int

    /// The words under which rows of every version are stored.
    private enum CodingKeys: String, CodingKey {
        case cluster, region, stage, phase, reason, generation, epoch, assigned, previous, dispatchedAt
        case healthySince = "goodSince"
        case assertedAt = "claimedAt"
        case healthyAt, provenAt, deadlineAt, failedAt
        case late = "lateness"
        case skip, changedAt, attempts
    }

    public init(
        cluster: ClusterName, region: RegionName, stage: Int, phase: TargetPhase = .queued, reason: String? = nil,
        generation: Int64? = nil, epoch: Int64? = nil, assigned: ReleaseReference? = nil,
        previous: ReleaseReference? = nil,
        dispatchedAt: Timestamp? = nil, healthySince: Timestamp? = nil, assertedAt: Timestamp? = nil,
        healthyAt: Timestamp? = nil, provenAt: Timestamp? = nil, deadlineAt: Timestamp? = nil,
        failedAt: Timestamp? = nil, late: LateMember? = nil, skip: SkipReason? = nil, changedAt: Timestamp,
        attempts: Int = 0
    ) {
        self.cluster = cluster
        self.region = region
        self.stage = stage
        self.phase = phase
        self.reason = reason
        self.generation = generation
        self.epoch = epoch
        self.assigned = assigned
        self.previous = previous
        self.dispatchedAt = dispatchedAt
        self.healthySince = healthySince
        self.assertedAt = assertedAt
        self.healthyAt = healthyAt
        self.provenAt = provenAt
        self.deadlineAt = deadlineAt
        self.failedAt = failedAt
        self.late = late
        self.skip = skip
        self.changedAt = changedAt
        self.attempts = attempts
    }
}

/// Where a target stands.
public enum TargetPhase: String, Sendable, Codable, CaseIterable {
    case queued, dispatched, applying, verifying, healthy, failed, unreachable, rollingBack, rolledBack, rollbackFailed,
        skipped
}

/// Why a target is brought level after its stage has passed, without holding it.
public enum LateMember: String, Sendable, Codable, CaseIterable {
    /// Its cluster joined after the stage had started (invariant 18). Its failure is its own: no budget counts it.
    case joined
    /// Its stage passed without it: its region was paused and the policy says to skip, or it was retried afterwards.
    case deferred = "leftBehind"
}

/// Why a target is skipped.
public enum SkipReason: String, Sendable, Codable, CaseIterable {
    /// The cluster left the fleet.
    case left
    /// What covers it was rolled back before anything was dispatched to it.
    case rolledBack
    /// An undo finds no release that was ever proven there, and the strategy says to hold.
    case neverHealthy
}
