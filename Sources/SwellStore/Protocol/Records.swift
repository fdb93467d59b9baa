public import SwellEngine
public import SwellModel

/// Documents to apply together.
public struct FleetDocuments: Sendable, Hashable, Codable {
    public var clusters: [Cluster]
    public var applications: [Application]
    public var policies: [RolloutPolicy]

    public init(clusters: [Cluster] = [], applications: [Application] = [], policies: [RolloutPolicy] = []) {
        self.clusters = clusters
        self.applications = applications
        self.policies = policies
    }
}

/// What applying did to one document.
public struct AppliedDocument: Sendable, Hashable, Codable {
    public enum Outcome: String, Sendable, Codable { case created, configured, unchanged }
    public var kind: String
    public var name: String
    public var outcome: Outcome

    public init(kind: String, name: String, outcome: Outcome) {
        self.kind = kind
        self.name = name
        self.outcome = outcome
    }
}

/// A cluster with what is known of its agent.
public struct ClusterRecord: Sendable, Hashable, Codable {
    public var cluster: Cluster
    public var isEnrolled: Bool
    public var isConnected: Bool
    public var agentVersion: String?
    public var lastSeenAt: Timestamp?
    public var pause: Pause?
    /// Until when the door stands open for one certificate that is not listed; nil where it is closed.
    public var readmittedUntil: Timestamp?
    /// When the last certificate was revoked of an agent that has none that counts; nil where one does, or none was revoked.
    public var revokedAt: Timestamp?

    public init(
        cluster: Cluster, isEnrolled: Bool = false, isConnected: Bool = false, agentVersion: String? = nil,
        lastSeenAt: Timestamp? = nil, pause: Pause? = nil, readmittedUntil: Timestamp? = nil,
        revokedAt: Timestamp? = nil
    ) {
        self.revokedAt = revokedAt
        self.cluster = cluster
        self.isEnrolled = isEnrolled
        self.isConnected = isConnected
        self.agentVersion = agentVersion
        self.lastSeenAt = lastSeenAt
        self.pause = pause
        self.readmittedUntil = readmittedUntil
    }
}

/// What a look for work found.
public struct DueRollouts: Sendable, Hashable {
    public var rollouts: [DueRollout]
    /// The earliest wake-up that has not come; nil for none.
    public var nextWakeUp: Timestamp?
    /// The database's clock at the look.
    public var now: Timestamp

    public init(rollouts: [DueRollout], nextWakeUp: Timestamp?, now: Timestamp) {
        self.rollouts = rollouts
        self.nextWakeUp = nextWakeUp
        self.now = now
    }

    /// How long until that wake-up.
    public var untilWakeUp: Interval? { nextWakeUp.map { $0 - now } }
}

/// A rollout in a list.
public struct RolloutSummary: Sendable, Hashable, Codable {
    public var name: RolloutName
    public var application: ApplicationName
    public var kind: RolloutKind
    /// Of the release that it carries; for an undo, of the one that it takes back.
    public var version: String
    /// For an undo, the versions that its clusters go back to, in the order of their texts.
    public var brings: [String]
    public var phase: RolloutPhase
    public var reason: String?
    public var createdBy: String
    public var createdAt: Timestamp
    public var endedAt: Timestamp?
    /// How many targets stand where, under the words of ``SwellEngine/TargetState/standing``.
    public var counts: [String: Int]

    public init(
        name: RolloutName, application: ApplicationName, kind: RolloutKind, version: String, brings: [String] = [],
        phase: RolloutPhase, reason: String?,
        createdBy: String, createdAt: Timestamp, endedAt: Timestamp?, counts: [String: Int]
    ) {
        self.name = name
        self.application = application
        self.kind = kind
        self.version = version
        self.brings = brings
        self.phase = phase
        self.reason = reason
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.endedAt = endedAt
        self.counts = counts
    }
}

/// What became of a batch of reports.
public struct Ingested: Sendable, Hashable {
    /// The rollouts that it concerns.
    public var rollouts: Set<RolloutName>
    /// The sessions whose words were left out, since another speaks for their cluster by now.
    public var overtaken: Set<String>

    public init(rollouts: Set<RolloutName> = [], overtaken: Set<String> = []) {
        self.rollouts = rollouts
        self.overtaken = overtaken
    }
}

/// An agent's start that begins a session.
public struct AgentStart: Sendable, Hashable {
    /// A new one at each start.
    public var bootID: String
    /// The certificate that it came with.
    public var serial: String

    public init(bootID: String, serial: String) {
        self.bootID = bootID
        self.serial = serial
    }
}

/// How an agent's start stands to those that came with the same certificate before, at whichever replica.
public enum StartStanding: Sendable, Hashable {
    /// It is the latest, or a new one.
    case sole
    /// Another had taken its place, and it comes back: one of the two was frozen, or both live.
    case isBack
    /// It comes back again and again: two agents live, with one certificate.
    case takesTurns
}

/// A report as an agent's session hands it on.
public struct ReceivedReport: Sendable, Hashable {
    public var cluster: ClusterName
    public var report: ApplicationReport
    /// The session that it was said in; nil where it is taken in whatever session there is.
    public var session: String?

    public init(cluster: ClusterName, report: ApplicationReport, session: String? = nil) {
        self.cluster = cluster
        self.report = report
        self.session = session
    }

    /// The report as it is kept and decided upon: small, so without what drift it tells of.
    var withoutDrift: ApplicationReport {
        var report = report
        report.drift = nil
        return report
    }
}

/// The last that was heard of an application on a cluster.
public struct ClusterStatus: Sendable, Hashable, Codable {
    public var cluster: ClusterName
    public var report: ApplicationReport
    public var receivedAt: Timestamp

    public init(cluster: ClusterName, report: ApplicationReport, receivedAt: Timestamp) {
        self.cluster = cluster
        self.report = report
        self.receivedAt = receivedAt
    }
}

/// What an agent last found changed by others.
public struct ClusterDrift: Sendable, Hashable, Codable {
    public var cluster: ClusterName
    public var application: ApplicationName
    public var drift: DriftReport
    public var receivedAt: Timestamp

    public init(cluster: ClusterName, application: ApplicationName, drift: DriftReport, receivedAt: Timestamp) {
        self.cluster = cluster
        self.application = application
        self.drift = drift
        self.receivedAt = receivedAt
    }
}

/// How much of an application its cluster's agent last found changed by others.
public struct DriftFigures: Sendable, Hashable, Codable {
    public var cluster: ClusterName
    public var application: ApplicationName
    /// How many objects had changed.
    public var count: Int
    /// Whether they were put back.
    public var isCorrected: Bool
    public var receivedAt: Timestamp

    public init(
        cluster: ClusterName, application: ApplicationName, count: Int, isCorrected: Bool, receivedAt: Timestamp
    ) {
        self.cluster = cluster
        self.application = application
        self.count = count
        self.isCorrected = isCorrected
        self.receivedAt = receivedAt
    }
}

/// One row of the audit log.
public struct AuditEvent: Sendable, Hashable, Codable {
    public var id: Int64
    public var at: Timestamp
    public var by: String
    /// What happened, such as `rollout.paused`, `target.healthy`, `region.paused`, `cluster.applied`.
    public var what: String
    public var rollout: RolloutName?
    public var application: ApplicationName?
    public var stage: StageName?
    public var region: RegionName?
    public var cluster: ClusterName?
    public var from: String?
    public var to: String?
    public var reason: String?

    public init(
        id: Int64, at: Timestamp, by: String, what: String, rollout: RolloutName? = nil,
        application: ApplicationName? = nil, stage: StageName? = nil, region: RegionName? = nil,
        cluster: ClusterName? = nil, from: String? = nil, to: String? = nil, reason: String? = nil
    ) {
        self.id = id
        self.at = at
        self.by = by
        self.what = what
        self.rollout = rollout
        self.application = application
        self.stage = stage
        self.region = region
        self.cluster = cluster
        self.from = from
        self.to = to
        self.reason = reason
    }
}

/// Narrows the audit log. What is nil does not restrict.
public struct EventFilter: Sendable, Hashable {
    public var rollout: RolloutName?
    public var application: ApplicationName?
    public var cluster: ClusterName?
    public var region: RegionName?

    public init(
        rollout: RolloutName? = nil, application: ApplicationName? = nil, cluster: ClusterName? = nil,
        region: RegionName? = nil
    ) {
        self.rollout = rollout
        self.application = application
        self.cluster = cluster
        self.region = region
    }
}
