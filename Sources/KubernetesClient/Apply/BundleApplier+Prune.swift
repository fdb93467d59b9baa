internal import AsyncSupport
internal import KubernetesObjects

/// What of former bundles is not wanted any more.
extension BundleApplier {
    /// What of a bundle that is taken back may refuse that it is, once who answers for it is away: it goes before anything is put back.
    func barring(in unwanted: Inventory) -> Inventory {
        guard options.takesBack, options.prunes else { return Inventory() }
        return Inventory(
            unwanted.references.filter {
                ApplyPhase(of: $0.type.groupKind) == .admission || Self.limits.contains($0.type.groupKind)
            })
    }

    private static let limits: Set<GroupKind> = [GroupKind(kind: "ResourceQuota"), GroupKind(kind: "LimitRange")]

    /// Deletes objects in reverse order and returns those that stay in the inventory.
    func prune(
        _ unwanted: Inventory, _ run: inout BundleRun, _ onProgress: (BundleProgress) async -> Void
    ) async throws -> Inventory {
        guard !unwanted.references.isEmpty else { return Inventory() }
        var going = Set(unwanted.references.map(\.identity))
        // The inventory goes with its namespace; it is nobody else's.
        going.insert(InventoryStore(api: records, options: options).reference.identity)
        var (staying, kept): ([ObjectReference], [ObjectReference]) = ([], [])
        var (leaving, givenUp): ([KubernetesObject], [KubernetesObject]) = ([], [])
        for phase in ApplyOrder.pruneOrder(unwanted.sorted) {
            // Again for each: deletions take minutes, and what others have taken over by then, or are bringing, is theirs.
            let others = try await run.store.others()
            run.store.state.note(found: try await run.store.stored())
            let taken = run.store.state.taken
            going.subtract(taken)
            let step = phase.filter { !taken.contains($0.identity) }
            if let unreadable = others.unreadable.first {
                going.subtract(step.map(\.identity))
                staying += step
                for reference in step { await note(unjudged(reference, unreadable), &run, onProgress) }
                continue
            }
            let pruner = pruner(of: unwanted, run, beside: others)
            let (pruned, before) = (going, leaving.count)
            try await forEachConcurrently(step, atMost: options.concurrency) { reference in
                (reference, try await pruner.prune(reference, pruned: pruned))
            } onResult: { reference, outcome in
                let outcome = try await givenBack(
                    outcome, reference.identity, run.store, pruner.record.origin(of: reference.identity))
                await note(outcome.progress, &run, onProgress)
                // Neither its namespace nor its definition may take along what was kept, or could not be deleted.
                if outcome.progress.outcome != .pruned { going.remove(reference.identity) }
                if outcome.progress.outcome == .kept { kept.append(reference) }
                if outcome.stays { staying.append(reference) }
                if outcome.isGivenUp { run.record.leaving = run.record.leaving.union(Inventory([reference])) }
                if let object = outcome.leaving { leaving.append(object) }
                if let object = outcome.givenUp { givenUp.append(object) }
            }
            try await pruner.awaitGone(Array(leaving[before...]), onWait: onProgress)
            run.isLookStale = true
        }
        guard options.isRemoval else { return Inventory(staying) }
        let pruner = Pruner(api: api, options: options)
        for left in try await pruner.remaining(leaving, onWait: onProgress) {
            await note(left, &run, onProgress)
            staying.append(left.reference)
        }
        // Whoever goes on with it is to know of all that there is to tell; once it is done, nobody holds what was kept.
        guard run.failed.isEmpty else { return Inventory(staying).union(Inventory(kept)) }
        for object in givenUp { try await pruner.release(object.reference, object) }
        return Inventory()
    }

    /// What became of an object once it is in the inventory again that it was taken from.
    private func givenBack(
        _ outcome: Pruner.Outcome, _ identity: ObjectIdentity, _ store: InventoryStore, _ wasThereBefore: Bool?
    ) async throws -> Pruner.Outcome {
        guard let loser = outcome.loser, let live = outcome.live else { return outcome }
        do {
            if try await store.giveBack(live, identity, to: loser, wasThereBefore: wasThereBefore) {
                if await options.onGivenBack(loser) { return outcome }
                var progress = outcome.progress
                progress.message += ", with what was made of it: roll \(loser) out again"
                return Pruner.Outcome(progress: progress, stays: outcome.stays)
            }
            let progress = BundleProgress(
                reference: outcome.progress.reference, outcome: options.isRemoval ? .failed : .kept,
                message: "not deleted yet: application \(loser), from which it was taken, gave it up just now",
                isTransient: options.isRemoval)
            return Pruner.Outcome(progress: progress, stays: true)
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            let progress = BundleProgress(
                failureOf: outcome.progress.reference, error,
                message: "not given back to application \(loser): \(error.message)")
            return Pruner.Outcome(progress: progress, stays: true)
        }
    }

    /// What is said of an object that an inventory which cannot be read may hold.
    private func unjudged(_ reference: ObjectReference, _ unreadable: String) -> BundleProgress {
        BundleProgress(
            reference: reference, outcome: options.isRemoval ? .failed : .kept,
            message:
                "not deleted yet: the inventory ConfigMap \(options.inventoryNamespace)/\(unreadable) cannot be read, and may "
                + "hold it; mend it, or delete it where no application is of that name",
            isTransient: options.isRemoval)
    }

    private func pruner(of unwanted: Inventory, _ run: BundleRun, beside others: InventoryStore.Others) -> Pruner {
        Pruner(
            api: api, options: options, record: run.record.noting(originsOf: unwanted, others.origins),
            pending: run.record.pending.union(run.record.leaving).identities.subtracting(run.ours),
            heldByOthers: others.held, losers: others.losers,
            applied: Set(run.reports.compactMap(\.uid)),
            known: unwanted.identities.union(run.record.inventory.identities),
            claims: OwnedClaims(api: api, options: options))
    }
}
