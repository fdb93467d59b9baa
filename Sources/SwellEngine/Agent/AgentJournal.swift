public import SwellModel

/// What an agent must not forget: written to disk before any action that follows from it.
public struct AgentJournal: Sendable, Hashable, Codable {
    /// One record for each application that was ever assigned to this cluster.
    public var applications: [ApplicationName: AgentRecord]
    /// Since when the coordinator has been out of reach; nil while a session is up.
    public var awaySince: Timestamp?

    public init(applications: [ApplicationName: AgentRecord] = [:], awaySince: Timestamp? = nil) {
        self.applications = applications
        self.awaySince = awaySince
    }

    /// The highest epoch seen in any assignment.
    public var highestEpoch: Int64 { applications.values.map(\.highestEpoch).max() ?? 0 }

    /// What the agent says on connecting: every application as it stands, in the order of their names.
    public var statuses: [ApplicationReport] {
        applications.keys.sorted().compactMap { applications[$0]?.outgoing?.report ?? applications[$0]?.currentReport }
    }

    /// The digests of releases that must stay at hand: what runs, what it may fall back to, what was assigned.
    public var referredDigests: Set<ContentDigest> {
        var digests: Set<ContentDigest> = []
        for record in applications.values {
            if let digest = record.work?.release?.digest { digests.insert(digest) }
            if let digest = record.applied?.digest { digests.insert(digest) }
            if let digest = record.assignment?.digest { digests.insert(digest) }
            if let digest = record.fallback?.digest { digests.insert(digest) }
        }
        return digests
    }
}

/// The journal's part for one application.
public struct AgentRecord: Sendable, Hashable, Codable {
    public var application: ApplicationName
    /// The assignment that was accepted last; nil where only the cluster's inventory told of the application.
    public var assignment: Assignment?
    /// The release that was assigned before that, by another rollout or beside another goal: an order that comes under a new generation has
    /// replaced what it replaced at first. Nil for none, and in journals of earlier versions.
    public var replaced: ContentDigest?
    /// The highest generation ever accepted. It never falls.
    public var highestGeneration: Int64
    /// The highest epoch ever seen for this application.
    public var highestEpoch: Int64
    public var phase: AgentPhase
    /// What is being done, or was done last; nil before the first.
    public var work: AgentWork?
    /// Whether `work` was carried out whole.
    public var isApplied: Bool
    /// The release that was last applied whole, if any is.
    public var applied: ReleaseReference?
    /// Releases proven healthy on this cluster, the latest first; few of them.
    public var proven: [ReleaseReference]
    /// The generation whose work was seen healthy last: that it was the last one begun says that what runs was proven, which a digest
    /// does not, since a release may run again and fail. Nil before the first, and in journals of earlier versions.
    public var provenGeneration: Int64?
    public var acceptedAt: Timestamp?
    /// When `work` counts as failed if it has not become healthy; nil before it begins and once it has.
    public var deadline: Timestamp?
    /// Since when `work` cannot be seen, so that its deadline stands still; nil while it can, or while it has none.
    public var blindSince: Timestamp?
    /// Since when a person's pause covers the cluster, so that the deadline of `work` stands still; nil while none does, or while it has
    /// none.
    public var pausedSince: Timestamp?
    /// When the running stretch of health began, for exactly `work`; nil while it is not healthy.
    public var healthySince: Timestamp?
    /// The last observation of what `work` applied.
    public var observed: ObservedHealth
    /// Why the assigned release failed, kept while the agent goes back from it.
    public var failure: ObservedHealth?
    /// What was seen last to hold the way back up, while it is under way; what is told meanwhile is why it goes back.
    public var heldUp: ObservedHealth?
    /// Whether a way back that failed had been written to the cluster, and only waited there for its health; nil where it was not.
    public var isWayBackWritten: Bool?
    /// Transient failures in a row of `work`.
    public var transientFailures: Int
    /// Objects found changed by others since the last acknowledged report.
    public var driftCount: Int
    /// What was found of them, since the last acknowledged report.
    public var drift: DriftReport?
    /// Whether drift was told that is left as it is, and not yet that it has ended.
    public var hasOpenDrift: Bool?
    /// The worst bad health seen since the last acknowledged report, within the same generation, digest and phase.
    public var worstUnacknowledged: ObservedHealth?
    /// The report that waits for its acknowledgement.
    public var outgoing: OutgoingReport?
    /// The number of the last report made.
    public var reportSequence: Int64

    public init(
        application: ApplicationName, highestGeneration: Int64 = 0, highestEpoch: Int64 = 0,
        applied: ReleaseReference? = nil, proven: [ReleaseReference] = []
    ) {
        self.application = application
        self.highestGeneration = highestGeneration
        self.highestEpoch = highestEpoch
        self.phase = .accepted
        self.isApplied = false
        self.applied = applied
        self.proven = proven
        self.observed = ObservedHealth(.unknown)
        self.transientFailures = 0
        self.driftCount = 0
        self.reportSequence = 0
    }

    /// Where the agent may go back to: what the assignment names, and nothing else. What was proven here before may be the very
    /// release that the coordinator takes back (invariants 7 and 13).
    public var fallback: ReleaseReference? {
        guard let named = assignment?.fallback, named.digest != assignment?.digest else { return nil }
        return named
    }

    /// Whether a forward assignment is still under way.
    public var isUnfinished: Bool { phase == .accepted || phase == .applying || phase == .verifying }

    /// The digest that a report names: the fallback's while and after going back, also where it is there and not healthy; none after
    /// removal.
    public var reportedDigest: ContentDigest? {
        switch phase {
        case .reverting, .reverted: work?.release?.digest
        case .failed where work?.isReturn == true && (isApplied || isWayBackWritten == true): work?.release?.digest
        case .removed: nil
        case .accepted, .applying, .verifying, .healthy, .failed: assignment.map(\.digest) ?? applied?.digest
        }
    }

    /// The application as it stands, without what an unacknowledged report must still tell.
    public var currentReport: ApplicationReport {
        // Of what is well again it is to be known why it was not.
        let told = observed.health == .healthy ? failure ?? observed : observed
        return ApplicationReport(
            application: application, generation: assignment?.generation ?? highestGeneration, digest: reportedDigest,
            epoch: assignment?.epoch ?? highestEpoch, phase: phase, health: observed.health,
            reason: told.reason ?? failure?.reason, message: told.message ?? failure?.message,
            proven: proven.first?.digest, driftCount: driftCount, drift: drift)
    }
}

/// One reading of health, with the culprit where there is one.
public struct ObservedHealth: Sendable, Hashable, Codable {
    public var health: Health
    /// A short code, such as `ImagePullBackOff`.
    public var reason: String?
    /// For people, the culprit named. Of more than 1,024 characters, the middle is left out.
    public var message: String?

    /// The reason where the cluster is seen well, and a controller has said nothing of what was sent.
    public static let controllerSilent = "ControllerSilent"

    /// The reason where the cluster is seen well, and all that could speak for the release was not healthy before either.
    public static let nothingHealthy = "NothingHealthy"

    public init(_ health: Health, reason: String? = nil, message: String? = nil) {
        self.health = health
        self.reason = reason
        self.message = message?.shortened(to: 1_024)
    }

    /// With something else to be known of it. Neither takes the room of the other.
    func adding(_ more: String) -> ObservedHealth {
        let more = more.shortened(to: 460)
        if let message, message.hasSuffix(more) { return self }
        let said = [message?.shortened(to: 460), more].compactMap { $0 }.joined(separator: "; ")
        return ObservedHealth(health, reason: reason, message: said)
    }
}

/// A report under way, with the number by which it is acknowledged.
public struct OutgoingReport: Sendable, Hashable, Codable {
    /// Rises by one with each report of the application, across restarts.
    public var sequence: Int64
    public var report: ApplicationReport

    public init(sequence: Int64, report: ApplicationReport) {
        self.sequence = sequence
        self.report = report
    }
}
