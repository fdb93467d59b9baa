public import SwellEngine
public import SwellModel

/// The only state and the only lock. Every member is one transaction; what has returned is committed.
///
/// Two forms: `PostgresStore` and `MemoryStore`, held to the same behaviour by one conformance suite.
public typealias Store = FleetStore & ReleaseStore & RolloutStore & AgentStore & AuditStore & LeaseStore & TokenStore
    & AgentCertificateStore & MaintenanceStore & PreviewStore

/// Clusters, applications and policies as declared, and the pauses that hold for everybody.
public protocol FleetStore: Sendable {
    /// Stores documents as a whole: all or none. Says of each whether it was created, configured or unchanged, in the order
    /// clusters, applications, policies. `invalid` where two documents of a kind share a name. Active rollouts become due.
    func apply(_ documents: FleetDocuments, by actor: String) async throws(StoreError) -> [AppliedDocument]
    func clusters() async throws(StoreError) -> [ClusterRecord]
    func applications() async throws(StoreError) -> [Application]
    func policies() async throws(StoreError) -> [RolloutPolicy]
    /// The same lists with what can be read of them, and the names of what cannot: for people, and for whoever must go on.
    func clusterListing() async throws(StoreError) -> Listing<ClusterRecord>
    func applicationListing() async throws(StoreError) -> Listing<Application>
    func policyListing() async throws(StoreError) -> Listing<RolloutPolicy>
    /// Takes a cluster out of the fleet; active rollouts become due and skip it. Its generations and proven releases are
    /// remembered, so that they never fall if it returns. `notFound` where there is none.
    func removeCluster(_ name: ClusterName, by actor: String) async throws(StoreError)
    /// Sets or (with nil) lifts a pause for everybody. Once this returns, no decision goes forward in what it covers, and
    /// active rollouts are due. Setting again replaces; a cluster that is not in the fleet is `notFound`.
    func setRegionPause(_ region: RegionName, _ pause: Pause?, by actor: String) async throws(StoreError)
    func setClusterPause(_ cluster: ClusterName, _ pause: Pause?, by actor: String) async throws(StoreError)
    func regionPauses() async throws(StoreError) -> [RegionName: Pause]
    /// How many clusters may be in flight over all rollouts at once; nil does not limit.
    func fleetLimit() async throws(StoreError) -> Int?
    /// Sets or (with nil) lifts that limit. `invalid` below 1.
    func setFleetLimit(_ limit: Int?, by actor: String) async throws(StoreError)
    /// The database's clock.
    func now() async throws(StoreError) -> Timestamp
    /// Whether it can be written to now.
    func isWritable() async throws(StoreError) -> Bool
}

/// Releases and the documents they consist of.
public protocol ReleaseStore: Sendable {
    /// Stores a release with its documents (the bundle's index among them). The same version with the same digest is the same release;
    /// with another digest it is a `conflict`. `notFound` where the application is not known, `invalid` where the document of the
    /// release's digest is not among them.
    func createRelease(_ release: Release, documents: [ContentDocument]) async throws(StoreError) -> Release
    /// Newest first.
    func releases(of application: ApplicationName, limit: Int) async throws(StoreError) -> [Release]
    func releaseListing(of application: ApplicationName, limit: Int) async throws(StoreError) -> Listing<Release>
    func release(of application: ApplicationName, version: String) async throws(StoreError) -> Release?
    func document(_ digest: ContentDigest) async throws(StoreError) -> [UInt8]?
}

/// Rollouts: planned, decided, looked at.
public protocol RolloutStore: Sendable {
    /// Reads what planning needs: the fleet's facts as seen from the application.
    func snapshot(for application: ApplicationName) async throws(StoreError) -> FleetSnapshot
    /// The same, with the clusters that the application no longer selects and that something of it was assigned to: what takes an
    /// application off must reach these, too.
    func assignedSnapshot(for application: ApplicationName) async throws(StoreError) -> FleetSnapshot
    /// What surrounds a rollout: its targets that are in the fleet, and who may still join it. What a decision on it would be made from.
    func snapshot(around rollout: Rollout) async throws(StoreError) -> FleetSnapshot
    /// Stores a planned rollout with its first audit row. `conflict`, naming the holder, where an active rollout holds one of its
    /// clusters and is not `superseding`. Superseding one hands over its claims and orders its end by a command in the same
    /// transaction: no later decision of it goes forward. `conflict` where the name is taken, or the audit log tells of a former one. One that is to start later, and takes nobody's
    /// place, holds no cluster until a decision starts it; that is a `conflict` where another holds one.
    func createRollout(_ rollout: Rollout, superseding: [RolloutName], by actor: String) async throws(StoreError)
    /// Stores planned rollouts that belong together, all or none, in the place of nobody.
    func createRollouts(_ rollouts: [Rollout], by actor: String) async throws(StoreError)
    func rollout(_ name: RolloutName) async throws(StoreError) -> Rollout?
    /// Newest first, at most `limit`; of one application if given.
    func rollouts(of application: ApplicationName?, limit: Int) async throws(StoreError) -> [RolloutSummary]
    func rolloutListing(of application: ApplicationName?, limit: Int) async throws(StoreError) -> Listing<
        RolloutSummary
    >
    /// The regions in which active rollouts planned clusters that are in another by now, by cluster and in the order of names: pauses of
    /// those regions cover them in these rollouts.
    func plannedRegions() async throws(StoreError) -> [ClusterName: [RegionName]]
    /// The active rollouts that have these clusters as targets, by cluster and in the order of names: at most one an application
    /// (invariant 11). Clusters that no active rollout holds are left out.
    func activeRollouts(on clusters: [ClusterName]) async throws(StoreError) -> [ClusterName: [RolloutName]]
    /// Rollouts that are due, the most urgent first and of those alike the one that waits longest: those that heard something (a command, a
    /// report) and those not ended whose wake-up has come or whose snapshot (fleet, pauses) changed since their last decision. At most `limit`.
    /// Those that another than `holder` holds the lease of are left out, of both the list and the wake-ups; nil leaves out none.
    func dueRollouts(for holder: String?, limit: Int) async throws(StoreError) -> DueRollouts
    /// Stores a command after `check` agreed that it makes sense now; `check` returns why not, or nil. Committed before it returns.
    func submit(
        _ command: RolloutCommand, to rollout: RolloutName, by actor: String,
        check: @Sendable (Rollout) -> String?
    ) async throws(StoreError) -> CommandRecord
    /// What became of a command; nil while it is not consumed.
    func verdict(of command: Int64) async throws(StoreError) -> CommandVerdict?
    /// What a decision on the rollout is to be made from, at one moment and without any lock. `leaseLost` where the lease is not held.
    func readDecision(_ rollout: RolloutName, under lease: Lease) async throws(StoreError) -> DecisionReading
    /// Commits what was decided on a reading, all of it or nothing, if what was read still stands: the rollout, the commands that waited for
    /// it, the fleet with its pauses, and room under the fleet's limit. Reports that came since wait for the next decision.
    ///
    /// `leaseLost` where the lease is not held under its epoch. What breaks an invariant (a generation that does not rise, a command left
    /// unanswered) is refused with `internal`.
    func commit(
        _ decision: Decision, on reading: DecisionReading, under lease: Lease
    ) async throws(StoreError) -> CommitOutcome
    /// One decision, thought while all that it is made from is locked. `conflict` where another rollout holds a cluster that it takes, or a
    /// generation was reached by others. What `decide` throws leaves nothing done. See ``RolloutStore/decide(_:under:_:)``.
    func decideUnderLocks(
        _ rollout: RolloutName, under lease: Lease, _ decide: @Sendable (DecisionInput) throws(StoreError) -> Decision
    ) async throws(StoreError) -> Decision
}

extension AgentStore {
    /// The same of a session of which nobody asks whose it is.
    public func beginSession(_ session: String, of cluster: ClusterName) async throws(StoreError) {
        try await beginSession(session, of: cluster, by: nil)
    }
}

/// What agents say, and what they should run.
public protocol AgentStore: Sendable {
    /// Takes in a batch of reports, in order, in one statement a table. Those of clusters in active rollouts become input of the next
    /// decision, once. What names a cluster or application that the fleet does not know is left out. Returns the rollouts concerned.
    ///
    /// Drift that a report tells of is kept apart from it, and audited where it is new: at most once in ten seconds for each
    /// (cluster, application).
    ///
    /// What names a session is taken in only as long as that is its cluster's latest; else it is left out, and the session told of as
    /// overtaken. So no word of a session that has ended, nor a clone's, comes after a later one's.
    func ingest(_ reports: [ReceivedReport]) async throws(StoreError) -> Ingested
    /// From now on what this session says is the cluster's word, and no other's. Nothing where the fleet does not know the cluster.
    ///
    /// - Parameter start: Whose session it is; nil where nobody asks whether there is a second agent.
    @discardableResult
    func beginSession(_ session: String, of cluster: ClusterName, by start: AgentStart?) async throws(StoreError)
        -> StartStanding
    /// Those of these clusters that another session speaks for by now, and whether two agents were seen to live there.
    func overtaken(_ sessions: [ClusterName: String]) async throws(StoreError) -> [ClusterName: Bool]
    /// Notes that these agents were seen so long ago. One that is known to have been seen since stays so.
    func touch(_ seen: [ClusterName: Interval]) async throws(StoreError)
    /// Notes that an agent connected to, or left, this replica. Leaving one replica does not undo having connected to another since.
    func noteConnection(_ cluster: ClusterName, replica: String, agentVersion: String, isConnected: Bool)
        async throws(StoreError)
    /// Notes of agents that are connected nowhere, as far as is known, that they are connected to this replica, which hears them: another
    /// one of its name may have cleared them.
    func noteHeard(_ clusters: [ClusterName], replica: String) async throws(StoreError)
    /// Forgets the connections of a replica that starts again or is gone.
    func dropConnections(of replica: String) async throws(StoreError)
    /// Assignments that their agents are ahead of and that no active rollout has among its targets, at most `limit`, and of one cluster at
    /// most `perCluster`; none in ordinary times. In the order of clusters, those after `last` first.
    func orphanedAssignments(limit: Int, perCluster: Int, after last: ClusterName?) async throws(StoreError)
        -> [OrphanedAssignment]
    /// Tells such assignments again, under a lease. Leaves out those that an active rollout has taken in meanwhile, or that were overtaken;
    /// returns what is told.
    func reissue(_ assignments: [Assignment], under lease: Lease) async throws(StoreError) -> [Assignment]
    /// What these clusters should run, whole, with the change counter of the same moment.
    func assignments(of clusters: [ClusterName]) async throws(StoreError) -> ChangePage
    /// Assignments changed after `cursor`, at most `limit`, with the new cursor: what commits later always has a higher one. Begin
    /// at 0. A counter below a cursor says that the store went back to an earlier state.
    func assignments(changedAfter cursor: Int64, limit: Int) async throws(StoreError) -> ChangePage
    /// What its agent last found changed by others on a cluster, of every application where it ever did, in the order of names.
    func drifts(of cluster: ClusterName) async throws(StoreError) -> [ClusterDrift]
    /// The same of the whole fleet in figures, in the order of clusters and applications.
    func driftFigures() async throws(StoreError) -> [DriftFigures]
    /// The last report of every (cluster, application).
    func statuses(of application: ApplicationName?) async throws(StoreError) -> [ClusterStatus]
    /// Whether a cluster may read a document: it is part of a bundle that the cluster is, or may fall back, to run, or is asked
    /// to preview.
    func mayRead(_ digest: ContentDigest, cluster: ClusterName) async throws(StoreError) -> Bool
}

// Where nothing is ever decoded, nothing is unreadable.
extension FleetStore {
    public func clusterListing() async throws(StoreError) -> Listing<ClusterRecord> {
        Listing(items: try await clusters())
    }
    public func applicationListing() async throws(StoreError) -> Listing<Application> {
        Listing(items: try await applications())
    }
    public func policyListing() async throws(StoreError) -> Listing<RolloutPolicy> {
        Listing(items: try await policies())
    }
}

extension ReleaseStore {
    public func releaseListing(of application: ApplicationName, limit: Int) async throws(StoreError) -> Listing<Release>
    {
        Listing(items: try await releases(of: application, limit: limit))
    }
}

extension RolloutStore {
    public func rolloutListing(
        of application: ApplicationName?, limit: Int
    ) async throws(StoreError) -> Listing<RolloutSummary> {
        Listing(items: try await rollouts(of: application, limit: limit))
    }
}

extension RolloutStore {
    /// The names of those that are due, whoever holds them.
    public func dueRollouts(limit: Int) async throws(StoreError) -> [RolloutName] {
        try await dueRollouts(for: nil, limit: limit).rollouts.map(\.name)
    }

    /// The earliest wake-up that has not come of any rollout that has not ended.
    public func nextWakeUp() async throws(StoreError) -> Timestamp? {
        try await dueRollouts(for: nil, limit: 0).nextWakeUp
    }
}

extension AgentStore {
    /// Notes that these agents were seen now.
    public func touch(_ clusters: [ClusterName]) async throws(StoreError) {
        try await touch(Dictionary(clusters.map { ($0, .zero) }) { first, _ in first })
    }

    /// What a cluster should run, whole.
    public func assignments(of cluster: ClusterName) async throws(StoreError) -> [Assignment] {
        try await assignments(of: [cluster]).assignments
    }

    /// Assignments changed after `cursor`, in a page of usual size.
    public func assignments(changedAfter cursor: Int64) async throws(StoreError) -> ChangePage {
        try await assignments(changedAfter: cursor, limit: 1_000)
    }
}

/// Questions to agents, and their answers, between replicas.
public protocol PreviewStore: Sendable {
    /// Asks what applying a release would change, one question for each cluster, good for `lifetime`. `refused` where more than
    /// ``Bounds/openPreviews`` would be open at once.
    func askPreviews(
        of release: ReleaseReference, application: ApplicationName, on clusters: [ClusterName], lifetime: Interval
    ) async throws(StoreError) -> [PreviewRequest]
    /// The questions that were neither answered nor have expired, oldest first.
    func openPreviews() async throws(StoreError) -> [PreviewRequest]
    /// Takes in the answer of a cluster; false where the question is not that cluster's, was answered, or has expired.
    func answerPreview(_ id: Int64, from cluster: ClusterName, _ answer: PreviewAnswer) async throws(StoreError) -> Bool
    /// Those of these questions that were answered.
    func answeredPreviews(_ ids: [Int64]) async throws(StoreError) -> Set<Int64>
    /// The answers that came to these questions.
    func previewAnswers(to ids: [Int64]) async throws(StoreError) -> [Int64: PreviewAnswer]
    /// Forgets these questions and their answers.
    func closePreviews(_ ids: [Int64]) async throws(StoreError)
}

/// What happened.
public protocol AuditStore: Sendable {
    /// Rows after `cursor` in order, at most `limit`. The cursor is the last row's id; what commits later always has a higher one.
    func events(after cursor: Int64, filter: EventFilter, limit: Int) async throws(StoreError) -> [AuditEvent]
    /// The newest rows, oldest of them first.
    func latestEvents(filter: EventFilter, limit: Int) async throws(StoreError) -> [AuditEvent]
    /// The rollout as it was planned: what its transitions are replayed onto.
    func plan(of rollout: RolloutName) async throws(StoreError) -> Rollout?
    /// The transitions of a rollout since it was planned whose rows come after `cursor` (0: all), at most `limit`, in order; and the
    /// cursor of the last. Replaying all gives the rollout's present state.
    func transitions(of rollout: RolloutName, after cursor: Int64, limit: Int) async throws(StoreError) -> (
        transitions: [Transition], cursor: Int64
    )
}

/// Leases on the database's clock.
public protocol LeaseStore: Sendable {
    /// Claims or renews; nil where another holder's has not expired. A new claim draws a new epoch, a renewal keeps its own.
    func acquireLease(_ name: String, holder: String, lifetime: Interval) async throws(StoreError) -> Lease?
    /// Renews all leases of a holder at once, but those that a decision is committed under at the moment: it waits for nobody. One that
    /// expired is gone, even if nobody took it.
    func renewLeases(holder: String, lifetime: Interval) async throws(StoreError) -> LeaseRenewal
    func releaseLease(_ lease: Lease) async throws(StoreError)
    func releaseLeases(holder: String) async throws(StoreError)
}

extension AuditStore {
    /// Every transition of a rollout since it was planned, page by page: those of a large rollout are hundreds of megabytes.
    public func transitions(of rollout: RolloutName) async throws(StoreError) -> [Transition] {
        var all: [Transition] = []
        var cursor: Int64 = 0
        while true {
            let page = try await transitions(of: rollout, after: cursor, limit: 1_000)
            guard !page.transitions.isEmpty else { return all }
            all += page.transitions
            cursor = page.cursor
        }
    }
}
