internal import SwellEngine
internal import SwellModel

extension MemoryState {
    /// All of it.
    public mutating func maintain(_ retention: Retention) -> MaintenanceOutcome {
        var outcome = MaintenanceOutcome()
        for part in MaintenancePart.allCases { outcome += maintain(part, retention) }
        return outcome
    }

    public mutating func maintain(_ part: MaintenancePart, _ retention: Retention) -> MaintenanceOutcome {
        var outcome = MaintenanceOutcome()
        switch part {
        case .auditPartitions: break
        case .previews: previews = previews.filter { $0.value.expiresAt > now }
        case .credentials: (outcome.certificates, outcome.tokens) = forgetExpired()
        case .provenReleases:
            for (key, list) in proven { proven[key] = Array(list.prefix(Bounds.provenReleases)) }
        case .departed: outcome.clusters = forgetDeparted(after: retention.departed)
        case .rollouts: outcome.rollouts = removeRollouts(retention)
        case .releases: (outcome.releases, outcome.documents) = removeReleases(retention)
        case .documents: outcome.documents = removeDocuments()
        case .auditRows: outcome.auditRows = removeAuditRows(retention)
        }
        return outcome
    }

    private mutating func removeAuditRows(_ retention: Retention) -> Int {
        let oldest = now - retention.audit
        let kept = audit.filter { stored in
            stored.event.at >= oldest
                || stored.event.rollout.flatMap { rollouts[$0] }.map { !$0.rollout.phase.isEnded } == true
        }
        defer { audit = kept }
        return audit.count - kept.count
    }

    private mutating func forgetDeparted(after age: Interval) -> Int {
        let gone = agents.filter { clusters[$0.key] == nil && $0.value.lastSeenAt.map { $0 <= now - age } == true }
        for cluster in gone.keys {
            agents[cluster] = nil
            drifts = drifts.filter { $0.key.cluster != cluster }
            proven = proven.filter { $0.key.cluster != cluster }
            for (key, stored) in assignments where key.cluster == cluster {
                guard let status = statuses[key] else { continue }
                let highest = max(status.highestGeneration, stored.assignment.generation)
                statuses[key]?.highestGeneration = highest
                assignments[key] = nil
            }
        }
        return gone.count
    }

    private mutating func removeRollouts(_ retention: Retention) -> Int {
        var needed = Set(assignments.values.map(\.assignment.rollout)).union(claims.values)
        needed.formUnion(rollouts.values.compactMap(\.rollout.kind.takesOff))
        needed.formUnion(bringers())
        var removed = 0
        for stored in Dictionary(grouping: rollouts.values, by: \.rollout.application).values.flatMap({ ofOne in
            ofOne.sorted { $0.sequence > $1.sequence }.dropFirst(max(0, retention.rollouts))
        }) {
            let name = stored.rollout.name
            guard stored.rollout.phase.isEnded, !needed.contains(name),
                let endedAt = stored.rollout.endedAt, endedAt <= now - retention.rolloutAge,
                pendingCommands[name]?.isEmpty ?? true, inbox[name]?.isEmpty ?? true
            else { continue }
            rollouts[name] = nil
            pendingCommands[name] = nil
            commands = commands.filter { $0.value.record.rollout != name }
            removed += 1
        }
        return removed
    }

    /// Of each release that a cluster runs or may go back to, the newest rollout that brought it: after a way back the assignment names
    /// another one.
    private func bringers() -> [RolloutName] {
        var present: [ApplicationName: Set<ContentDigest>] = [:]
        for (key, stored) in assignments {
            let digests = [stored.assignment.digest, stored.assignment.fallback?.digest]
            present[key.application, default: []].formUnion(digests.compactMap { $0 })
        }
        for (key, list) in proven { present[key.application, default: []].formUnion(list.map(\.release.digest)) }
        var newest: [ApplicationName: [ReleaseReference: StoredRollout]] = [:]
        for stored in rollouts.values where stored.rollout.kind == .release {
            // Versions may have the same digest, and are asked for by name.
            let (application, release) = (stored.rollout.application, stored.rollout.release)
            guard present[application]?.contains(release.digest) == true else { continue }
            if let other = newest[application]?[release], other.sequence > stored.sequence { continue }
            newest[application, default: [:]][release] = stored
        }
        return newest.values.flatMap { $0.values.map(\.rollout.name) }
    }

    private mutating func removeReleases(_ retention: Retention) -> (releases: Int, documents: Int) {
        let referred = bundlesReferredTo()
        var removed: [StoredRelease] = []
        for (application, versions) in releases {
            let newest = versions.values.sorted { $0.sequence > $1.sequence }
            for stored in newest.dropFirst(max(0, retention.releases))
            where !referred.contains(stored.release.reference.digest) {
                releases[application]?[stored.release.reference.version] = nil
                removed.append(stored)
            }
        }
        guard !removed.isEmpty else { return (0, 0) }
        return (removed.count, removeDocuments())
    }

    private mutating func removeDocuments() -> Int {
        let needed = releases.values.reduce(into: Set<ContentDigest>()) { needed, versions in
            for stored in versions.values { needed.formUnion(stored.documents) }
        }
        let kept = documents.filter { needed.contains($0.key) }
        defer { documents = kept }
        return documents.count - kept.count
    }

    /// The bundles that any cluster or active rollout refers to.
    private func bundlesReferredTo() -> Set<ContentDigest> {
        var bundles: Set<ContentDigest> = []
        for cluster in Set(assignments.keys.map(\.cluster)).union(proven.keys.map(\.cluster)) {
            bundles.formUnion(self.bundles(referredToBy: cluster))
        }
        for rollout in rollouts.values.map(\.rollout) where !rollout.phase.isEnded {
            bundles.insert(rollout.release.digest)
            for target in rollout.targets.values {
                bundles.formUnion([target.assigned, target.previous].compactMap { $0?.digest })
            }
        }
        return bundles
    }
}
