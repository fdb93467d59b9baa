internal import AsyncSupport
internal import KubernetesObjects

/// What the inventory is told while a bundle is applied.
extension BundleApplier {
    /// Stores the union before anything is applied; where the inventory's namespace comes with the bundle, that first.
    func write(
        _ run: inout BundleRun, replacing stored: InventoryStore.Record, plan: BundlePlan
    ) async throws {
        run.record = run.record.tidied
        if run.record == stored { return }
        do {
            try await run.keepRecord()
        } catch let error as KubernetesError where error.isNotFound {
            let namespace = plan.steps.lazy.flatMap(\.objects).first { object in
                object.type.groupKind == GroupKind(kind: "Namespace") && object.name == options.inventoryNamespace
            }
            guard let namespace else { throw error }
            let report = try await ObjectApplier(api: api, options: options).apply(namespace)
            guard report.outcome != .failed else {
                throw KubernetesError(code: .refused, message: report.description)
            }
            if report.outcome == .created {
                run.ours.insert(namespace.reference.identity)
                run.record = run.record.noting(created: [namespace.reference])
            }
            try await run.keepRecord()
        }
    }

    /// Looks who holds what before a step: again after a wait, and where much was sent or something was taken over meanwhile. What others
    /// brought or took until then is theirs. Between the objects of a step nobody looks: that would be a list of all inventories each.
    func meetTakers(_ run: inout BundleRun) async throws {
        let sent = run.reports.count - run.reportsAtLook
        guard run.isLookStale || sent >= Self.longestLook || run.store.state.taken != run.takenKnown else { return }
        try await lookAgain(forHolders: &run)
    }

    /// Looks who holds what by now, and what others took over meanwhile.
    func lookAgain(forHolders run: inout BundleRun) async throws {
        run.store.state.note(found: try await run.store.stored())
        run.ours.subtract(run.store.state.taken)
        try await look(forHolders: &run)
    }

    /// After how many objects, at the least, a step looks again who holds what though nothing was waited for.
    private static let longestLook = 100

    /// Looks who holds what.
    func look(forHolders run: inout BundleRun) async throws {
        let others = try await run.store.others()
        // Who held it, or gave it up, need not know any more by the time that it is told.
        for (identity, hold) in run.holders { if let was = hold.wasThereBefore { run.origins[identity] = was } }
        run.origins.merge(others.origins) { _, new in new }
        run.holders = others.held
        // Who took it over has it, though not all is there yet that comes with it.
        for (identity, hold) in others.held where hold.isPending {
            let isTaken = run.store.state.taken.contains(identity)
            if isTaken || run.record.losses[identity]?.taker == hold.name { run.holders[identity]?.isPending = false }
        }
        run.takenKnown = run.store.state.taken
        (run.isLookStale, run.reportsAtLook) = (false, run.reports.count)
    }

    /// Looks, before anything is sent, what those objects say that judge others' revisions, and what it is about. Of one that cannot be
    /// read nothing is noted, and what it says counts.
    func hear(_ plan: BundlePlan) async throws {
        let objects = plan.steps.flatMap(\.objects)
        let judges = objects.filter { $0.judgedTarget != nil }
        if judges.isEmpty { return }
        let targets = Dictionary(
            objects.map { ($0.reference.identity, $0) }, uniquingKeysWith: { first, _ in first })
        try await forEachConcurrently(judges, atMost: options.concurrency) { object in
            let wanted = object.judgedTarget.flatMap { targets[$0] }
            return (try await seen(object.reference), wanted, try await seen(wanted?.reference))
        } onResult: { (judge, wanted, target) in
            guard let judge else { return }
            let settings = [wanted, target].compactMap { $0 }.flatMap(BundlePlan.podReferences(of:)).filter {
                $0.type.group.isEmpty && ["ConfigMap", "Secret"].contains($0.type.kind)
            }
            options.evidence.heard(judge, target: target, settings: Set(settings))
        }
        options.evidence.hearingEnds()
        try await options.onHeard()
    }

    private func seen(_ reference: ObjectReference?) async throws -> KubernetesObject? {
        guard let reference else { return nil }
        do {
            return try await api.get(reference)
        } catch is KubernetesError {
            try Task.checkCancellation()
            return nil
        }
    }

    /// Takes out of the record what this run was to bring and did not come to: whoever goes back need not look for it, which he
    /// may have no right to. An earlier try that was cut may have brought some of it, but for what others have.
    func forget(_ left: Inventory, old: Inventory, _ run: inout BundleRun) async throws {
        var record = run.record
        let untouched = run.untouched
        let theirs = untouched.filter { reference in
            !run.ours.contains(reference.identity) && run.holders[reference.identity].map { !$0.isPending } ?? false
        }
        record.inventory = record.inventory.subtracting(Inventory(untouched).subtracting(old))
            .subtracting(left).subtracting(Inventory(theirs))
        // What was applied is ours from now on, though the bundle as a whole did not come to its end.
        record.pending = record.pending.subtracting(Inventory(run.applied))
        record = record.noting(marksOf: run.reports)
        record = record.tidied
        guard record != run.written else { return }
        do {
            (record, run.record) = (run.record, record)
            try await run.keepRecord()
        } catch is KubernetesError {
            run.record = record
            // What is recorded besides does no harm; the failure that led here is what is to be told.
        }
    }

    /// Notes what of a bundle is done and not to be done again: its hooks, whether they ran or were not to, and its Jobs.
    func noteFinished(_ plan: BundlePlan, _ run: inout BundleRun) {
        let hooks = plan.hooks.filter { $0.moment != .onFailure }
        let jobs = plan.jobDigests(scope: options.hookScope)
        let current = Set(plan.hooks.map(\.digest)).union(jobs)
        if options.hookScope.isEmpty {
            if !options.runsHooks { for hook in hooks { run.record.finished.insert(hook.digest) } }
            run.record.finished.formIntersection(current)
        } else {
            // Who lost the record of them must not make them run once more.
            for hook in hooks { run.record.finished.insert(hook.digest, isRepeated: hook.runsOnReturn) }
            // Only what was awaited is known to have ended well.
            for job in jobs.sorted() where options.waitsForHealth || !options.repeatsFinishedJobs {
                run.record.finished.insert(job)
            }
            run.record.finished.forgetRepeated(but: current)
        }
    }

    /// Notes what was made, and takes over what other inventories note of objects that came from them.
    func noteOrigins(_ run: inout BundleRun) async throws {
        run.record = run.record.noting(
            created: run.reports.filter { $0.outcome == .created || $0.outcome == .replaced }.map(\.reference))
        // It was there, and applied by this manager, though not by this inventory: another one had it, or an earlier run.
        let noted = run.record.created.identities.union(run.record.adopted.identities)
        let moved = run.applied.filter { !noted.contains($0.identity) && !run.ours.contains($0.identity) }
        guard !moved.isEmpty else { return }
        let (holders, origins) = (run.holders, run.origins)
        func wasThereBefore(_ reference: ObjectReference) -> Bool? {
            holders[reference.identity]?.wasThereBefore ?? origins[reference.identity]
        }
        run.record = run.record.noting(adopted: moved.filter { wasThereBefore($0) == true })
        run.record = run.record.noting(created: moved.filter { wasThereBefore($0) == false })
    }

    /// Stores the final record. When all is removed, its own namespace may be on its way out too.
    func finish(_ run: inout BundleRun) async throws {
        do {
            try await run.keepRecord()
        } catch let error as KubernetesError where run.record.inventory.references.isEmpty {
            guard error.isNotFound || error.isNamespaceTerminating else {
                throw error
            }
        }
    }
}
