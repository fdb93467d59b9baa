public import SwellEngine
public import SwellModel

extension MemoryState {
    public mutating func apply(_ documents: FleetDocuments, by actor: String) throws(StoreError) -> [AppliedDocument] {
        try DocumentRules.check(documents)
        var applied: [AppliedDocument] = []
        var changes: [DocumentChange] = []
        func note<Value: Equatable & FleetDocument>(_ kind: String, _ name: String, old: Value?, new: Value) {
            let outcome: AppliedDocument.Outcome = old.map { $0 == new ? .unchanged : .configured } ?? .created
            applied.append(AppliedDocument(kind: kind, name: name, outcome: outcome))
            changes.append(DocumentChange(from: old, to: new))
        }
        for cluster in documents.clusters {
            note(DocumentKind.cluster, cluster.name.rawValue, old: clusters[cluster.name], new: cluster)
            clusters[cluster.name] = cluster
        }
        for application in documents.applications {
            note(
                DocumentKind.application, application.name.rawValue, old: applications[application.name],
                new: application)
            applications[application.name] = application
        }
        for policy in documents.policies {
            note(DocumentKind.policy, policy.name.rawValue, old: policies[policy.name], new: policy)
            policies[policy.name] = policy
        }
        for (document, change) in zip(applied, changes) where document.outcome != .unchanged {
            record(.applied(document, change, by: actor, at: now))
        }
        if applied.contains(where: { $0.outcome != .unchanged && $0.kind != DocumentKind.policy }) { fleetVersion += 1 }
        return applied
    }

    public func clusterRecords() -> [ClusterRecord] {
        clusters.values.sorted { $0.name < $1.name }.map { cluster in
            let agent = agents[cluster.name] ?? Agent()
            let door = trust[cluster.name]?.readmitUntil.flatMap { $0 > now ? $0 : nil }
            return ClusterRecord(
                cluster: cluster, isEnrolled: agent.isEnrolled,
                isConnected: agent.connectedTo != nil
                    && agent.lastSeenAt.map { $0 > now - Bounds.connectionLifetime } == true,
                agentVersion: agent.version, lastSeenAt: agent.lastSeenAt, pause: clusterPauses[cluster.name],
                readmittedUntil: door, revokedAt: agent.isEnrolled ? revokedAt(cluster.name) : nil)
        }
    }

    public func isInFleet(_ name: ClusterName) -> Bool { clusters[name] != nil }

    public func allApplications() -> [Application] { applications.values.sorted { $0.name < $1.name } }
    public func allPolicies() -> [RolloutPolicy] { policies.values.sorted { $0.name < $1.name } }
    public func allRegionPauses() -> [RegionName: Pause] { regionPauses }
    public func currentFleetLimit() -> Int? { fleetLimit }

    public mutating func removeCluster(_ name: ClusterName, by actor: String) throws(StoreError) {
        guard let cluster = clusters.removeValue(forKey: name) else { throw .noCluster(name) }
        clusterPauses[name] = nil
        _ = revokeAll(of: name, isLeaving: true)
        fleetVersion += 1
        record(.cluster("removed", name, region: cluster.region, by: actor, at: now))
    }

    public mutating func setRegionPause(_ region: RegionName, _ pause: Pause?, by actor: String) {
        guard pause != nil || regionPauses[region] != nil else { return }
        regionPauses[region] = pause
        fleetVersion += 1
        record(.regionPause(region, pause, by: actor, at: now))
    }

    public mutating func setClusterPause(_ name: ClusterName, _ pause: Pause?, by actor: String) throws(StoreError) {
        guard let cluster = clusters[name] else { throw .noCluster(name) }
        guard pause != nil || clusterPauses[name] != nil else { return }
        clusterPauses[name] = pause
        fleetVersion += 1
        record(.clusterPause(cluster, pause, by: actor, at: now))
    }

    public mutating func setFleetLimit(_ limit: Int?, by actor: String) throws(StoreError) {
        try DocumentRules.check(limit: limit)
        guard limit != fleetLimit else { return }
        fleetLimit = limit
        fleetVersion += 1
        record(.fleetLimit(limit, by: actor, at: now))
    }

    // MARK: Releases

    public mutating func createRelease(_ release: Release, documents content: [ContentDocument]) throws(StoreError)
        -> Release
    {
        try DocumentRules.check(release, documents: content)
        guard applications[release.application] != nil else { throw .noApplication(release.application) }
        if let stored = releases[release.application]?[release.reference.version]?.release {
            guard stored.reference.digest == release.reference.digest else {
                throw .versionTaken(release, by: stored.reference.digest)
            }
            return stored
        }
        for document in content { documents[document.digest] = document.content }
        releases[release.application, default: [:]][release.reference.version] = StoredRelease(
            sequence: nextID(), release: release, documents: Set(content.map(\.digest)))
        record(.released(release, at: now))
        return release
    }

    public func releases(of application: ApplicationName, limit: Int) -> [Release] {
        (releases[application] ?? [:]).values.sorted { $0.sequence > $1.sequence }.prefix(limit).map(\.release)
    }

    public func release(of application: ApplicationName, version: String) -> Release? {
        releases[application]?[version]?.release
    }

    public func document(_ digest: ContentDigest) -> [UInt8]? { documents[digest] }

    // MARK: FleetSnapshot

    public func snapshot(for application: ApplicationName) throws(StoreError) -> FleetSnapshot {
        guard let selector = applications[application]?.select else { throw .noApplication(application) }
        return snapshot(of: application) { selector.matches($0) }
    }

    public func assignedSnapshot(for application: ApplicationName) throws(StoreError) -> FleetSnapshot {
        guard let selector = applications[application]?.select else { throw .noApplication(application) }
        return snapshot(of: application) {
            selector.matches($0)
                || assignments[ClusterApplication(cluster: $0.name, application: application)] != nil
        }
    }

    /// What surrounds a rollout: its targets, and who may still join it.
    public func snapshot(around rollout: Rollout) -> FleetSnapshot {
        let selector = applications[rollout.application]?.select
        return snapshot(of: rollout.application) {
            rollout.targets[$0.name] != nil || selector?.matches($0) == true && rollout.mayAdmit($0)
        }
    }

    private func snapshot(of application: ApplicationName, where isConcerned: (Cluster) -> Bool) -> FleetSnapshot {
        var snapshot = FleetSnapshot(pausedRegions: regionPauses, pausedClusters: clusterPauses)
        for cluster in clusters.values where isConcerned(cluster) {
            snapshot.fleet[cluster.name] = facts(of: cluster, application)
        }
        if let fleetLimit {
            let inFlight = rollouts.values.lazy.filter { !$0.rollout.phase.isEnded }
                .flatMap(\.rollout.targets.values).count(where: \.isInFlight)
            snapshot.fleetHeadroom = max(0, fleetLimit - inFlight)
        }
        return snapshot
    }

    private func facts(of cluster: Cluster, _ application: ApplicationName) -> ClusterFacts {
        let key = ClusterApplication(cluster: cluster.name, application: application)
        let agent = agents[cluster.name]
        let status = statuses[key]
        let assignment = assignments[key]?.assignment
        var assigned: ReleaseReference?
        var removal: AssignedRemoval?
        switch assignment?.goal {
        case .run(let release): assigned = release
        case .remove:
            removal = assignment.map { AssignedRemoval(generation: $0.generation, rollout: $0.rollout) }
        case nil: break
        }
        return ClusterFacts(
            cluster: cluster, isEnrolled: agent?.isEnrolled ?? false, lastSeenAt: agent?.lastSeenAt,
            highestGeneration: max(assignment?.generation ?? 0, status?.highestGeneration ?? 0), assigned: assigned,
            removal: removal, proven: (proven[key] ?? []).prefix(Bounds.provenReleases).map(\.release),
            report: status?.report,
            reportedAt: status?.receivedAt, heldBy: claims[key],
            pausedGeneration: assignment?.isPaused == true ? assignment?.generation : nil)
    }
}
