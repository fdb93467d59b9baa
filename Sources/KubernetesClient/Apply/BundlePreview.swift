internal import AsyncSupport
public import KubernetesObjects

extension BundleApplier {
    /// What ``apply(_:previous:onProgress:)`` would do, by the server's own dry run: objects, hooks that would run, objects
    /// that would be pruned. Changes nothing, and needs the same rights.
    ///
    /// What is refused is refused of one object alone: the others are still looked at. Hooks are marked
    /// ``BundleProgress/isHook``; what would stay as it is, is told as ``BundleProgress/Outcome/unchanged``.
    ///
    /// - Parameters:
    ///   - objects: All objects that are wanted, hooks among them.
    ///   - namespaces: Those that are made before the bundle is applied: where one is not there yet, that its objects cannot
    ///     be asked about is no failure.
    ///   - onLook: Takes what the server says of each object of the bundle that is no hook, as it comes and without its changes: for who
    ///     may not wait for the last.
    /// - Returns: In the order in which they would be done. The inventory is the one that the cluster holds now.
    /// - Throws: ``KubernetesError`` when the bundle is not sound or the inventory cannot be read; `CancellationError`.
    public func preview(
        _ objects: [KubernetesObject], namespaces: Set<String> = [],
        onLook: @escaping @Sendable (BundleProgress) -> Void = { _ in }
    ) async throws -> BundleResult {
        let plan = try await plan(objects)
        var stored = try await InventoryStore(api: records, options: options).read()
        stored.inventory = await placed(stored.inventory)
        stored.created = await placed(stored.created)
        stored.adopted = await placed(stored.adopted)
        let unwanted = options.prunes ? stored.inventory.subtracting(plan.inventory) : Inventory()
        if options.prunes,
            let refusal = PruneGuard.refusal(
                old: stored.inventory, new: plan.inventory, allowsEmpty: options.allowsEmpty)
        {
            throw KubernetesError(code: .invalidInput, message: refusal)
        }
        let previewer = ObjectPreviewer(
            applier: try await applier(plan, stored, looksForHolders: true), plan: plan, namespaces: namespaces,
            onLook: onLook)
        var mask = SecretMask()
        var reports = try await previewer.look(at: plan.steps.filter { $0.wave == nil }.flatMap(\.objects), &mask)
        reports += try await previewer.look(at: plan.hooks, .before, stored, &mask)
        reports += try await previewer.look(at: plan.steps.filter { $0.wave != nil }.flatMap(\.objects), &mask)
        reports += try await previewer.look(at: plan.hooks, .after, stored, &mask)
        reports += try await previewer.look(
            atUnwanted: unwanted, stored, wanted: Set(reports.compactMap(\.uid)))
        return BundleResult(objects: reports, inventory: stored.inventory)
    }

    /// In what the live objects differ from the bundle's, hooks and pruning left aside. Changes nothing.
    ///
    /// An object that nobody touched since it was last found to be as wanted is not asked about again for some minutes. A Job
    /// that was applied and is gone has done its work, and is not missed. What another inventory holds, too, is told as
    /// ``BundleProgress/Outcome/kept``: two that put it back would do so for ever. So is what a webhook lets nobody rehearse.
    ///
    /// - Parameters:
    ///   - objects: The bundle as it was applied.
    ///   - namespaces: Those that are made before the bundle is applied.
    /// - Returns: Of each object what applying it would do. The inventory is the one that the cluster holds now.
    /// - Throws: ``KubernetesError``; `CancellationError`.
    public func differences(
        from objects: [KubernetesObject], namespaces: Set<String> = []
    ) async throws -> BundleResult {
        let plan = try await plan(objects)
        let stored = try await InventoryStore(api: records, options: options).read()
        let previewer = ObjectPreviewer(
            applier: try await applier(plan, stored, looksForHolders: false), plan: plan, namespaces: namespaces,
            wasApplied: true)
        var mask = SecretMask()
        var reports = try await previewer.look(at: plan.steps.flatMap(\.objects), &mask)
        try await leaveToHolders(&reports, ours: stored.applied.identities)
        var result = BundleResult(objects: reports, inventory: stored.inventory)
        result.returned = stored.returned.identities.intersection(reports.map(\.reference.identity))
        return result
    }
}

/// Asks the server what applying single objects would do.
struct ObjectPreviewer: Sendable {
    let applier: ObjectApplier
    let plan: BundlePlan
    /// Namespaces that are made before.
    let namespaces: Set<String>
    /// Whether the bundle was applied before, and what has changed since is looked for: what was found settled a while ago is
    /// not asked again, and what goes by itself is not missed.
    var wasApplied = false
    var onLook: @Sendable (BundleProgress) -> Void = { _ in }

    var api: KubernetesAPI { applier.api }
    var options: BundleOptions { applier.options }

    /// What was seen of one object. The changes are told apart later, one object after another: a mask numbers values in
    /// the order in which it meets them, and equal previews must be equal.
    private struct Observation: Sendable {
        var report: BundleProgress
        var before: KubernetesObject?
        var after: KubernetesObject?
        /// What was sent, where it can be remembered as settled.
        var wanted: KubernetesObject?
        /// What was sent.
        var sent: KubernetesObject?
        /// Whether a field that the manifest dropped keeps its live value.
        var isKept = false
        var ignored: [FieldPath] = []
    }

    // MARK: Objects

    /// Looks at objects side by side; the reports come in the order given.
    func look(at objects: [KubernetesObject], _ mask: inout SecretMask) async throws -> [BundleProgress] {
        let seen = try await LiveObjects.read(objects, api: api, concurrency: options.concurrency)
        var observations: [Int: Observation] = [:]
        try await forEachConcurrently(Array(objects.enumerated()), atMost: options.concurrency) { index, object in
            var (looked, warnings) = try await ServerWarnings.collecting {
                try await observation(of: object, seen[object.reference])
            }
            looked.report.warnings = warnings
            return (index, looked)
        } onResult: { index, observation in
            observations[index] = observation
            onLook(observation.report)
        }
        var reports: [BundleProgress] = []
        for index in objects.indices {
            guard let observation = observations[index] else { continue }
            let report = judge(observation, &mask)
            if report.outcome == .unchanged, let wanted = observation.wanted, let live = observation.before,
                let answer = observation.after
            {
                await api.settled.remember(wanted, live: live, answer: answer, manager: options.fieldManager)
            }
            reports.append(report)
        }
        return reports
    }

    private func judge(_ observation: Observation, _ mask: inout SecretMask) -> BundleProgress {
        meetingHolder(compared(observation, &mask), observation)
    }

    /// What is said where another application has an object that would be changed.
    private func meetingHolder(_ report: BundleProgress, _ observation: Observation) -> BundleProgress {
        guard report.outcome == .configured || report.outcome == .replaced, let wanted = observation.sent,
            let holder = applier.holder(of: wanted)
        else { return report }
        var met = report
        if let left = HeldByOther(holder, of: wanted, options) {
            let told = left.report(on: wanted)
            (met.outcome, met.message, met.changes) = (told.outcome, told.message, [])
        } else if let refusal = applier.holdRefusal(of: wanted, report.changes) {
            (met.outcome, met.message) = (.failed, refusal)
        } else {
            met.message = ([applier.takeoverWords(from: holder)] + [report.message].filter { !$0.isEmpty })
                .joined(separator: "; ")
        }
        return met
    }

    private func compared(_ observation: Observation, _ mask: inout SecretMask) -> BundleProgress {
        var report = observation.report
        report.uid = observation.before?.uid
        guard let after = observation.after else { return report }
        report.changes = ObjectDifference.changes(
            from: observation.before, to: after, ignoring: observation.ignored, mask: &mask)
        if wasApplied, let live = observation.before, let sent = observation.sent {
            // What admission makes of what nobody sent, again at each write, is nobody's change.
            let ledger = FieldLedger(live)
            report.changes.removeAll {
                !SentFields.isConcerned(sent, by: $0, of: live, ledger, manager: options.fieldManager)
            }
        }
        if let live = observation.before {
            let ledger = FieldLedger(live)
            for index in report.changes.indices {
                let writers = ledger.writers(of: report.changes[index].path, beside: options.fieldManager)
                // What was taken away has no owner; who wrote last has most likely done it.
                report.changes[index].managers =
                    writers.isEmpty && report.changes[index].before == nil
                    ? ledger.lastWriter(beside: options.fieldManager).map { [$0] } ?? [] : writers
            }
            // That a field is dropped and stays all the same is to be seen, though nothing changes.
            if report.outcome == .configured, report.changes.isEmpty, !observation.isKept {
                report.outcome = .unchanged
            }
        }
        return report
    }

    private func observation(of object: KubernetesObject, _ seen: LiveObjects.Observation) async throws -> Observation {
        do {
            let live: KubernetesObject?
            switch seen {
            case .present(let found): live = found
            case .absent: live = nil
            case .unknown: live = try await api.get(object.reference)
            }
            if let live { options.evidence.looked(atWork: live) }
            if let why = options.untouched[object.reference.identity] {
                return Observation(
                    report: BundleProgress(reference: object.reference, outcome: .unchanged, message: why))
            }
            if let live, let made = applier.leftAsMade(object, live) { return Observation(report: made, before: live) }
            let left = try await applier.left(of: object, live: live)
            let wanted = try applier.policy.sent(object, live: live, left: left)
            let ignored = left.map { field in
                live.flatMap { FieldPolicy.counterpart(of: field.path, in: object.json, $0.json) } ?? field.path
            }
            guard let live else {
                if applier.isFinished(object) {
                    return Observation(report: BundleProgress(reference: object.reference, outcome: .unchanged))
                }
                return noting(try await creation(of: wanted, ignored), object, left, wanted)
            }
            if live.deletionTimestamp != nil {
                return Observation(
                    report: BundleProgress(
                        reference: object.reference, outcome: .created, message: "the old one is terminating"),
                    after: wanted, ignored: ignored)
            }
            return noting(try await change(of: live, to: wanted, ignored), object, left, wanted)
        } catch let error as KubernetesError where error.code == .unknownKind {
            guard plan.definitions[object.type.groupKind] != nil else { return failure(of: object, error) }
            return unasked(object, "its kind comes with the release")
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            return failure(of: object, error)
        } catch let error as KubernetesObjectError {
            return Observation(
                report: BundleProgress(reference: object.reference, outcome: .failed, message: error.message))
        }
    }

    /// An observation that says which fields of the manifest are left to others.
    private func noting(
        _ observation: Observation, _ object: KubernetesObject, _ left: [LeftField], _ sent: KubernetesObject
    ) -> Observation {
        if wasApplied { return observation }
        var noted = observation
        noted.isKept =
            object.value(at: .replicas) == nil && sent.value(at: .replicas) != nil || ClaimSize.isKept(object, sent)
        let notes = applier.policy.notes(on: object, left: left, sent: sent)
        noted.report.message = ([noted.report.message].filter { !$0.isEmpty } + notes).joined(separator: "; ")
        return noted
    }

    private func creation(of wanted: KubernetesObject, _ ignored: [FieldPath]) async throws -> Observation {
        do {
            let created = try await api.apply(
                wanted, ApplyOptions(fieldManager: options.fieldManager, dryRun: true))
            return Observation(
                report: BundleProgress(reference: wanted.reference, outcome: .created), after: created,
                ignored: ignored)
        } catch let error as KubernetesError where error.isNotFound && isAwaited(wanted.namespace) {
            return unasked(wanted, wasApplied ? nil : "its namespace is not there yet")
        } catch let error as KubernetesError {
            guard let webhook = error.webhookRefusingDryRuns else { throw error }
            return unasked(wanted, wasApplied ? nil : KubernetesError.dryRunAdvice(webhook))
        }
    }

    /// Whether a namespace comes with the bundle or before it.
    private func isAwaited(_ namespace: String?) -> Bool {
        guard let namespace else { return false }
        return namespaces.contains(namespace)
            || plan.steps.contains { step in
                step.objects.contains {
                    $0.type.groupKind == GroupKind(kind: "Namespace") && $0.name == namespace
                }
            }
    }

    private func unasked(_ object: KubernetesObject, _ why: String?) -> Observation {
        Observation(
            report: BundleProgress(
                reference: object.reference, outcome: .created,
                message: why.map { "not checked by the API server: \($0)" } ?? ""),
            after: object)
    }

    private func change(
        of live: KubernetesObject, to wanted: KubernetesObject, _ ignored: [FieldPath]
    ) async throws -> Observation {
        let manager = options.fieldManager
        let isOurs = applier.isOurs(live)
        if wasApplied, isOurs, await api.settled.contains(wanted, live: live, manager: manager) {
            return Observation(report: BundleProgress(reference: wanted.reference, outcome: .unchanged))
        }
        do {
            let (after, message) = try await asked(wanted, live, isOurs)
            // Where nothing may be rehearsed, drift is not seen, which is to be known, and what is to come cannot be shown.
            return Observation(
                report: BundleProgress(
                    reference: wanted.reference, outcome: after == nil && wasApplied ? .kept : .configured,
                    message: message),
                before: live, after: after, wanted: isOurs && after != nil ? wanted : nil, sent: wanted,
                ignored: ignored)
        } catch let error as KubernetesError {
            let fields = ImmutableFields.fields(in: error)
            guard !fields.isEmpty else { throw error }
            var refusal = applier.replacementRefusal(of: wanted)
            if refusal == nil { refusal = try await applier.replacementLoss(of: wanted, live: live) }
            if let refusal {
                var refused = error
                refused.message = ObjectApplier.immutability(of: fields, refusal, error)
                throw refused
            }
            return Observation(
                report: BundleProgress(
                    reference: wanted.reference, outcome: .replaced,
                    message: "\(fields.joined(separator: ", ")) cannot be changed: deleted and created again"),
                sent: wanted)
        }
    }

    /// The server's answer, nil where a webhook lets it give none; without force on first contact, as applying does.
    private func asked(
        _ wanted: KubernetesObject, _ live: KubernetesObject, _ isOurs: Bool
    ) async throws -> (KubernetesObject?, String) {
        guard isOurs else {
            let adoption = try await applier.adoption(of: wanted, live: live)
            return (adoption.answer, adoption.message)
        }
        do {
            return (try await applier.rehearse(wanted, live: live, isForced: true), "")
        } catch let error as KubernetesError {
            guard let webhook = error.webhookRefusingDryRuns else { throw error }
            let advice = KubernetesError.dryRunAdvice(webhook)
            return (nil, wasApplied ? "drift is not seen: \(advice)" : "not checked by the API server: \(advice)")
        }
    }

    private func failure(of object: KubernetesObject, _ error: KubernetesError) -> Observation {
        Observation(
            report: BundleProgress(
                reference: object.reference, outcome: .failed,
                message: error.message, isTransient: error.isTransient,
                reason: error.reason))
    }

    // MARK: Hooks

    /// Looks at the hooks of one moment. One that has run to success is not run again.
    func look(
        at hooks: [Hook], _ moment: Hook.Moment, _ stored: InventoryStore.Record, _ mask: inout SecretMask
    ) async throws -> [BundleProgress] {
        var reports: [BundleProgress] = []
        for hook in hooks where hook.moment == moment {
            if let reason = hook.reasonToSkip(stored, isReturn: options.isReturn) {
                var done = BundleProgress(
                    reference: hook.object.reference, outcome: .unchanged, message: "\(moment.rawValue) hook \(reason)")
                done.isHook = true
                reports.append(done)
                continue
            }
            var report = try await look(at: hook, &mask)
            report.isHook = true
            if report.outcome != .failed {
                report.outcome = .created
                let word = report.message.isEmpty ? "" : "; \(report.message)"
                report.message = "\(moment.rawValue) hook, at most \(hook.timeout.components.seconds) s\(word)"
            }
            reports.append(report)
        }
        return reports
    }

    private func look(at hook: Hook, _ mask: inout SecretMask) async throws -> BundleProgress {
        do {
            if let live = try await api.get(hook.object.reference) {
                let runner = HookRunner(
                    api: api, options: options, ours: applier.ours, uids: applier.uids, holders: applier.holders)
                if let problem = runner.problem(with: live, for: hook, applier) {
                    return BundleProgress(
                        reference: hook.object.reference, outcome: .failed,
                        message: "\(hook.moment.rawValue) hook: \(problem)")
                }
                // The one that is there is deleted first, so there is nothing to compare with.
                return BundleProgress(
                    reference: hook.object.reference, outcome: .created,
                    message: "the former run's \(hook.object.kind) is deleted first")
            }
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            return failure(of: hook.object, error).report
        }
        return judge(try await observation(of: hook.object, .absent), &mask)
    }
}
