public import KubernetesObjects

/// What looks at a bundle know of other inventories.
extension BundleApplier {
    func applier(
        _ plan: BundlePlan, _ stored: InventoryStore.Record, looksForHolders: Bool
    ) async throws -> ObjectApplier {
        var options = options
        // What was applied and is gone has done its work.
        if !looksForHolders { options.repeatsFinishedJobs = false }
        var applier = ObjectApplier(api: api, options: options, ours: stored.applied.identities, plan: plan)
        applier.uids = stored.uids
        applier.replaceable = stored.permits.replaceable.identities
        applier.finished = stored.finished
        if looksForHolders {
            let others = try await InventoryStore(api: records, options: options).others()
            (applier.holders, applier.losers, applier.origins) = (others.held, others.losers, others.origins)
        }
        return applier
    }

    /// Tells of changes to what another inventory holds, too, that they are left; and so is, where that one alone holds it, that it is
    /// missing. It is asked only where there is a change.
    func leaveToHolders(_ reports: inout [BundleProgress], ours: Set<ObjectIdentity>) async throws {
        let changes: Set<BundleProgress.Outcome> = [.created, .configured, .replaced]
        guard reports.contains(where: { changes.contains($0.outcome) }) else { return }
        let held = try await InventoryStore(api: records, options: options).others().held.filter { !$0.value.isPending }
        for index in reports.indices where changes.contains(reports[index].outcome) {
            let identity = reports[index].reference.identity
            guard let holder = held[identity] else { continue }
            let isMissing = reports[index].outcome == .created
            if isMissing, ours.contains(identity) { continue }
            reports[index].outcome = .kept
            reports[index].message =
                isMissing
                ? "application \(holder.name) holds it, so that it is that one's to make"
                : "application \(holder.name) holds it, too, so that it is left as it is"
        }
    }

    /// Brings what was left to others, and what they have given up since: while all the rest was brought, they took it for this bundle's.
    func bringGivenUp(
        _ plan: BundlePlan, _ run: inout BundleRun, _ onProgress: (BundleProgress) async -> Void
    ) async throws {
        guard !run.left.isEmpty, run.stopped == nil else { return }
        try await look(forHolders: &run)
        let free = Set(run.left.keys.filter { run.holders[$0.identity] == nil })
        if free.isEmpty { return }
        run.reports.removeAll { $0.outcome == .kept && free.contains($0.reference) }
        let steps = plan.steps.compactMap { step in
            var step = step
            step.objects = step.objects.filter { free.contains($0.reference) }
            return step.objects.isEmpty ? nil : step
        }
        try await applySteps(steps, plan, &run, onProgress)
    }

    /// What former bundles brought beside some objects, as the inventory has it: no more than its kind and name is known of each.
    ///
    /// - Throws: ``KubernetesError`` where the inventory cannot be read.
    public func recorded(beside objects: [KubernetesObject]) async throws -> [KubernetesObject] {
        let record = try await InventoryStore(api: records, options: options).read()
        let known = Set(objects.map(\.reference.identity))
        return await placed(record.applied).sorted.filter { !known.contains($0.identity) }
            .map { KubernetesObject(type: $0.type, namespace: $0.namespace, name: $0.name) }
    }

    /// Whether an inventory holds all that a bundle brings: only then is everything known that may have to be pruned.
    public func isRecorded(_ objects: [KubernetesObject], in inventory: Inventory) async throws -> Bool {
        let scopes = try await scopes(of: objects)
        let plan = try BundlePlan(objects, options: options) { scopes[$0] }
        let lacking = plan.inventory.subtracting(await placed(inventory)).references
        if lacking.isEmpty { return true }
        // What another application has taken over is noted there.
        let held = try await InventoryStore(api: records, options: options).others().held
        return lacking.allSatisfy { held[$0.identity].map { !$0.isPending } ?? false }
    }
}
