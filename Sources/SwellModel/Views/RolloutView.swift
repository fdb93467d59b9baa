public import KubernetesObjects

/// A rollout as `swell rollout get NAME -o json` and `GET /v1/rollouts/NAME` give it: a contract, in which fields are only added.
/// What has no value is left out.
public struct RolloutView: Sendable, Hashable, Codable {
    public var apiVersion = DocumentKind.apiVersion
    public var kind = "Rollout"
    public var metadata: MetadataView
    public var spec: Spec
    public var status: Status
    /// What the order that this answers may surprise with; only in answers to orders.
    public var warnings: [WarningView]?

    public init(metadata: MetadataView, spec: Spec, status: Status, warnings: [WarningView]? = nil) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
        self.warnings = warnings
    }

    public struct Spec: Sendable, Hashable, Codable {
        public var application: ApplicationName
        /// `release`, `undo` or `removal`.
        public var type: String
        /// The rollout that an undo takes back, or that brought what is removed.
        public var undoOf: RolloutName?
        public var release: ReleaseReference
        /// The policy's name.
        public var policy: PolicyName
        /// The policy's spec, as it was when the rollout was planned.
        public var policySpec: JSONValue
        public var startsAt: Timestamp?

        public init(
            application: ApplicationName, type: String, undoOf: RolloutName?, release: ReleaseReference,
            policy: PolicyName,
            policySpec: JSONValue, startsAt: Timestamp?
        ) {
            self.application = application
            self.type = type
            self.undoOf = undoOf
            self.release = release
            self.policy = policy
            self.policySpec = policySpec
            self.startsAt = startsAt
        }
    }

    public struct Status: Sendable, Hashable, Codable {
        /// `scheduled`, `progressing`, `paused`, `rollingBack`; or ended: `succeeded`, `rolledBack`, `failed`, `aborted`, `superseded`.
        public var phase: String
        public var isEnded: Bool
        public var reason: String?
        public var endedAt: Timestamp?
        public var supersededBy: RolloutName?
        public var pause: Pause?
        public var pausedRegions: [RegionName: Pause]
        public var pausedClusters: [ClusterName: Pause]
        /// What it waits for; empty when it has ended.
        public var waitingFor: [BlockerView]
        public var stages: [StageView]
        /// In the order of stage, region and name.
        public var targets: [TargetView]
        /// The digest of the policy and of which clusters are in which stage: what an approval is for, beside the release's digest.
        public var plan: ContentDigest?

        public init(
            phase: String, isEnded: Bool, reason: String?, endedAt: Timestamp?, supersededBy: RolloutName?,
            pause: Pause?,
            pausedRegions: [RegionName: Pause], pausedClusters: [ClusterName: Pause], waitingFor: [BlockerView],
            stages: [StageView], targets: [TargetView], plan: ContentDigest? = nil
        ) {
            self.plan = plan
            self.phase = phase
            self.isEnded = isEnded
            self.reason = reason
            self.endedAt = endedAt
            self.supersededBy = supersededBy
            self.pause = pause
            self.pausedRegions = pausedRegions
            self.pausedClusters = pausedClusters
            self.waitingFor = waitingFor
            self.stages = stages
            self.targets = targets
        }
    }
}

/// One thing that a rollout waits for.
public struct BlockerView: Sendable, Hashable, Codable {
    /// What kind of wait it is: `approval`, `soak`, `regionPause`, `unreachable` …
    public var what: String
    /// The reason, for people.
    public var why: String
    /// When it ends by itself, if that is known.
    @AlwaysPresent public var until: Timestamp?
    public var stage: StageName?
    public var region: RegionName?
    public var clusters: [ClusterName]

    public init(
        what: String, why: String, until: Timestamp?, stage: StageName?, region: RegionName?, clusters: [ClusterName]
    ) {
        self.what = what
        self.why = why
        self.until = until
        self.stage = stage
        self.region = region
        self.clusters = clusters
    }
}

/// One stage of a rollout.
public struct StageView: Sendable, Hashable, Codable {
    public var name: StageName
    public var phase: String
    public var reason: String?
    @AlwaysPresent public var startedAt: Timestamp?
    /// When its last target became healthy.
    @AlwaysPresent public var healthyAt: Timestamp?
    @AlwaysPresent public var soakEndsAt: Timestamp?
    @AlwaysPresent public var passedAt: Timestamp?
    /// How many clusters each region's lane has.
    public var lanes: [RegionName: Int]
    /// Who approved its start, and its passing.
    public var approvedBefore: String?
    public var approvedAfter: String?
    /// The same with when, and for which content; nil of an older server.
    public var approvals: [ApprovalView]?
    /// Who ended its soak, or its lack of a healthy cluster, by order.
    public var promotion: ApprovalView?

    public init(
        name: StageName, phase: String, reason: String?, startedAt: Timestamp?, healthyAt: Timestamp?,
        soakEndsAt: Timestamp?, passedAt: Timestamp?, lanes: [RegionName: Int], approvedBefore: String?,
        approvedAfter: String?, approvals: [ApprovalView]? = nil, promotion: ApprovalView? = nil
    ) {
        self.name = name
        self.phase = phase
        self.reason = reason
        self.startedAt = startedAt
        self.healthyAt = healthyAt
        self.soakEndsAt = soakEndsAt
        self.passedAt = passedAt
        self.lanes = lanes
        self.approvedBefore = approvedBefore
        self.approvedAfter = approvedAfter
        self.approvals = approvals
        self.promotion = promotion
    }

    /// Which of its approvals an approval would be for, as it stands: `before` it starts, `after` its soak; nil where it is at neither.
    public var openGate: String? {
        switch phase {
        case "gated": ApprovalView.before
        case "verifying": ApprovalView.after
        default: nil
        }
    }
}

/// A person's word on a stage.
public struct ApprovalView: Sendable, Hashable, Codable {
    /// What it let through: `before` its start, `after` its soak; nil of a promotion.
    public var gate: String?
    public var by: String
    public var at: Timestamp
    /// The content that it is for.
    public var digest: ContentDigest

    public static let before = "before"
    public static let after = "after"

    public init(gate: String?, by: String, at: Timestamp, digest: ContentDigest) {
        self.gate = gate
        self.by = by
        self.at = at
        self.digest = digest
    }
}

/// One cluster in a rollout.
public struct TargetView: Sendable, Hashable, Codable {
    public var cluster: ClusterName
    public var region: RegionName
    public var stage: StageName
    /// `queued`, `dispatched`, `applying`, `verifying`, `unreachable` (its agent is not heard of), `unknown` (its
    /// agent is there, and nobody can say how the release is), `rollingBack`; or settled: `healthy`, `failed`, `rolledBack`,
    /// `rollbackFailed`, `skipped`, `removed` (nothing of the release is there any more, since there was no other to go to) and
    /// `held` (it stays as it is, since there was none and nobody said to remove).
    public var phase: String
    @AlwaysPresent public var reason: String?
    /// Of the last assignment that this rollout decided; nil before the first dispatch.
    @AlwaysPresent public var generation: Int64?
    /// What that assignment wants.
    @AlwaysPresent public var digest: ContentDigest?
    @AlwaysPresent public var release: String?
    /// The release that was proven healthy here before the rollout.
    public var previous: String?
    @AlwaysPresent public var dispatchedAt: Timestamp?
    @AlwaysPresent public var healthyAt: Timestamp?
    public var changedAt: Timestamp
    public var attempts: Int
    /// Why its stage does not wait for it, where it does not: `joined` after the stage had started, or `leftBehind`.
    public var late: String?

    public init(
        cluster: ClusterName, region: RegionName, stage: StageName, phase: String, reason: String?, generation: Int64?,
        digest: ContentDigest?, release: String?, previous: String?, dispatchedAt: Timestamp?, healthyAt: Timestamp?,
        changedAt: Timestamp, attempts: Int, late: String? = nil
    ) {
        self.late = late
        self.cluster = cluster
        self.region = region
        self.stage = stage
        self.phase = phase
        self.reason = reason
        self.generation = generation
        self.digest = digest
        self.release = release
        self.previous = previous
        self.dispatchedAt = dispatchedAt
        self.healthyAt = healthyAt
        self.changedAt = changedAt
        self.attempts = attempts
    }
}
