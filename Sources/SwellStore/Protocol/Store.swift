public import SwellEngine
public import SwellModel

/// The only state and the only lock. Every member is one transaction; what has returned is committed.
///
/// Two forms: `PostgresStore` and `MemoryStore`, held to the same behaviour by one conformance suite.
public typealias Store = FleetStore & ReleaseStore & RolloutStore & AgentStore & AuditStore & LeaseStore & TokenStore

/// Clusters, applications and policies as declared, and the pauses that hold for everybody.
public protocol FleetStore: Sendable {
    /// Stores documents as a whole: all or none. Says of each whether it was created, configured or unchanged.
    func apply(_ documents: FleetDocuments, by actor: String) async throws(StoreError) -> [AppliedDocument]
    func clusters() async throws(StoreError) -> [ClusterRecord]
    func applications() async throws(StoreError) -> [Application]
    func policies() async throws(StoreError) -> [RolloutPolicy]
    /// Takes a cluster out of the fleet; active rollouts skip it. `notFound` where there is none.
    func removeCluster(_ name: ClusterName, by actor: String) async throws(StoreError)
    /// Sets or (with nil) lifts a pause for everybody. Once this returns, no decision goes forward in what it covers.
    func setRegionPause(_ region: RegionName, _ pause: Pause?, by actor: String) async throws(StoreError)
    func setClusterPause(_ cluster: ClusterName, _ pause: Pause?, by actor: String) async throws(StoreError)
    func regionPauses() async throws(StoreError) -> [RegionName: Pause]
    /// The database's clock.
    func now() async throws(StoreError) -> Timestamp
}

/// Releases and the documents they consist of.
public protocol ReleaseStore: Sendable {
    /// Stores a release with its documents (the bundle's index among them). The same version with the same digest is the same release;
    /// with another digest it is a `conflict`.
    func createRelease(_ release: Release, documents: [ContentDocument]) async throws(StoreError) -> Release
    /// Newest first.
    func releases(of application: ApplicationName, limit: Int) async throws(StoreError) -> [Release]
    func release(of application: ApplicationName, version: String) async throws(StoreError) -> Release?
    func document(_ digest: ContentDigest) async throws(StoreError) -> [UInt8]?
}

/// Rollouts: planned, decided, looked at.
public protocol RolloutStore: Sendable {
    /// Reads what planning needs: the fleet's facts as seen from the application.
    func surroundings(for application: ApplicationName) async throws(StoreError) -> Surroundings
    /// Stores a planned rollout with its first audit row. `conflict`, naming the holder, where an active rollout holds one of its
    /// clusters and is not `superseding`; superseding one ends it in the same transaction by a command.
    func createRollout(_ rollout: Rollout, superseding: [RolloutName], by actor: String) async throws(StoreError)
    func rollout(_ name: RolloutName) async throws(StoreError) -> Rollout?
    /// Newest first, at most `limit`; of one application if given.
    func rollouts(of application: ApplicationName?, limit: Int) async throws(StoreError) -> [RolloutSummary]
    /// Rollouts that are due: not ended, or with unconsumed commands, and whose wake-up has come or that heard something.
    func dueRollouts(limit: Int) async throws(StoreError) -> [RolloutName]
    /// The earliest wake-up of any rollout.
    func nextWakeUp() async throws(StoreError) -> Timestamp?
    /// Stores a command after `check` agreed that it makes sense now; `check` returns why not, or nil. Committed before it returns.
    func submit(
        _ command: RolloutCommand, to rollout: RolloutName, by actor: String,
        check: @Sendable (Rollout) -> String?
    ) async throws(StoreError) -> CommandRecord
    /// What became of a command; nil while it is not consumed.
    func verdict(of command: Int64) async throws(StoreError) -> CommandVerdict?
    /// One decision: reads the input under the rollout's row lock and the lease, lets `decide` say, commits all of it or nothing.
    func decide(
        _ rollout: RolloutName, under lease: Lease, _ decide: @Sendable (DecisionInput) -> Decision
    ) async throws(StoreError) -> Decision
}

/// What agents say, and what they should run.
public protocol AgentStore: Sendable {
    /// Takes in a batch of reports, in order, in one statement a table. Those of clusters in active rollouts become input of the next
    /// decision. Returns the rollouts concerned.
    func ingest(_ reports: [ReceivedReport]) async throws(StoreError) -> Set<RolloutName>
    /// Notes that these agents were heard of now.
    func touch(_ clusters: [ClusterName]) async throws(StoreError)
    /// Notes that an agent connected to, or left, this replica.
    func noteConnection(_ cluster: ClusterName, replica: String, agentVersion: String, isConnected: Bool)
        async throws(StoreError)
    /// What a cluster should run, whole.
    func assignments(of cluster: ClusterName) async throws(StoreError) -> [Assignment]
    /// Assignments changed after `cursor` of the given clusters, with the new cursor.
    func assignments(changedAfter cursor: Int64) async throws(StoreError) -> (assignments: [Assignment], cursor: Int64)
    /// The last report of every (cluster, application).
    func statuses(of application: ApplicationName?) async throws(StoreError) -> [ClusterStatus]
    /// Whether a cluster may read a document: it is part of a bundle that the cluster is, or may fall back, to run.
    func mayRead(_ digest: ContentDigest, cluster: ClusterName) async throws(StoreError) -> Bool
}

/// What happened.
public protocol AuditStore: Sendable {
    /// Rows after `cursor` in order, at most `limit`.
    func events(after cursor: Int64, filter: EventFilter, limit: Int) async throws(StoreError) -> [AuditEvent]
    /// The newest rows, oldest of them first.
    func latestEvents(filter: EventFilter, limit: Int) async throws(StoreError) -> [AuditEvent]
    /// Every transition of a rollout, for replaying.
    func transitions(of rollout: RolloutName) async throws(StoreError) -> [Transition]
}

/// Leases on the database's clock.
public protocol LeaseStore: Sendable {
    /// Claims or renews; nil where another holder's has not expired. A new claim draws a new epoch, a renewal keeps its own.
    func acquireLease(_ name: String, holder: String, lifetime: Interval) async throws(StoreError) -> Lease?
    /// Renews all leases of a holder at once; returns those still held.
    func renewLeases(holder: String, lifetime: Interval) async throws(StoreError) -> [Lease]
    func releaseLease(_ lease: Lease) async throws(StoreError)
    func releaseLeases(holder: String) async throws(StoreError)
    /// Raises the sequence of epochs above what an agent has seen (after a restore from a backup).
    func raiseEpochs(above epoch: Int64) async throws(StoreError)
}

/// Single-use join tokens, stored as hashes.
public protocol TokenStore: Sendable {
    func createToken(hash: String, cluster: ClusterName, expiresAt: Timestamp, by actor: String)
        async throws(StoreError)
    /// Spends a token: the cluster it is for, or nil where it is unknown, spent or expired.
    func spendToken(hash: String, certificateSerial: String) async throws(StoreError) -> ClusterName?
    /// Notes a renewed certificate; old ones stay valid until they expire unless denied.
    func noteCertificate(_ serial: String, cluster: ClusterName, expiresAt: Timestamp) async throws(StoreError)
    func denyCertificates(of cluster: ClusterName, by actor: String) async throws(StoreError)
    func isDenied(serial: String) async throws(StoreError) -> Bool
}
