public import SwellEngine
public import SwellModel

/// The store in memory: for tests, simulations and trying things out. Nothing outlives the process.
///
/// Its transactions are those of `MemoryState`; being an actor makes them one after another.
public actor MemoryStore {
    private var state: MemoryState
    private let clock: @Sendable () -> Timestamp
    private var outage: StoreError?

    /// `clock` stands for the database's clock; it should not go back.
    public init(clock: @escaping @Sendable () -> Timestamp) {
        self.clock = clock
        self.state = MemoryState(now: clock())
    }

    /// Goes on from a state, such as the ``snapshot`` of another.
    public init(state: MemoryState, clock: @escaping @Sendable () -> Timestamp) {
        self.clock = clock
        self.state = state
    }

    /// A copy of everything stored, for looking at.
    public var snapshot: MemoryState { state }

    /// Fails every transaction with `error` from now on, as a database that is away does; nil ends it.
    public func fail(with error: StoreError?) { outage = error }

    /// How many transactions failed so.
    public private(set) var failures = 0

    /// Goes on from an earlier state, as a database does that failed over to a standby which lacks the last commits.
    public func goBack(to earlier: MemoryState) { state.goBack(to: earlier) }

    func transact<Value>(_ body: (inout MemoryState) throws(StoreError) -> Value) throws(StoreError) -> Value {
        if let outage {
            failures += 1
            throw outage
        }
        state.now = clock()
        return try body(&state)
    }
}

extension MemoryStore: FleetStore {
    public func apply(_ documents: FleetDocuments, by actor: String) throws(StoreError) -> [AppliedDocument] {
        try transact { (state: inout MemoryState) throws(StoreError) in try state.apply(documents, by: actor) }
    }
    public func clusters() throws(StoreError) -> [ClusterRecord] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.clusterRecords() }
    }
    public func applications() throws(StoreError) -> [Application] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.allApplications() }
    }
    public func policies() throws(StoreError) -> [RolloutPolicy] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.allPolicies() }
    }
    public func removeCluster(_ name: ClusterName, by actor: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in try state.removeCluster(name, by: actor) }
    }
    public func setRegionPause(_ region: RegionName, _ pause: Pause?, by actor: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in state.setRegionPause(region, pause, by: actor) }
    }
    public func setClusterPause(_ cluster: ClusterName, _ pause: Pause?, by actor: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.setClusterPause(cluster, pause, by: actor)
        }
    }
    public func regionPauses() throws(StoreError) -> [RegionName: Pause] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.allRegionPauses() }
    }
    public func fleetLimit() throws(StoreError) -> Int? {
        try transact { (state: inout MemoryState) throws(StoreError) in state.currentFleetLimit() }
    }
    public func setFleetLimit(_ limit: Int?, by actor: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in try state.setFleetLimit(limit, by: actor) }
    }
    public func isWritable() throws(StoreError) -> Bool { true }

    public func now() throws(StoreError) -> Timestamp {
        try transact { (state: inout MemoryState) throws(StoreError) in state.now }
    }
}

extension MemoryStore: ReleaseStore {
    public func createRelease(_ release: Release, documents: [ContentDocument]) throws(StoreError) -> Release {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.createRelease(release, documents: documents)
        }
    }
    public func releases(of application: ApplicationName, limit: Int) throws(StoreError) -> [Release] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.releases(of: application, limit: limit) }
    }
    public func release(of application: ApplicationName, version: String) throws(StoreError) -> Release? {
        try transact { (state: inout MemoryState) throws(StoreError) in state.release(of: application, version: version)
        }
    }
    public func document(_ digest: ContentDigest) throws(StoreError) -> [UInt8]? {
        try transact { (state: inout MemoryState) throws(StoreError) in state.document(digest) }
    }
}

extension MemoryStore: RolloutStore {
    public func snapshot(for application: ApplicationName) throws(StoreError) -> FleetSnapshot {
        try transact { (state: inout MemoryState) throws(StoreError) in try state.snapshot(for: application) }
    }
    public func assignedSnapshot(for application: ApplicationName) throws(StoreError) -> FleetSnapshot {
        try transact { (state: inout MemoryState) throws(StoreError) in try state.assignedSnapshot(for: application) }
    }
    public func snapshot(around rollout: Rollout) throws(StoreError) -> FleetSnapshot {
        try transact { (state: inout MemoryState) throws(StoreError) in state.snapshot(around: rollout) }
    }
    public func createRollout(_ rollout: Rollout, superseding: [RolloutName], by actor: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.createRollout(rollout, superseding: superseding, by: actor)
        }
    }
    public func createRollouts(_ rollouts: [Rollout], by actor: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.createRollouts(rollouts, by: actor)
        }
    }
    public func rollout(_ name: RolloutName) throws(StoreError) -> Rollout? {
        try transact { (state: inout MemoryState) throws(StoreError) in state.rollout(name) }
    }
    public func rollouts(of application: ApplicationName?, limit: Int) throws(StoreError) -> [RolloutSummary] {
        try transact { (state: inout MemoryState) throws(StoreError) in
            state.rolloutSummaries(of: application, limit: limit)
        }
    }
    public func activeRollouts(on clusters: [ClusterName]) throws(StoreError) -> [ClusterName: [RolloutName]] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.activeRollouts(on: clusters) }
    }
    public func plannedRegions() throws(StoreError) -> [ClusterName: [RegionName]] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.plannedRegions() }
    }
    public func dueRollouts(for holder: String?, limit: Int) throws(StoreError) -> DueRollouts {
        try transact { (state: inout MemoryState) throws(StoreError) in state.dueRollouts(for: holder, limit: limit) }
    }
    public func submit(
        _ command: RolloutCommand, to rollout: RolloutName, by actor: String, check: @Sendable (Rollout) -> String?
    ) throws(StoreError) -> CommandRecord {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.submit(command, to: rollout, by: actor, check: check)
        }
    }
    public func verdict(of command: Int64) throws(StoreError) -> CommandVerdict? {
        try transact { (state: inout MemoryState) throws(StoreError) in try state.verdict(of: command) }
    }
}

extension MemoryStore: AgentStore {
    public func ingest(_ reports: [ReceivedReport]) throws(StoreError) -> Ingested {
        try transact { (state: inout MemoryState) throws(StoreError) in state.ingest(reports) }
    }
    @discardableResult
    public func beginSession(_ session: String, of cluster: ClusterName, by start: AgentStart?) throws(StoreError)
        -> StartStanding
    {
        try transact { (state: inout MemoryState) throws(StoreError) in
            state.beginSession(session, of: cluster, by: start)
        }
    }
    public func overtaken(_ sessions: [ClusterName: String]) throws(StoreError) -> [ClusterName: Bool] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.overtaken(sessions) }
    }

    public func touch(_ seen: [ClusterName: Interval]) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in state.touch(seen) }
    }
    public func noteConnection(_ cluster: ClusterName, replica: String, agentVersion: String, isConnected: Bool)
        throws(StoreError)
    {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.noteConnection(cluster, replica: replica, agentVersion: agentVersion, isConnected: isConnected)
        }
    }
    public func noteHeard(_ clusters: [ClusterName], replica: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in state.noteHeard(clusters, replica: replica) }
    }
    public func dropConnections(of replica: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in state.dropConnections(of: replica) }
    }
    public func orphanedAssignments(limit: Int, perCluster: Int, after last: ClusterName?) throws(StoreError)
        -> [OrphanedAssignment]
    {
        try transact { (state: inout MemoryState) throws(StoreError) in
            state.orphanedAssignments(limit: limit, perCluster: perCluster, after: last)
        }
    }
    public func reissue(_ assignments: [Assignment], under lease: Lease) throws(StoreError) -> [Assignment] {
        try transact { (state: inout MemoryState) throws(StoreError) in try state.reissue(assignments, under: lease) }
    }
    public func assignments(of clusters: [ClusterName]) throws(StoreError) -> ChangePage {
        try transact { (state: inout MemoryState) throws(StoreError) in state.assignments(of: clusters) }
    }
    public func assignments(changedAfter cursor: Int64, limit: Int) throws(StoreError) -> ChangePage {
        try transact { (state: inout MemoryState) throws(StoreError) in
            state.assignments(changedAfter: cursor, limit: limit)
        }
    }
    public func drifts(of cluster: ClusterName) throws(StoreError) -> [ClusterDrift] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.drifts(of: cluster) }
    }
    public func driftFigures() throws(StoreError) -> [DriftFigures] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.driftFigures() }
    }
    public func statuses(of application: ApplicationName?) throws(StoreError) -> [ClusterStatus] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.statuses(of: application) }
    }
    public func mayRead(_ digest: ContentDigest, cluster: ClusterName) throws(StoreError) -> Bool {
        try transact { (state: inout MemoryState) throws(StoreError) in state.mayRead(digest, cluster: cluster) }
    }
}

extension MemoryStore: PreviewStore {
    public func askPreviews(
        of release: ReleaseReference, application: ApplicationName, on clusters: [ClusterName], lifetime: Interval
    ) throws(StoreError) -> [PreviewRequest] {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.askPreviews(of: release, application: application, on: clusters, lifetime: lifetime)
        }
    }
    public func openPreviews() throws(StoreError) -> [PreviewRequest] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.openPreviews() }
    }
    public func answerPreview(_ id: Int64, from cluster: ClusterName, _ answer: PreviewAnswer)
        throws(StoreError) -> Bool
    {
        try transact { (state: inout MemoryState) throws(StoreError) in
            state.answerPreview(id, from: cluster, answer)
        }
    }
    public func answeredPreviews(_ ids: [Int64]) throws(StoreError) -> Set<Int64> {
        try transact { (state: inout MemoryState) throws(StoreError) in Set(state.previewAnswers(to: ids).keys) }
    }
    public func previewAnswers(to ids: [Int64]) throws(StoreError) -> [Int64: PreviewAnswer] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.previewAnswers(to: ids) }
    }
    public func closePreviews(_ ids: [Int64]) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in state.closePreviews(ids) }
    }
}

extension MemoryStore: AuditStore {
    public func events(after cursor: Int64, filter: EventFilter, limit: Int) throws(StoreError) -> [AuditEvent] {
        try transact { (state: inout MemoryState) throws(StoreError) in
            state.events(after: cursor, filter: filter, limit: limit)
        }
    }
    public func latestEvents(filter: EventFilter, limit: Int) throws(StoreError) -> [AuditEvent] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.latestEvents(filter: filter, limit: limit)
        }
    }
    public func plan(of rollout: RolloutName) throws(StoreError) -> Rollout? {
        try transact { (state: inout MemoryState) throws(StoreError) in state.plan(of: rollout) }
    }
    public func transitions(of rollout: RolloutName, after cursor: Int64, limit: Int) throws(StoreError) -> (
        transitions: [Transition], cursor: Int64
    ) {
        try transact { (state: inout MemoryState) throws(StoreError) in
            state.transitions(of: rollout, after: cursor, limit: limit)
        }
    }
}

extension MemoryStore: LeaseStore {
    public func acquireLease(_ name: String, holder: String, lifetime: Interval) throws(StoreError) -> Lease? {
        try transact { (state: inout MemoryState) throws(StoreError) in
            state.acquireLease(name, holder: holder, lifetime: lifetime)
        }
    }
    public func renewLeases(holder: String, lifetime: Interval) throws(StoreError) -> LeaseRenewal {
        try transact { (state: inout MemoryState) throws(StoreError) in
            state.renewLeases(holder: holder, lifetime: lifetime)
        }
    }
    public func releaseLease(_ lease: Lease) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in state.releaseLease(lease) }
    }
    public func releaseLeases(holder: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in state.releaseLeases(holder: holder) }
    }
    public func raiseEpochs(above epoch: Int64) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in state.raiseEpochs(above: epoch) }
    }
}

extension MemoryStore: TokenStore {
    public func createToken(hash: String, cluster: ClusterName, expiresAt: Timestamp, by actor: String)
        throws(StoreError)
    {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.createToken(hash: hash, cluster: cluster, expiresAt: expiresAt, by: actor)
        }
    }
    public func spendToken(
        hash: String, for certificate: CertificateNote, clusterUID uid: String?
    ) throws(StoreError) -> TokenSpending {
        try transact { (state: inout MemoryState) throws(StoreError) in
            state.spendToken(hash: hash, for: certificate, clusterUID: uid)
        }
    }
    public func tokens() throws(StoreError) -> [JoinTokenRecord] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.tokenRecords() }
    }
    public func revokeToken(_ id: String, by actor: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in try state.revokeToken(id, by: actor) }
    }
}

extension MemoryStore: AgentCertificateStore {
    public func recordRenewal(
        _ certificate: CertificateNote, of cluster: ClusterName, replacing former: String
    ) throws(StoreError) -> CertificateStanding {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.recordRenewal(certificate, of: cluster, replacing: former)
        }
    }
    public func standings(of uses: [CertificateUse]) throws(StoreError) -> [CertificateUse: CertificateStanding] {
        try transact { (state: inout MemoryState) throws(StoreError) in
            Dictionary(uses.map { ($0, state.standing(of: $0)) }) { first, _ in first }
        }
    }
    public func noteUse(of use: CertificateUse) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in state.noteUse(of: use) }
    }
    public func readmit(_ certificate: CertificateNote, of cluster: ClusterName) throws(StoreError) -> Bool {
        try transact { (state: inout MemoryState) throws(StoreError) in state.readmit(certificate, of: cluster) }
    }
    public func openReadmission(
        of clusters: [ClusterName]?, until end: Timestamp, by actor: String
    ) throws(StoreError) -> [ClusterName] {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.openReadmission(of: clusters, until: end, by: actor)
        }
    }
    public func closeReadmission(of clusters: [ClusterName]?, by actor: String) throws(StoreError) -> [ClusterName] {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.closeReadmission(of: clusters, by: actor)
        }
    }
    public func revokedClusters(of clusters: [ClusterName]?) throws(StoreError) -> [ClusterName] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.revokedClusters(of: clusters) }
    }
    public func revokeCertificates(
        of cluster: ClusterName, serial: String?, reason: String?, by actor: String
    ) throws(StoreError) -> Revocation {
        try transact { (state: inout MemoryState) throws(StoreError) in
            try state.revokeCertificates(of: cluster, serial: serial, reason: reason, by: actor)
        }
    }
    public func certificates(of cluster: ClusterName) throws(StoreError) -> [CertificateRecord] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.certificateRecords(of: cluster) }
    }
    public func endedTrust(after moment: Timestamp) throws(StoreError) -> EndedTrust {
        try transact { (state: inout MemoryState) throws(StoreError) in state.endedTrust(after: moment) }
    }
    public func standing(of use: CertificateUse, key: String) -> CertificateStanding? {
        state.standing(of: use, key: key)
    }
    public func isSpared(_ use: CertificateUse, by floor: TrustFloor) -> Bool {
        state.isSpared(use, by: floor)
    }
    public func endAgain(_ ended: EndedTrust) throws(StoreError) -> [ClusterName] {
        try transact { (state: inout MemoryState) throws(StoreError) in state.endAgain(ended) }
    }
    public func reportSharing(of use: CertificateUse, reason: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in state.reportSharing(of: use, reason: reason) }
    }
    public func reportCopy(of use: CertificateUse, reason: String) throws(StoreError) {
        try transact { (state: inout MemoryState) throws(StoreError) in state.reportCopy(of: use, reason: reason) }
    }
    public func noteClusterUID(_ uid: String, of cluster: ClusterName) throws(StoreError) -> ClusterUIDNote {
        try transact { (state: inout MemoryState) throws(StoreError) in state.noteClusterUID(uid, of: cluster) }
    }
}

extension MemoryStore: MaintenanceStore {
    public func maintain(_ part: MaintenancePart, _ retention: Retention) throws(StoreError) -> MaintenanceOutcome {
        try transact { (state: inout MemoryState) throws(StoreError) in state.maintain(part, retention) }
    }
}
