public import KubernetesObjects

/// Jobs that have ended, and what becomes of them when their bundle is applied again.
extension ObjectApplier {
    /// Whether an object that is not there is a Job, or another that runs to an end, that has done its work: whatever took it away, it is
    /// not to run again. A pod may be gone for other reasons, and has done its work only where it was seen to.
    func isFinished(_ object: KubernetesObject) -> Bool {
        let type = object.type.groupKind
        if type == GroupKind(kind: "Pod") {
            return !options.repeatsFinishedJobs && options.evidence.hasEndedWell(object.reference.identity)
        }
        guard object.isDoneOnce else { return false }
        if finished.contains(Hook.digest(of: object, scope: options.hookScope)) { return true }
        return !options.repeatsFinishedJobs
            && (object.spec?["ttlSecondsAfterFinished"] != nil || ours.contains(object.reference.identity))
    }

    /// Whether a Job has failed and is to run again: one whose uid was looked up for this very order, that this manager applied, and
    /// that nobody else holds. Whether it is noted does not count: an apply that was cut wrote nothing of what it had made by then.
    func isToRunAgain(_ live: KubernetesObject) -> Bool {
        guard let uid = live.uid, options.repeatedJobs.contains(uid), live.isFailedJob else { return false }
        let identity = live.reference.identity
        guard holders[identity] == nil else { return false }
        return FieldLedger(live).isApplied(by: options.fieldManager)
            || ours.contains(identity) && ObjectMark(uid: uids[identity]).sameness(with: live) == .same
    }

    /// Deletes a Job that has failed, and makes it again as it is wanted.
    func runAgain(_ wanted: KubernetesObject, _ live: KubernetesObject) async throws -> BundleProgress {
        _ = try await api.delete(live.reference, DeleteOptions(uid: live.uid, propagation: .background))
        try await waitUntilGone(live)
        let created = try await api.apply(wanted, ApplyOptions(fieldManager: options.fieldManager))
        options.evidence.sent(created)
        await api.settled.remember(wanted, live: created, answer: created, manager: options.fieldManager)
        return marked(
            BundleProgress(
                reference: wanted.reference, outcome: .replaced, message: "it had failed, and is run again"), created)
    }
}

extension KubernetesObject {
    /// Whether it is a Job that has failed for good.
    public var isFailedJob: Bool {
        type.groupKind == ObjectAnnotations.job && WorkloadHealth.end(ofJob: self)?.value == .failed
    }
}
