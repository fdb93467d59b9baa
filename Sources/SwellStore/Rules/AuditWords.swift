internal import SwellEngine
internal import SwellModel

/// How changes are named in the audit log: the same for each form of the store. Ids are the store's to give.
extension AuditEvent {
    /// As it is stored: no text of it is longer than ``Bounds/auditText``, whoever wrote it and wherever that was not looked at.
    var bounded: Self {
        func clipped(_ text: String?) -> String? {
            guard let text, text.utf8.count > Bounds.auditText else { return text }
            return String(decoding: text.utf8.prefix(Bounds.auditText - 3), as: UTF8.self) + "…"
        }
        var event = self
        event.reason = clipped(reason)
        event.from = clipped(from)
        event.to = clipped(to)
        return event
    }

    /// `rollout.paused`, `stage.soaking`, `target.healthy`; what a person did to it, as in `stage.approved`, whatever phase that led to;
    /// `….updated` where neither says anything.
    init(_ transition: Transition, of rollout: Rollout) {
        let verb = transition.verb ?? (transition.from == transition.to ? "updated" : transition.to)
        self.init(
            id: 0, at: transition.at, by: transition.by, what: "rollout.\(verb)", rollout: rollout.name,
            application: rollout.application, from: transition.from, to: transition.to, reason: transition.reason)
        switch transition.subject {
        case .rollout:
            break
        case .stage(_, let name):
            what = "stage.\(verb)"
            stage = name
        case .target(let cluster):
            what = "target.\(verb)"
            self.cluster = cluster
            if let target = rollout.targets[cluster] {
                region = target.region
                if rollout.stages.indices.contains(target.stage) { stage = rollout.stages[target.stage].name }
            }
        }
    }

    static func created(_ rollout: Rollout, by actor: String, at now: Timestamp) -> Self {
        Self(
            id: 0, at: now, by: actor, what: "rollout.created", rollout: rollout.name, application: rollout.application,
            to: rollout.phase.rawValue,
            reason: "\(rollout.release.version) to \(rollout.targets.count) clusters under \(rollout.policy.name)")
    }

    static func released(_ release: Release, at now: Timestamp) -> Self {
        Self(
            id: 0, at: now, by: release.createdBy, what: "release.created", application: release.application,
            to: release.reference.version, reason: release.message)
    }

    static func regionPause(_ region: RegionName, _ pause: Pause?, by actor: String, at now: Timestamp) -> Self {
        Self(
            id: 0, at: now, by: actor, what: pause == nil ? "region.resumed" : "region.paused", region: region,
            reason: pause?.reason)
    }

    static func clusterPause(_ cluster: Cluster, _ pause: Pause?, by actor: String, at now: Timestamp) -> Self {
        Self(
            id: 0, at: now, by: actor, what: pause == nil ? "cluster.resumed" : "cluster.paused",
            region: cluster.region, cluster: cluster.name, reason: pause?.reason)
    }

    static func fleetLimit(_ limit: Int?, by actor: String, at now: Timestamp) -> Self {
        Self(id: 0, at: now, by: actor, what: "fleet.limited", to: limit.map(String.init) ?? "unlimited")
    }

    static func cluster(
        _ verb: String, _ cluster: ClusterName, region: RegionName?, by actor: String, at now: Timestamp,
        to: String? = nil, reason: String? = nil
    ) -> Self {
        Self(
            id: 0, at: now, by: actor, what: "cluster.\(verb)", region: region, cluster: cluster, to: to, reason: reason
        )
    }

    /// A key of the installation's: of an authority, or of those that seal Secrets. `authority.prepared`, `secrets.retired`. Where nobody's name
    /// lay beside it, whose word the row is says its reason.
    static func key(_ what: String, _ key: String?, by actor: String?, at now: Timestamp, reason: String? = nil) -> Self
    {
        Self(
            id: 0, at: now, by: actor ?? Transition.engine, what: what, to: key,
            reason: reason ?? (actor == nil ? foundKey : nil))
    }

    private static let foundKey =
        "found by a replica in its files: whoever may change these, on Kubernetes the Secret, has done it, and left no name"

    static func drift(_ found: ClusterDrift, region: RegionName?) -> Self {
        let drift = found.drift
        let verb = drift.count == 0 ? "ended" : drift.isCorrected ? "corrected" : "reported"
        return Self(
            id: 0, at: found.receivedAt, by: found.cluster.rawValue, what: "drift.\(verb)",
            application: found.application, region: region, cluster: found.cluster, reason: drift.summary)
    }

    static func reissued(_ assignment: Assignment, region: RegionName, at now: Timestamp) -> Self {
        Self(
            id: 0, at: now, by: Transition.engine, what: "assignment.reissued", application: assignment.application,
            region: region, cluster: assignment.cluster, to: "generation \(assignment.generation)",
            reason: "its agent was ahead of what is stored")
    }

    /// With what changed: the digests of the former document and of this one, and where they differ.
    static func applied(
        _ document: AppliedDocument, _ change: DocumentChange, by actor: String, at now: Timestamp
    ) -> Self {
        var event = Self(
            id: 0, at: now, by: actor, what: "\(document.kind.lowercased()).applied", to: document.outcome.rawValue,
            reason: "\(document.name) (\(change.summary))")
        if document.kind == DocumentKind.cluster { event.cluster = try? ClusterName(document.name) }
        if document.kind == DocumentKind.application { event.application = try? ApplicationName(document.name) }
        return event
    }
}

/// The kinds of documents as their `kind` field spells them.
enum DocumentKind {
    static let cluster = "Cluster"
    static let application = "Application"
    static let policy = "RolloutPolicy"
}

extension EventFilter {
    /// Whether a row is among those that are asked for.
    public func admits(_ event: AuditEvent) -> Bool {
        (rollout == nil || event.rollout == rollout) && (application == nil || event.application == application)
            && (cluster == nil || event.cluster == cluster) && (region == nil || event.region == region)
    }
}
