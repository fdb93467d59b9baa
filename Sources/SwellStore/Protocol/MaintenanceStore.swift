public import SwellModel

/// What grows for ever if nobody looks after it.
public protocol MaintenanceStore: Sendable {
    /// Prepares storage for what comes, or removes what may go. Decisions go on meanwhile; replicas may do it at the same time. What a cluster
    /// runs, may fall back to, or has proven stays, however old.
    func maintain(_ part: MaintenancePart, _ retention: Retention) async throws(StoreError) -> MaintenanceOutcome
}

/// What there is to look after, in the order in which it is done: each for itself, whatever becomes of the others.
public enum MaintenancePart: String, Sendable, Hashable, CaseIterable {
    /// Partitions of the audit log for the months to come.
    case auditPartitions
    /// Questions to agents that nobody waits for any more.
    case previews
    /// Certificates and join tokens a week after they expired.
    case credentials
    /// Proven releases beyond those that the engine is given.
    case provenReleases
    /// What clusters said, and had proven, that left the fleet.
    case departed
    /// Ended rollouts with their targets and commands.
    case rollouts
    /// Releases that nothing refers to, with their documents.
    case releases
    /// Documents that are in no release.
    case documents
    /// Audit rows.
    case auditRows
}

/// How long things are kept.
public struct Retention: Sendable, Hashable {
    /// Audit rows of ended rollouts and of the fleet.
    public var audit: Interval
    /// How many releases of an application are kept at least, beside those referred to.
    public var releases: Int
    /// How many rollouts of an application are kept at least, beside those that brought what a cluster runs or that another one undoes.
    public var rollouts: Int
    /// For how long a rollout is kept after its end, however many there are.
    public var rolloutAge: Interval
    /// For how long after its agent was heard last it is remembered what a cluster said that left the fleet.
    public var departed: Interval

    public init(
        audit: Interval = .hours(24 * 400), releases: Int = 100, rollouts: Int = 100,
        rolloutAge: Interval = .hours(24 * 90), departed: Interval = .hours(24 * 400)
    ) {
        self.audit = audit
        self.releases = releases
        self.rollouts = rollouts
        self.rolloutAge = rolloutAge
        self.departed = departed
    }
}

/// What maintaining removed.
public struct MaintenanceOutcome: Sendable, Hashable {
    public var auditRows: Int
    public var releases: Int
    public var documents: Int
    public var certificates: Int
    public var tokens: Int
    public var rollouts: Int
    public var clusters: Int

    public init(
        auditRows: Int = 0, releases: Int = 0, documents: Int = 0, certificates: Int = 0, tokens: Int = 0,
        rollouts: Int = 0, clusters: Int = 0
    ) {
        self.auditRows = auditRows
        self.releases = releases
        self.documents = documents
        self.certificates = certificates
        self.tokens = tokens
        self.rollouts = rollouts
        self.clusters = clusters
    }

    public static func += (left: inout Self, right: Self) {
        left.auditRows += right.auditRows
        left.releases += right.releases
        left.documents += right.documents
        left.certificates += right.certificates
        left.tokens += right.tokens
        left.rollouts += right.rollouts
        left.clusters += right.clusters
    }
}

extension MaintenanceStore {
    /// All of it. Throws what went wrong first, after the other parts were done.
    public func maintain(_ retention: Retention) async throws(StoreError) -> MaintenanceOutcome {
        var outcome = MaintenanceOutcome()
        var failure: StoreError?
        for part in MaintenancePart.allCases {
            do throws(StoreError) { outcome += try await maintain(part, retention) } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return outcome
    }
}
