public import SwellModel

/// What an operator orders of one rollout. Stored before it is acknowledged; every later decision sees it first.
public enum RolloutCommand: Sendable, Hashable, Codable {
    case pause(PauseScope, reason: String?)
    case resume(PauseScope)
    /// Stops for good; nothing forward is dispatched after it. Clusters stay as they are.
    case abort(reason: String?)
    /// Queues the failed targets again (all, or those named).
    case retry(clusters: [ClusterName])
    /// Takes back what it brought, on what the scope covers. Where no other release was ever proven, a cluster is held as it is,
    /// unless `remove` says that what the release brought is to be removed there.
    case rollback(RollbackScope, reason: String?, remove: Bool? = nil)
    /// Agrees to a stage's start or end, with this digest. A `gate` says which of the two is meant, so that an order that comes twice
    /// is not taken for the next gate; nil means the one that is open. `plan` is the plan that the person saw; nil only in what was stored
    /// before there was one.
    case approve(stage: StageName, digest: ContentDigest, gate: ApprovalGate? = nil, plan: ContentDigest? = nil)
    /// Takes back an approval that has not led on yet.
    case withdraw(stage: StageName)
    /// Ends the running soak or approval wait of the current stage early; audited as such. A stage without a healthy cluster passes by
    /// it only where `despiteHealth` says so. Where what is ended early is the wait for an approval, it is one, and is for the digest
    /// and the plan that the person saw.
    case promote(
        stage: StageName, despiteHealth: Bool? = nil, digest: ContentDigest? = nil, plan: ContentDigest? = nil)
    /// Leaves one cluster out for good: nothing more is assigned, waited for or counted there. What it was assigned stands.
    case skip(cluster: ClusterName, reason: String?)
    /// Lets the stages go on without one cluster, which is brought level once it can be.
    case leaveBehind(cluster: ClusterName, reason: String?)
    /// Another rollout takes its place.
    case supersede(by: RolloutName)
}

/// Which of a stage's approvals is meant.
public enum ApprovalGate: String, Sendable, Codable, CaseIterable {
    /// The one before the stage starts.
    case before
    /// The one before it passes.
    case after
}

/// What a pause or resume covers within a rollout.
public enum PauseScope: Sendable, Hashable, Codable {
    case rollout
    case region(RegionName)
    case cluster(ClusterName)
}

/// What a rollback covers within a rollout.
public enum RollbackScope: Sendable, Hashable, Codable {
    case rollout
    case stage(StageName)
    case region(RegionName)
    case cluster(ClusterName)
}

extension PauseScope: CustomStringConvertible {
    /// As people say it: `the rollout`, `region 'us-east-1'`.
    public var description: String {
        switch self {
        case .rollout: "the rollout"
        case .region(let name): "region '\(name)'"
        case .cluster(let name): "cluster '\(name)'"
        }
    }
}

extension RollbackScope: CustomStringConvertible {
    /// As people say it: `the rollout`, `stage 'canary'`.
    public var description: String {
        switch self {
        case .rollout: "the rollout"
        case .stage(let name): "stage '\(name)'"
        case .region(let name): "region '\(name)'"
        case .cluster(let name): "cluster '\(name)'"
        }
    }
}

/// A command as stored.
public struct CommandRecord: Sendable, Hashable {
    public var id: Int64
    public var rollout: RolloutName
    public var command: RolloutCommand
    public var by: String
    public var at: Timestamp

    public init(id: Int64, rollout: RolloutName, command: RolloutCommand, by: String, at: Timestamp) {
        self.id = id
        self.rollout = rollout
        self.command = command
        self.by = by
        self.at = at
    }
}

/// A report as received: which cluster (from its certificate), what, and when on the database's clock.
public struct ReportRecord: Sendable, Hashable {
    public var id: Int64
    public var cluster: ClusterName
    public var report: ApplicationReport
    public var receivedAt: Timestamp
    /// Whether the agent said more just before than was kept: a stretch of health does not reach over what nobody knows.
    public var isAfterGap: Bool

    public init(
        id: Int64, cluster: ClusterName, report: ApplicationReport, receivedAt: Timestamp, isAfterGap: Bool = false
    ) {
        self.id = id
        self.cluster = cluster
        self.report = report
        self.receivedAt = receivedAt
        self.isAfterGap = isAfterGap
    }
}
