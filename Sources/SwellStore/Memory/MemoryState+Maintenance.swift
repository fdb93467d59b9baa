internal import SwellEngine
internal import SwellModel

extension MemoryState {
    public mutating func maintain(_ retention: Retention) -> MaintenanceOutcome {
        var outcome = MaintenanceOutcome()
        let oldest = now - retention.audit
        let kept = audit.filter { stored in
            stored.event.at >= oldest
                || stored.event.rollout.flatMap { rollouts[$0] }.map { !$0.rollout.phase.isEnded } == true
        }
        outcome.auditRows = audit.count - kept.count
        audit = kept

        (outcome.certificates, outcome.tokens) = forgetExpired()
        previews = previews.filter { $0.value.expiresAt > now }
        for (key, list) in proven { proven[key] = Array(list.prefix(Bounds.provenReleases)) }
        let referred = bundlesReferredTo()
        for (application, versions) in releases {
            let newest = versions.values.sorted { $0.sequence > $1.sequence }
            for stored in newest.dropFirst(max(0, retention.releases))
            where !referred.contains(stored.release.reference.digest) {
                releases[application]?[stored.release.reference.version] = nil
                outcome.releases += 1
            }
        }
        let needed = releases.values.reduce(into: Set<ContentDigest>()) { needed, versions in
            for stored in versions.values { needed.formUnion(stored.documents) }
        }
        outcome.documents = documents.keys.count { !needed.contains($0) }
        documents = documents.filter { needed.contains($0.key) }
        return outcome
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
