internal import KubernetesObjects

/// Runs hooks: Jobs and Pods that must have succeeded before the bundle goes on.
struct HookRunner: Sendable {
    let api: KubernetesAPI
    let options: BundleOptions
    /// What was applied before, and the server's own names of it.
    var ours: Set<ObjectIdentity> = []
    var uids: [ObjectIdentity: String] = [:]
    /// What other applications hold, or are bringing.
    var holders: [ObjectIdentity: InventoryStore.OtherHold] = [:]

    private var digestAnnotation: String { "\(options.annotations.prefix)/hook-digest" }

    /// Runs a hook; failures are outcomes. What is to be done with what ran then is for ``cleanUp(after:_:)``.
    ///
    /// - Throws: `CancellationError` only.
    func run(_ hook: Hook) async throws -> BundleProgress {
        do {
            return try await attempt(hook)
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            return BundleProgress(
                failureOf: hook.object.reference, error, message: "\(hook.moment.rawValue) hook: \(error.message)")
        }
    }

    private func attempt(_ hook: Hook) async throws -> BundleProgress {
        var applier = ObjectApplier(api: api, options: options, ours: ours)
        applier.uids = uids
        if let live = try await api.get(hook.object.reference) {
            if let problem = problem(with: live, for: hook, applier) {
                var refused = BundleProgress(
                    reference: hook.object.reference, outcome: .failed,
                    message: "\(hook.moment.rawValue) hook: \(problem)")
                // Nobody is to take it for this application's because it would have liked to have it.
                refused.isUntouched = true
                return refused
            }
            let context = HealthContext(now: options.now())
            let hasFailed = HealthAssessment(of: live, context: context).value == .failed
            // One that is under way was started before an interruption: it goes on.
            if live.annotations[digestAnnotation] != hook.digest || hasFailed || live.deletionTimestamp != nil {
                _ = try await api.delete(live.reference, DeleteOptions(uid: live.uid))
                try await applier.waitUntilGone(live)
            }
        }
        var object = hook.object
        object.annotations[digestAnnotation] = hook.digest
        // While it is awaited it stays: of one that went by itself nobody could say how it ended.
        object.spec?["ttlSecondsAfterFinished"] = nil
        let applied = try await applier.apply(object)
        guard applied.outcome != .failed else { return applied }
        let failure = try await HealthWait(api: api, options: options, awaitsEnds: true).wait(
            for: [object], atMost: hook.timeout
        ).first
        // What was awaited by its name says nothing of this one.
        if let live = try await api.get(hook.object.reference), let uid = applied.uid, live.uid != uid {
            return BundleProgress(
                reference: object.reference, outcome: .failed,
                message: "\(hook.moment.rawValue) hook: somebody else made another one of its name meanwhile")
        }
        guard let failure else {
            var report = applied
            report.message = "\(hook.moment.rawValue) hook succeeded"
            report.changes = []
            return report
        }
        let late = failure.assessment.value == .failed ? "" : "not done within \(hook.timeout.components.seconds) s: "
        var report = BundleProgress(
            reference: object.reference, outcome: .failed,
            message: "\(hook.moment.rawValue) hook: \(late)\(failure.assessment.message)")
        report.uid = applied.uid
        return report
    }

    /// Why what is there under a hook's name may not be deleted to run the hook; nil where it may.
    ///
    /// Not by an annotation, which anybody may write, or copy; and what another application has, or is bringing, may be running for it.
    func problem(with live: KubernetesObject, for hook: Hook, _ applier: ObjectApplier) -> String? {
        guard applier.isOurs(live) else {
            return "a \(live.kind) of this name is there that is others'; give it another name"
        }
        let identity = live.reference.identity
        guard let other = holders[identity] else { return nil }
        // One that another only means to bring, while this very one was applied here, or is this very hook, under way.
        let isApplied = ours.contains(identity) && ObjectMark(uid: uids[identity]).sameness(with: live) == .same
        if other.isPending, isApplied || live.annotations[digestAnnotation] == hook.digest { return nil }
        return "application \(other.name) has a \(live.kind) of this name; give the hook another name"
    }

    /// Deletes a hook's object as its policy says, or lets it go by itself as its manifest says, once it is recorded how it ended.
    /// It is in the inventory: what fails here is made good when that is pruned. One that the report does not name was not
    /// started here, and is not touched.
    ///
    /// - Throws: `CancellationError` only.
    func cleanUp(after hook: Hook, _ report: BundleProgress) async throws {
        let hasSucceeded = report.outcome != .failed
        guard let uid = report.uid else { return }
        do {
            if hook.deletePolicy == .always || (hook.deletePolicy == .onSuccess && hasSucceeded) {
                _ = try await api.delete(hook.object.reference, DeleteOptions(uid: uid))
            } else if let lifetime = hook.object.spec?["ttlSecondsAfterFinished"],
                try await api.get(hook.object.reference)?.uid == uid
            {
                // Of a Job that is gone meanwhile nothing is made again.
                _ = try await api.patch(
                    hook.object.reference, .merge(["spec": ["ttlSecondsAfterFinished": lifetime]]),
                    fieldManager: options.fieldManager)
            }
        } catch is KubernetesError {
            try Task.checkCancellation()
        }
    }

    /// Ends a hook that is still under way: what undoes its work must not run beside it.
    ///
    /// - Throws: `CancellationError` only.
    func stop(_ hook: Hook) async throws {
        do {
            guard let live = try await api.get(hook.object.reference),
                live.annotations[digestAnnotation] == hook.digest,
                WorkloadHealth.end(of: live) == nil
            else { return }
            _ = try await api.delete(live.reference, DeleteOptions(uid: live.uid, propagation: .foreground))
            try await ObjectApplier(api: api, options: options).waitUntilGone(live)
        } catch is KubernetesError {
            try Task.checkCancellation()
        }
    }

    /// Takes away what a hook left behind that has run and is to run again.
    ///
    /// - Returns: Why that cannot be done; nil where it is done.
    /// - Throws: `CancellationError` only.
    func clear(_ hook: Hook) async throws -> BundleProgress? {
        do {
            guard let live = try await api.get(hook.object.reference),
                live.annotations[digestAnnotation] == hook.digest,
                FieldLedger(live).isApplied(by: options.fieldManager)
            else { return nil }
            _ = try await api.delete(live.reference, DeleteOptions(uid: live.uid))
            try await ObjectApplier(api: api, options: options).waitUntilGone(live)
            return nil
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            return BundleProgress(
                failureOf: hook.object.reference, error, message: "\(hook.moment.rawValue) hook: \(error.message)")
        }
    }

    /// Makes a hook that has run to success run again the next time.
    ///
    /// - Throws: `CancellationError` only.
    func forget(_ hook: Hook) async throws {
        do {
            guard let live = try await api.get(hook.object.reference),
                live.annotations[digestAnnotation] == hook.digest,
                FieldLedger(live).isApplied(by: options.fieldManager)
            else { return }
            _ = try await api.patch(
                hook.object.reference, .merge(["metadata": ["annotations": [digestAnnotation: ""]]]),
                fieldManager: options.fieldManager)
        } catch is KubernetesError {
            try Task.checkCancellation()
        }
    }
}
