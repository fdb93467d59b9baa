internal import SwellEngine
public import SwellModel

/// The whole store as a value: each mutating function is one transaction, done wholly or (when it throws) not at all.
///
/// `MemoryStore` is an actor around it; a simulation drives it directly, setting `now` before each call.
public struct MemoryState: Sendable {
    /// The database's clock.
    public var now: Timestamp
    /// Which history this is: another one after it went back to an earlier state.
    var history: Int64 = 0

    struct ClusterApplication: Hashable {
        var cluster: ClusterName
        var application: ApplicationName
    }

    struct Agent {
        var isEnrolled = false
        var connectedTo: String?
        var version: String?
        var lastSeenAt: Timestamp?
        /// The session whose words count.
        var session: String?
        var boots = BootHistory()
    }

    struct StoredStatus {
        var report: ApplicationReport
        var receivedAt: Timestamp
        var highestGeneration: Int64
    }

    struct StoredRelease {
        var sequence: Int64
        var release: Release
        var documents: Set<ContentDigest>
    }

    struct StoredRollout {
        var sequence: Int64
        var rollout: Rollout
        var plan: Rollout
        var wakeAt: Timestamp?
        /// The version of the fleet that its last decision saw.
        var seenFleet: Int64
        /// Rises with every change of the rollout.
        var revision: Int64
    }

    struct StoredCommand {
        var record: CommandRecord
        var verdict: CommandVerdict?
    }

    struct StoredAudit {
        var event: AuditEvent
        var transition: Transition?
    }

    struct StoredAssignment {
        var assignment: Assignment
        var change: Int64
    }

    struct StoredDrift {
        var found: ClusterDrift
        /// The generation of the assignment that it was found under.
        var generation: Int64
        /// Until when its share of the audit log is used up.
        var auditedUntil: Timestamp
    }

    struct StoredPreview {
        var request: PreviewRequest
        var expiresAt: Timestamp
        var answer: PreviewAnswer?
    }

    struct Token {
        var cluster: ClusterName
        var createdBy: String
        var createdAt: Timestamp
        var expiresAt: Timestamp
        /// The serial of the certificate that it was spent for.
        var spentBy: String?
    }

    struct Certificate {
        var cluster: ClusterName
        var number: Int64
        var former: String?
        var keyFingerprint: String
        var issuedAt: Timestamp
        var expiresAt: Timestamp
        var usedAt: Timestamp?
        var revokedAt: Timestamp?
        var misusedAt: Timestamp?
        var isShared = false
        var isRevoked = false
    }

    var clusters: [ClusterName: Cluster] = [:]
    var applications: [ApplicationName: Application] = [:]
    var policies: [PolicyName: RolloutPolicy] = [:]
    var regionPauses: [RegionName: Pause] = [:]
    var clusterPauses: [ClusterName: Pause] = [:]
    var fleetLimit: Int?
    /// Rises with every change of what surrounds rollouts.
    var fleetVersion: Int64 = 0

    var releases: [ApplicationName: [String: StoredRelease]] = [:]
    var documents: [ContentDigest: [UInt8]] = [:]

    var rollouts: [RolloutName: StoredRollout] = [:]
    var claims: [ClusterApplication: RolloutName] = [:]
    var commands: [Int64: StoredCommand] = [:]
    var pendingCommands: [RolloutName: [Int64]] = [:]
    var inbox: [RolloutName: [ReportRecord]] = [:]

    var agents: [ClusterName: Agent] = [:]
    var statuses: [ClusterApplication: StoredStatus] = [:]
    var assignments: [ClusterApplication: StoredAssignment] = [:]
    var proven: [ClusterApplication: [ProvenRelease]] = [:]
    var drifts: [ClusterApplication: StoredDrift] = [:]
    var previews: [Int64: StoredPreview] = [:]

    var audit: [StoredAudit] = []
    var leases: [String: Lease] = [:]
    var tokens: [String: Token] = [:]
    var certificates: [String: Certificate] = [:]
    var trust: [ClusterName: TrustRules.Row] = [:]

    /// One sequence for ids, so that each is unique and rises.
    var lastID: Int64 = 0
    /// One sequence for lease epochs.
    var lastEpoch: Int64 = 0

    public init(now: Timestamp = Timestamp(milliseconds: 0)) {
        self.now = now
    }

    mutating func nextID() -> Int64 {
        lastID += 1
        return lastID
    }

    mutating func record(_ event: AuditEvent, transition: Transition? = nil) {
        var stored = StoredAudit(event: event.bounded, transition: transition)
        stored.event.id = nextID()
        audit.append(stored)
    }
}
