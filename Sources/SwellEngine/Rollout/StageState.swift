public import SwellModel

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
    /// Who ended the soak, or passed a stage without a healthy cluster, by order; cleared when the soak starts again.
    public var promotion: Approval?
    /// The size of each lane as snapshotted at planning; limits are of these.
    public var lanes: [RegionName: Int]

    public init(
        name: StageName, phase: StagePhase = .waiting, reason: String? = nil, startedAt: Timestamp? = nil,
        healthyAt: Timestamp? = nil, soakEndsAt: Timestamp? = nil, passedAt: Timestamp? = nil,
        approvedBefore: Approval? = nil, approvedAfter: Approval? = nil, promotion: Approval? = nil,
        lanes: [RegionName: Int] = [:]
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
        self.promotion = promotion
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
    /// The plan that it is for, see ``Rollout/planDigest``; nil where an earlier version took it.
    public var plan: ContentDigest?

    public init(by: String, at: Timestamp, digest: ContentDigest, plan: ContentDigest? = nil) {
        self.by = by
        self.at = at
        self.digest = digest
        self.plan = plan
    }
}
