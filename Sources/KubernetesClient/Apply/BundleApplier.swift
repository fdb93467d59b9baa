internal import AsyncSupport
public import KubernetesObjects

/// Brings a cluster to hold a bundle of objects, and nothing that an earlier bundle of the same inventory held besides.
///
/// Namespaces and definitions first, then `before` hooks, then wave after wave, each awaited; `after` hooks; deletion of
/// what is no longer wanted last. The inventory in the cluster holds the union of old and new meanwhile, so that an
/// interruption at any point loses track of nothing, and applying again goes on from there. After a failure, what was not come
/// to is taken out again.
public struct BundleApplier: Sendable {
    let api: KubernetesAPI
    /// The client that keeps the inventory.
    let records: KubernetesAPI
    let options: BundleOptions

    /// Creates an applier.
    ///
    /// - Parameter records: The client that keeps the inventory, where it is one that may make other writes.
    public init(api: KubernetesAPI, records: KubernetesAPI? = nil, options: BundleOptions) {
        self.api = api
        self.records = records ?? api
        self.options = options
    }

    /// Applies a bundle.
    ///
    /// To remove all that a bundle brought, apply an empty one with ``BundleOptions/allowsEmpty``.
    ///
    /// - Parameters:
    ///   - objects: All objects that are wanted, hooks among them.
    ///   - previous: What is known to have been applied before, beside what the cluster's own inventory says.
    ///   - onProgress: Takes reports one by one, as things are done.
    /// - Returns: What became of each object. Failures of objects are reported here, not thrown.
    /// - Throws: ``KubernetesError`` when the bundle is not sound or the inventory cannot be kept, in which case nothing was
    ///   applied or pruned; `CancellationError`.
    public func apply(
        _ objects: [KubernetesObject], previous: Inventory = Inventory(),
        onProgress: (BundleProgress) async -> Void = { _ in }
    ) async throws -> BundleResult {
        let plan = try await plan(objects)
        let store = InventoryStore(api: records, options: options)
        var stored = try await store.read()
        stored.created = await placed(stored.created)
        stored.adopted = await placed(stored.adopted)
        let old = await placed(stored.inventory.union(previous))
        // What somebody else has taken over is not taken back by being noted.
        var new = Inventory(
            plan.inventory.references.filter { reference in
                options.untouched[reference.identity] == nil || stored.inventory.identities.contains(reference.identity)
            })
        if options.prunes, let refusal = PruneGuard.refusal(old: old, new: new, allowsEmpty: options.allowsEmpty) {
            throw KubernetesError(code: .invalidInput, message: refusal)
        }
        var run = BundleRun(record: stored, store: store)
        run.ours = await placed(stored.applied.union(previous)).identities
        run.record.inventory = old.union(new)
        run.record.leaving = await placed(stored.leaving).subtracting(new)
        run.record.pending = Inventory(
            run.record.inventory.references.filter { !run.ours.contains($0.identity) }
        ).subtracting(run.record.leaving)
        // What another bundle did this one may undo: that runs again should the other come back, however this one ends.
        if !options.hookScope.isEmpty { run.record.finished.forgetRepeated(but: Set(plan.hooks.map(\.digest))) }
        run.record.unwanted = old.subtracting(plan.inventory)
        run.record = run.record.narrowed(to: plan, options)
        try await write(&run, replacing: stored, plan: plan)

        try await look(forHolders: &run)
        try await hear(plan)
        let barring = barring(in: old.subtracting(new))
        let keptBarring = try await prune(barring, &run, onProgress)
        try await applySteps(plan.steps.filter { $0.wave == nil }, plan, &run, onProgress)
        try await runHooks(.before, plan, &run, onProgress)
        try await applySteps(plan.steps.filter { $0.wave != nil }, plan, &run, onProgress)
        try await bringGivenUp(plan, &run, onProgress)
        try await runHooks(.after, plan, &run, onProgress)
        try await noteOrigins(&run)
        run.record = run.record.noting(permitsOf: plan, applied: run.reports, options.annotations)
            .noting(leftTo: run.left, run.holders)
        // What was given back while this went on may have been applied before that.
        run.record.returned = run.record.returned.subtracting(
            Inventory(
                run.applied.filter {
                    stored.returned.identities.contains($0.identity) && options.untouched[$0.identity] == nil
                }))
        // An earlier try that was cut had noted it as what it meant to bring: that makes it nobody's.
        let others = Inventory(run.left.keys.filter { !run.ours.contains($0.identity) })
        new = new.subtracting(others)
        if run.hasFailed {
            if options.runsFailureHooks { try await runHooks(.onFailure, plan, &run, onProgress) }
            try await forget(others, old: old, &run)
        } else {
            noteFinished(plan, &run)
            run.record = run.record.noting(marksOf: run.reports)
            // After a removal the next bundle is a first install again.
            run.record.isInstalled = !new.references.isEmpty
            run.record.inventory = new
            if options.prunes {
                let kept = try await prune(
                    old.subtracting(new).subtracting(barring).subtracting(others), &run, onProgress)
                run.record.inventory = new.union(kept).union(keptBarring)
            } else {
                run.record.inventory = old.subtracting(others).union(new)
            }
            run.record.pending = run.record.pending.subtracting(new)
            run.record = run.record.tidied
            if run.record != run.written {
                if options.isRemoval, run.record.inventory.references.isEmpty {
                    try await options.onRemoved(run.reports)
                }
                try await finish(&run)
            }
        }
        var result = BundleResult(objects: run.reports, inventory: run.record.inventory)
        result.dealings = run.dealings
        return result
    }

    /// Runs what a bundle has for its own failure, once applying it was given up. Hooks around the bundle that are under way end
    /// first; those that have run count as not run from then on, since what they did may have been undone.
    ///
    /// - Returns: What became of each hook.
    /// - Throws: ``KubernetesError`` when the bundle is not sound, or the inventory cannot be kept; `CancellationError`, which
    ///   leaves a Job that was started under way.
    public func runFailureHooks(of objects: [KubernetesObject]) async throws -> BundleResult {
        let scopes = try await scopes(of: objects)
        let plan = try BundlePlan(objects, options: options) { scopes[$0] }
        let store = InventoryStore(api: records, options: options)
        var record = try await store.read()
        var reports: [BundleProgress] = []
        let runner = HookRunner(
            api: api, options: options, ours: record.applied.identities, uids: record.uids,
            holders: try await store.others().held)
        let hooks = plan.hooks.filter { $0.moment == .onFailure }
        guard !hooks.isEmpty else { return BundleResult(objects: [], inventory: record.inventory) }
        for hook in plan.hooks where hook.moment != .onFailure {
            if record.finished.remove(hook.digest) {
                try await runner.forget(hook)
            } else {
                try await runner.stop(hook)
            }
        }
        try await store.write(record)
        for hook in hooks {
            let report = try await runner.run(hook)
            reports.append(report)
            try await runner.cleanUp(after: hook, report)
        }
        return BundleResult(objects: reports, inventory: record.inventory)
    }

    /// A bundle's plan, with what the server knows of its kinds.
    func plan(_ objects: [KubernetesObject]) async throws -> BundlePlan {
        let scopes = try await scopes(of: objects)
        let plan = try BundlePlan(objects, options: options) { scopes[$0] }
        return plan.knowing(scalable: await api.scalableKinds(among: objects))
    }

    /// Which kinds live in namespaces, for all that the server or the bundle's own definitions know.
    func scopes(of objects: [KubernetesObject]) async throws -> [GroupVersionKind: Bool] {
        let definitions = BundlePlan.definitions(in: objects)
        var scopes: [GroupVersionKind: Bool] = [:]
        for type in Set(objects.map(\.type)).sorted(by: { $0.description < $1.description }) {
            if let definition = definitions[type.groupKind] {
                scopes[type] = definition.spec?["scope"]?.stringValue == "Namespaced"
                continue
            }
            do {
                scopes[type] = try await api.resource(for: type).isNamespaced
            } catch let error as KubernetesError where error.code == .unknownKind || error.code == .notReached {
                // Told when its turn comes, as a failure of the objects of this kind alone. What serves a kind that is known
                // and away now may come with this very bundle.
                continue
            }
        }
        return scopes
    }

    /// An inventory by the scopes that the server knows now: an object may have been noted in a namespace before anybody knew
    /// that its kind lives in none, and must not be taken for another one.
    func placed(_ inventory: Inventory) async -> Inventory {
        var isClusterWide: [GroupKind: Bool] = [:]
        var references: [ObjectReference] = []
        for reference in inventory.references {
            let type = reference.type.groupKind
            var reference = reference
            if reference.namespace != nil, BuiltInGroups.isCustom(type) {
                if isClusterWide[type] == nil {
                    let resource = try? await api.discovery.resource(for: type, preferring: reference.type.version)
                    isClusterWide[type] = resource.map { !$0.isNamespaced } ?? false
                }
                if isClusterWide[type] == true { reference.namespace = nil }
            }
            references.append(reference)
        }
        return Inventory().union(Inventory(references))
    }

    func applySteps(
        _ steps: [ApplyStep], _ plan: BundlePlan, _ run: inout BundleRun, _ onProgress: (BundleProgress) async -> Void
    ) async throws {
        var index = steps.startIndex
        while index < steps.endIndex {
            let wave = steps[index].wave
            var applied: [KubernetesObject] = []
            while index < steps.endIndex, steps[index].wave == wave {
                if steps[index].phase == .admission, options.waitsForHealth, !run.hasFailed {
                    try await awaitAnswers(to: steps[index].objects, from: applied)
                    run.isLookStale = true
                }
                try await applyStep(steps[index], plan, &run, &applied, onProgress)
                index += 1
            }
            if options.waitsForHealth, !run.hasFailed {
                try await awaitHealth(of: applied, atMost: options.healthTimeout, &run, onProgress)
            }
            if run.stopped == nil, run.hasFailed, !options.triesAll {
                run.stopped = wave.map { "wave \($0) failed" } ?? "what goes before all waves failed"
            }
        }
    }

    private func applyStep(
        _ step: ApplyStep, _ plan: BundlePlan, _ run: inout BundleRun, _ applied: inout [KubernetesObject],
        _ onProgress: (BundleProgress) async -> Void
    ) async throws {
        var ready: [KubernetesObject] = []
        for object in step.objects {
            let dependency =
                options.triesAll ? nil : plan.failedDependency(of: object, failed: run.failed)
            guard let reason = dependency.map({ "it needs \($0)" }) ?? run.stopped else {
                ready.append(object)
                continue
            }
            await note(
                BundleProgress(reference: object.reference, outcome: .skipped, message: reason), &run, onProgress)
        }
        try await meetTakers(&run)
        let adoptions = AdoptionLog(record: run.written, store: run.store)
        var applier = ObjectApplier(api: api, options: options, ours: run.ours, plan: plan)
        applier.uids = run.record.uids
        applier.holders = run.holders
        applier.replaceable = run.record.permits.replaceable.identities
        applier.finished = run.record.finished
        applier.onAdoption = { try await adoptions.note($0) }
        applier.isTaken = { try await adoptions.isTaken($0) }
        applier.onTakeover = { try await adoptions.takeOver($0, from: $1) }
        let seen = try await LiveObjects.read(ready, api: api, concurrency: options.concurrency)
        var done: [KubernetesObject] = []
        try await forEachConcurrently(ready, atMost: options.concurrency) { [applier] object in
            (object, try await applier.apply(object, seen: seen[object.reference]))
        } onResult: { object, report in
            await note(report, &run, onProgress)
            // What is left to others, or has done its work and is gone, is not awaited.
            let isLeft = report.outcome == .unchanged && report.uid == nil
            if report.outcome != .failed, report.outcome != .kept, !isLeft { done.append(object) }
        }
        run.written = await adoptions.record
        run.takenOver.merge(await adoptions.takenOver) { _, new in new }
        run.ours.subtract(run.store.state.taken)
        run.record = run.record.noting(adopted: run.written.adopted.references)
            .noting(created: run.written.created.references)
        applied.append(contentsOf: done)
        if step.phase == .definitions { try await awaitServed(done, &run, onProgress) }
        if options.stopsAtFailure, !options.triesAll, run.stopped == nil,
            let failed = run.reports.first(where: { $0.outcome == .failed })
        {
            run.stopped = "\(failed.reference.identity) failed"
        }
    }

    /// Waits until definitions are established and their kinds are served: the one does not imply the other.
    private func awaitServed(
        _ definitions: [KubernetesObject], _ run: inout BundleRun, _ onProgress: (BundleProgress) async -> Void
    ) async throws {
        if definitions.isEmpty { return }
        let failuresBefore = run.failed
        try await awaitHealth(of: definitions, atMost: options.settleTimeout, &run, onProgress)
        await api.discovery.invalidate()
        run.isLookStale = true
        for definition in definitions
        where !run.failed.subtracting(failuresBefore).contains(definition.reference.identity) {
            do {
                try await awaitServed(definition)
            } catch let error as KubernetesError {
                let report = BundleProgress(
                    reference: definition.reference, outcome: .failed, message: error.message, isTransient: true)
                await note(report, &run, onProgress)
            }
        }
    }

    private func awaitServed(_ definition: KubernetesObject) async throws {
        let group = definition.spec?["group"]?.stringValue ?? ""
        let kind = definition.spec?["names"]?["kind"]?.stringValue ?? ""
        for version in definition.spec?["versions"]?.arrayValue ?? [] where version["served"]?.boolValue == true {
            let type = GroupVersionKind(group: group, version: version["name"]?.stringValue ?? "", kind: kind)
            try await api.poll(every: .milliseconds(50), atMost: options.settleTimeout, what: "\(type) to be served") {
                try await api.isServed(type)
            }
        }
    }

    /// Waits a while for the workloads that answer webhooks, where they come with the bundle: a webhook that nobody answers
    /// refuses requests, those for its own pods among them.
    ///
    /// No longer than a definition may take: some programs are ready only once their webhooks are configured.
    private func awaitAnswers(to configurations: [KubernetesObject], from applied: [KubernetesObject]) async throws {
        let answering = WebhookBackends.workloads(answering: configurations, among: applied)
        if answering.isEmpty { return }
        _ = try await HealthWait(api: api, options: options).wait(
            for: answering, atMost: min(options.settleTimeout, options.healthTimeout))
    }

    private func awaitHealth(
        of objects: [KubernetesObject], atMost limit: Duration, _ run: inout BundleRun,
        _ onProgress: (BundleProgress) async -> Void
    ) async throws {
        var excused: [HealthWait.Failure] = []
        let failures = try await HealthWait(api: api, options: options).wait(for: objects, atMost: limit) {
            excused = $0
        }
        run.isLookStale = true
        run.note(passedOver: excused)
        for failure in failures {
            let late = failure.assessment.value == .failed ? "" : "not healthy within \(limit.components.seconds) s: "
            let report = BundleProgress(
                reference: failure.reference, outcome: .failed, message: late + failure.assessment.message)
            await note(report, &run, onProgress)
        }
    }

    private func runHooks(
        _ moment: Hook.Moment, _ plan: BundlePlan, _ run: inout BundleRun, _ onProgress: (BundleProgress) async -> Void
    ) async throws {
        guard options.runsHooks else { return }
        var runner = HookRunner(api: api, options: options, ours: run.ours, uids: run.record.uids)
        for hook in plan.hooks where hook.moment == moment {
            if moment != .onFailure, run.hasFailed {
                let reason = run.stopped ?? "an object before it failed"
                let report = BundleProgress(reference: hook.object.reference, outcome: .skipped, message: reason)
                await note(report, &run, onProgress)
                continue
            }
            if let reason = hook.reasonToSkip(run.record, isReturn: options.isReturn) {
                let message = "\(moment.rawValue) hook \(reason)"
                let report = BundleProgress(reference: hook.object.reference, outcome: .unchanged, message: message)
                await note(report, &run, onProgress)
                continue
            }
            // As it is by now: what came before may have taken long.
            try await lookAgain(forHolders: &run)
            (runner.holders, runner.ours) = (run.holders, run.ours)
            let isOutdated = run.record.finished.isOutdated(hook.digest)
            var refusal: BundleProgress?
            if isOutdated {
                refusal = try await runner.clear(hook)
                if refusal == nil { run.record.finished.remove(hook.digest) }
            }
            // Before it runs: what is interrupted goes on, and what came before it is not taken for it.
            if run.record.finished != run.written.finished { try await run.keepRecord() }
            let report = if let refusal { refusal } else { try await runner.run(hook) }
            await note(report, &run, onProgress)
            if report.outcome == .failed {
                run.stopped = run.stopped ?? "hook \(hook.object.name) failed"
            } else if moment != .onFailure {
                run.record.finished.insert(hook.digest, isRepeated: hook.runsOnReturn)
                // At once: a migration must not run twice because what follows it was interrupted.
                try await run.keepRecord()
            }
            try await runner.cleanUp(after: hook, report)
            run.isLookStale = true
        }
    }

    func note(
        _ report: BundleProgress, _ run: inout BundleRun, _ onProgress: (BundleProgress) async -> Void
    ) async {
        run.note(report)
        await onProgress(report)
    }
}
