public import SwellEngine
public import SwellModel

extension MemoryState {
    public mutating func ingest(_ reports: [ReceivedReport]) -> Ingested {
        var ingested = Ingested()
        // Of a batch the last finding of each stands.
        var found: [ClusterApplication: (report: DriftReport, generation: Int64)] = [:]
        for received in reports {
            if let session = received.session, agents[received.cluster]?.session != session {
                ingested.overtaken.insert(session)
                continue
            }
            let report = received.withoutDrift
            guard clusters[received.cluster] != nil, applications[report.application] != nil else { continue }
            let key = ClusterApplication(cluster: received.cluster, application: report.application)
            guard report.generation <= (assignments[key]?.assignment.generation ?? 0) + Bounds.generationsAhead else {
                continue
            }
            let highest = max(report.generation, statuses[key]?.highestGeneration ?? 0)
            statuses[key] = StoredStatus(report: report, receivedAt: now, highestGeneration: highest)
            agents[received.cluster, default: Agent()].lastSeenAt = now
            if report.phase == .removed {
                drifts[key] = nil
                endProofs(key, by: report)
            } else if let drift = received.report.drift {
                found[key] = (drift, report.generation)
            }
            guard let rollout = claims[key] else { continue }
            inbox[rollout, default: []].append(
                ReportRecord(id: nextID(), cluster: received.cluster, report: report, receivedAt: now))
            boundInbox(of: rollout, received.cluster)
            ingested.rollouts.insert(rollout)
        }
        for (key, drift) in found.sorted(by: {
            ($0.key.cluster, $0.key.application) < ($1.key.cluster, $1.key.application)
        }) {
            note(drift.report, key, under: drift.generation)
        }
        return ingested
    }

    /// What was proven before a removal that has come to its end is nothing to go back to.
    private mutating func endProofs(_ key: ClusterApplication, by report: ApplicationReport) {
        guard let assignment = assignments[key]?.assignment, assignment.goal == .remove,
            assignment.generation == report.generation
        else { return }
        proven[key]?.removeAll { $0.generation < report.generation }
    }

    /// Keeps of one cluster's waiting reports the earliest and the latest.
    private mutating func boundInbox(of rollout: RolloutName, _ cluster: ClusterName) {
        let waiting = inbox[rollout, default: []]
        let places = waiting.indices.filter { waiting[$0].cluster == cluster }
        guard let last = places.last, places.count > Bounds.waitingReports + 1 else { return }
        inbox[rollout]?[last].isAfterGap = true
        for place in places.dropFirst(Bounds.waitingReports).dropLast().reversed() {
            inbox[rollout]?.remove(at: place)
        }
    }

    private mutating func note(_ drift: DriftReport, _ key: ClusterApplication, under generation: Int64) {
        let known = drifts[key]
        guard known?.found.drift.foundAt != drift.foundAt else { return }
        let found = ClusterDrift(
            cluster: key.cluster, application: key.application, drift: drift, receivedAt: now)
        let next = DriftAudit.next(after: known?.auditedUntil, now: now)
        drifts[key] = StoredDrift(
            found: found, generation: generation, auditedUntil: next ?? known?.auditedUntil ?? now)
        if next != nil { record(.drift(found, region: clusters[key.cluster]?.region)) }
    }

    /// What was found under the assignment that its agent works on now. What was found under an earlier one is history, which the audit
    /// log has.
    private var standingDrifts: [ClusterDrift] {
        drifts.compactMap { key, stored in
            guard let status = statuses[key], status.report.generation != stored.generation else { return stored.found }
            return nil
        }
    }

    public func drifts(of cluster: ClusterName) -> [ClusterDrift] {
        guard clusters[cluster] != nil else { return [] }
        return standingDrifts.filter { $0.cluster == cluster }.sorted { $0.application < $1.application }
    }

    public func driftFigures() -> [DriftFigures] {
        standingDrifts.filter { clusters[$0.cluster] != nil }
            .sorted { ($0.cluster, $0.application) < ($1.cluster, $1.application) }
            .map { found in
                DriftFigures(
                    cluster: found.cluster, application: found.application, count: found.drift.count,
                    isCorrected: found.drift.isCorrected, receivedAt: found.receivedAt)
            }
    }

    public mutating func touch(_ seen: [ClusterName: Interval]) {
        for (name, age) in seen where clusters[name] != nil {
            let moment = now - age
            // What a clock that was set back since has written is no more than now.
            let known = agents[name]?.lastSeenAt.map { min($0, now) }
            agents[name, default: Agent()].lastSeenAt = known.map { max($0, moment) } ?? moment
        }
    }

    public mutating func touch(_ names: [ClusterName]) {
        touch(Dictionary(names.map { ($0, .zero) }) { first, _ in first })
    }

    @discardableResult
    public mutating func beginSession(
        _ session: String, of cluster: ClusterName, by start: AgentStart? = nil
    ) -> StartStanding {
        guard clusters[cluster] != nil else { return .sole }
        var agent = agents[cluster] ?? Agent()
        defer { agents[cluster] = agent }
        agent.session = session
        guard let start else { return .sole }
        let isOneConnected =
            agent.connectedTo != nil && agent.lastSeenAt.map { $0 > now - Bounds.connectionLifetime } == true
        return agent.boots.note(start, at: now, whileConnected: isOneConnected)
    }

    public func overtaken(_ sessions: [ClusterName: String]) -> [ClusterName: Bool] {
        var overtaken: [ClusterName: Bool] = [:]
        for (cluster, session) in sessions {
            if let agent = agents[cluster], let latest = agent.session, latest != session {
                overtaken[cluster] = agent.boots.isShared
            }
        }
        return overtaken
    }

    public mutating func noteConnection(
        _ cluster: ClusterName, replica: String, agentVersion: String, isConnected: Bool
    ) throws(StoreError) {
        guard clusters[cluster] != nil else { throw .noCluster(cluster) }
        var agent = agents[cluster] ?? Agent()
        if isConnected {
            agent.isEnrolled = true
            agent.connectedTo = replica
            agent.version = agentVersion
            agent.lastSeenAt = now
        } else if agent.connectedTo == replica {
            agent.connectedTo = nil
        }
        agents[cluster] = agent
    }

    public mutating func noteHeard(_ names: [ClusterName], replica: String) {
        for name in names where agents[name]?.isEnrolled == true && agents[name]?.connectedTo == nil {
            agents[name]?.connectedTo = replica
        }
    }

    public mutating func dropConnections(of replica: String) {
        for (name, agent) in agents where agent.connectedTo == replica { agents[name]?.connectedTo = nil }
    }

    public func orphanedAssignments(
        limit: Int, perCluster: Int = .max, after last: ClusterName? = nil
    ) -> [OrphanedAssignment] {
        let orphans = assignments.compactMap { key, stored -> OrphanedAssignment? in
            guard claims[key] == nil, clusters[key.cluster] != nil, let status = statuses[key]
            else {
                return nil
            }
            return OrphanedAssignment(stored.assignment, report: status.report)
        }
        let byCluster = Dictionary(grouping: orphans, by: \.assignment.cluster)
        let names = byCluster.keys.sorted()
        let turn = last.map { last in names.firstIndex { $0 > last } ?? names.count } ?? 0
        return Array(
            (names[turn...] + names[..<turn]).flatMap { name in
                (byCluster[name] ?? []).sorted { $0.assignment.application < $1.assignment.application }
                    .prefix(perCluster)
            }.prefix(limit))
    }

    public mutating func reissue(_ proposals: [Assignment], under lease: Lease) throws(StoreError) -> [Assignment] {
        guard isHeld(lease) else { throw .leaseLost(lease) }
        var reissued: [Assignment] = []
        for assignment in proposals where assignment.epoch >= lease.epoch {
            let key = ClusterApplication(cluster: assignment.cluster, application: assignment.application)
            guard let cluster = clusters[key.cluster], let known = assignments[key]?.assignment,
                claims[key] == nil, known.goal == assignment.goal, known.generation < assignment.generation
            else { continue }
            assignments[key] = StoredAssignment(assignment: assignment, change: nextID())
            record(.reissued(assignment, region: cluster.region, at: now))
            reissued.append(assignment)
        }
        return reissued
    }

    public func assignments(of cluster: ClusterName) -> [Assignment] {
        applications.keys.sorted().compactMap {
            assignments[ClusterApplication(cluster: cluster, application: $0)]?.assignment
        }
    }

    public func assignments(of clusters: [ClusterName]) -> ChangePage {
        ChangePage(assignments: clusters.flatMap { assignments(of: $0) }, cursor: lastID, counter: lastID)
    }

    public func assignments(changedAfter cursor: Int64, limit: Int) -> ChangePage {
        let changed = assignments.values.filter { $0.change > cursor }.sorted { $0.change < $1.change }.prefix(limit)
        return ChangePage(
            assignments: changed.map(\.assignment),
            cursor: changed.count < limit ? lastID : changed.last?.change ?? cursor, counter: lastID)
    }

    public func statuses(of application: ApplicationName?) -> [ClusterStatus] {
        statuses.filter { application == nil || $0.key.application == application }
            .sorted { ($0.key.cluster, $0.key.application) < ($1.key.cluster, $1.key.application) }
            .map { ClusterStatus(cluster: $0.key.cluster, report: $0.value.report, receivedAt: $0.value.receivedAt) }
    }

    public func mayRead(_ digest: ContentDigest, cluster: ClusterName) -> Bool {
        let asked = previews.values.lazy.filter { $0.request.cluster == cluster && self.isOpen($0) }
        let bundles = bundles(referredToBy: cluster).union(asked.map(\.request.release.digest))
        return releases.values.lazy.flatMap(\.values)
            .contains { bundles.contains($0.release.reference.digest) && $0.documents.contains(digest) }
    }

    /// The bundles that a cluster is to run, may fall back to, or has lately proven.
    func bundles(referredToBy cluster: ClusterName) -> Set<ContentDigest> {
        var bundles: Set<ContentDigest> = []
        for application in applications.keys {
            let key = ClusterApplication(cluster: cluster, application: application)
            if let assignment = assignments[key]?.assignment {
                if let digest = assignment.digest { bundles.insert(digest) }
                if let fallback = assignment.fallback { bundles.insert(fallback.digest) }
            }
            bundles.formUnion((proven[key] ?? []).prefix(Bounds.provenReleases).map(\.release.digest))
        }
        return bundles
    }

    // MARK: Audit

    public func events(after cursor: Int64, filter: EventFilter, limit: Int) -> [AuditEvent] {
        audit.lazy.map(\.event).filter { $0.id > cursor && filter.admits($0) }.prefix(limit).map { $0 }
    }

    public func latestEvents(filter: EventFilter, limit: Int) -> [AuditEvent] {
        audit.reversed().lazy.map(\.event).filter { filter.admits($0) }.prefix(limit).reversed()
    }

    public func transitions(of rollout: RolloutName, after cursor: Int64, limit: Int) -> (
        transitions: [Transition], cursor: Int64
    ) {
        let rows = audit.lazy.filter { $0.event.id > cursor && $0.transition?.rollout == rollout }.prefix(limit)
        return (rows.compactMap(\.transition), rows.map(\.event.id).last ?? cursor)
    }

    public func transitions(of rollout: RolloutName) -> [Transition] {
        audit.compactMap(\.transition).filter { $0.rollout == rollout }
    }

    // MARK: Leases

    public mutating func acquireLease(_ name: String, holder: String, lifetime: Interval) -> Lease? {
        if var lease = leases[name], lease.expiresAt > now {
            guard lease.holder == holder else { return nil }
            lease.expiresAt = now + lifetime
            leases[name] = lease
            return lease
        }
        lastEpoch += 1
        let lease = Lease(name: name, holder: holder, epoch: lastEpoch, expiresAt: now + lifetime)
        leases[name] = lease
        return lease
    }

    public mutating func renewLeases(holder: String, lifetime: Interval) -> LeaseRenewal {
        for (name, lease) in leases where lease.holder == holder && lease.expiresAt > now {
            leases[name]?.expiresAt = now + lifetime
        }
        return LeaseRenewal(
            renewed: leases.values.filter { $0.holder == holder && $0.expiresAt > now }.sorted { $0.name < $1.name })
    }

    public mutating func releaseLease(_ lease: Lease) {
        if let held = leases[lease.name], held.holder == lease.holder, held.epoch == lease.epoch {
            leases[lease.name] = nil
        }
    }

    public mutating func releaseLeases(holder: String) {
        leases = leases.filter { $0.value.holder != holder }
    }

    /// Skips epochs, so that the next claim draws one above this: for histories that are compared with another form's.
    public mutating func raiseEpochs(above epoch: Int64) { lastEpoch = max(lastEpoch, epoch) }

    func isHeld(_ lease: Lease) -> Bool {
        guard let held = leases[lease.name] else { return false }
        return held.holder == lease.holder && held.epoch == lease.epoch && held.expiresAt > now
    }
}
