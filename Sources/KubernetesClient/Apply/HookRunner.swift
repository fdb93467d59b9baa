internal import KubernetesObjects

/// Runs hooks: Jobs that must have succeeded before the bundle goes on.
struct HookRunner: Sendable {
    let api: KubernetesAPI
    let options: BundleOptions

    private var digestAnnotation: String { "\(options.annotations.prefix)/hook-digest" }

    /// Runs a hook; failures are outcomes.
    ///
    /// - Parameter limit: How long it is awaited, where that is less than its own time.
    /// - Throws: `CancellationError` only.
    func run(_ hook: Hook, atMost limit: Duration? = nil) async throws -> BundleProgress {
        do {
            return try await attempt(hook, atMost: min(hook.timeout, limit ?? hook.timeout))
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            return BundleProgress(
                failureOf: hook.job.reference, error, message: "\(hook.moment.rawValue) hook: \(error.message)")
        }
    }

    private func attempt(_ hook: Hook, atMost limit: Duration) async throws -> BundleProgress {
        let applier = ObjectApplier(api: api, options: options)
        if let live = try await api.get(hook.job.reference) {
            let context = HealthContext(now: options.now())
            let hasFailed = HealthAssessment(of: live, context: context).value == .failed
            // One that is under way was started before an interruption: it goes on.
            if live.annotations[digestAnnotation] != hook.digest || hasFailed || live.deletionTimestamp != nil {
                _ = try await api.delete(live.reference, DeleteOptions(uid: live.uid))
                try await applier.waitUntilGone(live)
            }
        }
        var job = hook.job
        job.annotations[digestAnnotation] = hook.digest
        // While it is awaited it stays: of one that went by itself nobody could say how it ended.
        let lifetime = job.spec?["ttlSecondsAfterFinished"]
        job.spec?["ttlSecondsAfterFinished"] = nil
        let applied = try await applier.apply(job)
        guard applied.outcome != .failed else { return applied }
        let failures = try await HealthWait(api: api, options: options).wait(for: [job], atMost: limit)
        let failure = failures.first
        // One that is left to go on by itself also goes by itself, where it is to go.
        let isLeft = failure.map { $0.assessment.value != .failed && limit < hook.timeout } ?? false
        if !isLeft, hook.deletePolicy == .always || (hook.deletePolicy == .onSuccess && failure == nil) {
            _ = try await api.delete(job.reference)
        } else if lifetime != nil || isLeft && hook.deletePolicy != .never {
            job.spec?["ttlSecondsAfterFinished"] = lifetime ?? 3_600
            _ = try await api.apply(job, ApplyOptions(fieldManager: options.fieldManager, force: true))
        }
        guard let failure else {
            return BundleProgress(
                reference: job.reference, outcome: applied.outcome, message: "\(hook.moment.rawValue) hook succeeded")
        }
        let late = failure.assessment.value == .failed ? "" : "not done within \(limit.components.seconds) s: "
        return BundleProgress(
            reference: job.reference, outcome: .failed,
            message: "\(hook.moment.rawValue) hook: \(late)\(failure.assessment.message)")
    }
}
