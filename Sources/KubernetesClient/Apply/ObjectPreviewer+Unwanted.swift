internal import AsyncSupport
internal import KubernetesObjects

/// What is no longer wanted.
extension ObjectPreviewer {
    func look(
        atUnwanted unwanted: Inventory, _ stored: InventoryStore.Record, wanted: Set<String>
    ) async throws -> [BundleProgress] {
        guard !unwanted.references.isEmpty else { return [] }
        let pruner = Pruner(
            api: api, options: options, record: stored.noting(originsOf: unwanted, applier.origins),
            pending: stored.pending.union(stored.leaving).identities,
            heldByOthers: applier.holders, losers: applier.losers, applied: wanted,
            known: stored.inventory.identities.union(unwanted.identities),
            claims: OwnedClaims(api: api, options: options))
        var going = Set(unwanted.references.map(\.identity))
        going.insert(InventoryStore(api: api, options: options).reference.identity)
        var reports: [BundleProgress] = []
        for step in ApplyOrder.pruneOrder(unwanted.sorted) {
            var found: [ObjectReference: BundleProgress] = [:]
            let pruned = going
            try await forEachConcurrently(step, atMost: options.concurrency) { reference in
                (reference, try await pruner.preview(reference, pruned: pruned))
            } onResult: { reference, report in
                found[reference] = report
                if let report, report.outcome != .pruned { going.remove(reference.identity) }
            }
            reports += step.compactMap { found[$0] }
        }
        return reports
    }
}
