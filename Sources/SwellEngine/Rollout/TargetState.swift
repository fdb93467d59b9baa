public import SwellModel

/// One cluster in a rollout.
///
/// Its phase says where it stands, its attempt what was last assigned and what is known of that. Both change together and only by
/// the functions of `TargetState+Course.swift`, so that no evidence outlives what it speaks of.
public struct TargetState: Sendable, Hashable {
    public var cluster: ClusterName
    /// The region as planned; where the cluster is by now says the fleet.
    public var region: RegionName
    /// The index of its stage; joiners of a passed stage carry that stage's index too.
    public var stage: Int
    public internal(set) var phase: TargetPhase
    /// Why it is in this phase: a culprit's name, an operator's reason. At most 1,024 characters.
    public var reason: String?
    /// The last assignment that this rollout decided for it; nil before the first dispatch.
    public internal(set) var attempt: Attempt?
    /// The release last proven healthy here before the rollout, other than the one it brings: where a rollback goes.
    public var previous: ReleaseReference?
    /// Whether it ran this very release, proven there, before the rollout first came: the rollout changes nothing there, so that taking
    /// the rollout back has nothing to take from it (invariant 20). Known from the first dispatch on.
    public internal(set) var ranBefore: Bool
    /// When it failed the release; stands through its rollback and its leaving, and is cleared by a retry, by proof, or by a person
    /// who leaves the cluster out. What the failure budget counts (invariant 21).
    public internal(set) var failedAt: Timestamp?
    /// Why it is brought level after its stage, if it is; such targets do not hold the stage.
    public internal(set) var late: LateMember?
    /// Why it is skipped, where it is.
    public internal(set) var skip: SkipReason?
    /// When the phase last changed.
    public internal(set) var changedAt: Timestamp
    /// How often it was dispatched forward; retries count on.
    public internal(set) var attempts: Int

    public init(
        cluster: ClusterName, region: RegionName, stage: Int, phase: TargetPhase = .queued, reason: String? = nil,
        attempt: Attempt? = nil, previous: ReleaseReference? = nil, ranBefore: Bool = false,
        failedAt: Timestamp? = nil, late: LateMember? = nil, skip: SkipReason? = nil, changedAt: Timestamp,
        attempts: Int = 0
    ) {
        self.cluster = cluster
        self.region = region
        self.stage = stage
        self.phase = phase
        self.reason = reason
        self.attempt = attempt
        self.previous = previous
        self.ranBefore = ranBefore
        self.failedAt = failedAt
        self.late = late
        self.skip = skip
        self.changedAt = changedAt
        self.attempts = attempts
    }

    // MARK: What its attempt says

    /// The generation of the last assignment that this rollout decided for it; nil before the first dispatch.
    public var generation: Int64? { attempt?.generation }
    /// The epoch that it carries.
    public var epoch: Int64? { attempt?.epoch }
    /// What it brings; nil before the first dispatch, and where removal was ordered.
    public var assigned: ReleaseReference? { attempt?.release }
    public var dispatchedAt: Timestamp? { attempt?.dispatchedAt }
    /// When the current good stretch began: the first good report since the last bad one.
    public var healthySince: Timestamp? { attempt?.evidence.healthySince }
    /// When the agent first said, within that stretch, that `minHealthyTime` is over.
    public var assertedAt: Timestamp? { attempt?.evidence.assertedAt }
    /// When it last began to count as healthy; nil after a regression, or silence before its stage passed.
    public var healthyAt: Timestamp? { attempt?.evidence.healthyAt }
    /// When its assignment first counted as healthy.
    public var provenAt: Timestamp? { attempt?.evidence.provenAt }
    /// When what is under way must be done; nil where nothing is, or while the clock does not run.
    public var deadlineAt: Timestamp? { attempt?.deadline.until }
}

/// Where a target stands.
public enum TargetPhase: String, Sendable, Codable, CaseIterable {
    /// `unreachable` is everything unknown: an agent that is not heard of, or one that cannot see its cluster.
    case queued, dispatched, applying, verifying, healthy, failed, unreachable, rollingBack, rolledBack, rollbackFailed,
        skipped
}

/// Why a target is brought level after its stage has passed, without holding it.
public enum LateMember: String, Sendable, Codable, CaseIterable {
    /// Its cluster joined after the stage had started (invariant 18). Its failure is its own: no budget counts it.
    case joined
    /// Its stage goes on without it: its region is paused and the policy says to skip, its agent is away and the policy allows for
    /// that, a person left it behind, or it was retried after its stage had passed.
    case deferred = "leftBehind"
}

/// Why a target is skipped.
public enum SkipReason: String, Sendable, Codable, CaseIterable {
    /// The cluster left the fleet.
    case left
    /// What covers it was rolled back before anything was dispatched to it, or had changed nothing there.
    case rolledBack
    /// There is no other release that was ever proven there, and the cluster is held as it is.
    case neverHealthy
    /// A person left it out.
    case ordered
}
