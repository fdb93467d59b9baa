internal import KubernetesObjects

/// What a release makes where it is missing, and leaves as it is otherwise.
extension ObjectApplier {
    /// What is said of an object that was made already, whoever made it; nil where it is to be applied.
    func leftAsMade(_ object: KubernetesObject, _ live: KubernetesObject) -> BundleProgress? {
        guard options.annotations.isMadeOnce(object), live.deletionTimestamp == nil else { return nil }
        let report = BundleProgress(
            reference: object.reference, outcome: .unchanged, message: "is there, and made once only: left as it is")
        return isOurs(live) ? marked(report, live) : report
    }

    /// Notes of an object that is left as it was made what keeps it from being deleted: that somebody else made it; or what its
    /// release says, where it was brought by one that did not say so yet.
    func noteMade(_ object: KubernetesObject, _ live: KubernetesObject) async throws {
        guard isOurs(live) else { return try await onAdoption(live) }
        let key = options.annotations.prune
        guard object.annotations[key] == "keep", holders[live.reference.identity] == nil else { return }
        var noted = live
        if live.annotations[key] != "keep" {
            noted = try await api.patch(
                live.reference, .merge(["metadata": ["annotations": [key: "keep"]]]), fieldManager: options.fieldManager
            )
        }
        // As of an apply: a release that no longer says it takes it away.
        let path = FieldPath.root.appending("metadata").appending("annotations").appending(key)
        let ledger = FieldLedger(noted)
        guard ledger.isUpdated(path, by: options.fieldManager) else { return }
        do {
            try await hand(ledger.handing(path, to: options.fieldManager), of: noted)
        } catch let error as KubernetesError where error.status == 409 {
            // Whoever wrote in between changed nothing of it; it is tried again by the next look.
        }
    }
}
