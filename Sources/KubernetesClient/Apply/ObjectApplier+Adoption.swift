internal import KubernetesObjects

/// First contact with objects that were there before.
extension ObjectApplier {
    /// What adopting an object would make of it, by the server's dry run.
    struct AdoptionPreview: Sendable {
        /// Nil where a webhook lets nothing be rehearsed.
        var answer: KubernetesObject?
        /// What is done to whom, in words.
        var message = "adopted"
    }

    /// The managed fields of an object with those handed over that are taken; nil where none are. Drift is put back without: what others
    /// add stays theirs.
    func takingOver(_ live: KubernetesObject, _ wanted: KubernetesObject) -> JSONValue? {
        FieldLedger(live).takingOver(
            manager: options.fieldManager, isForced: options.takesOver && options.isForced(wanted))
    }

    /// What adopting an object would come to.
    ///
    /// - Throws: ``KubernetesError`` that names who else owns fields of it; nothing was written.
    func adoption(of wanted: KubernetesObject, live: KubernetesObject) async throws -> AdoptionPreview {
        var preview = try await rehearsed(wanted, live)
        guard options.takesOver, options.isForced(wanted) else { return preview }
        let tools = FieldLedger(live).toolsWithMore(than: wanted)
        if !tools.isEmpty {
            preview.message += "; what only \(tools.joined(separator: ", ")) has of it goes"
        }
        return preview
    }

    private func rehearsed(_ wanted: KubernetesObject, _ live: KubernetesObject) async throws -> AdoptionPreview {
        let manager = options.fieldManager
        do {
            return AdoptionPreview(answer: try await rehearse(wanted, live: live, isForced: false))
        } catch let error as KubernetesError {
            if let webhook = error.webhookRefusingDryRuns {
                return AdoptionPreview(message: "adopted without a rehearsal: \(KubernetesError.dryRunAdvice(webhook))")
            }
            let conflicts = ApplyConflict.list(in: error)
            let others = conflicts.filter { !ApplyConflict.areSafeToForce([$0], applier: manager) }
            guard !conflicts.isEmpty else { throw error }
            guard others.isEmpty || options.isForced(wanted) else {
                var refused = error
                refused.message = Self.advice(on: others)
                throw refused
            }
            return AdoptionPreview(
                answer: try await rehearse(wanted, live: live, isForced: true),
                message: others.isEmpty
                    ? "taken over from kubectl apply" : "taken by force: \(ApplyConflict.summary(others))")
        }
    }

    /// First contact with an object that is there already. Asked first: what is refused must not be ours by half, to be forced
    /// the next time, or deleted on the way back.
    func adopt(
        _ wanted: KubernetesObject, live: KubernetesObject, ignored: [FieldPath]
    ) async throws -> BundleProgress {
        let rehearsed = try await adoption(of: wanted, live: live)
        var message = rehearsed.message
        var mask = SecretMask()
        if let answer = rehearsed.answer, holders[wanted.reference.identity] != nil {
            let changes = ObjectDifference.changes(from: live, to: answer, ignoring: ignored, mask: &mask)
            if !changes.isEmpty, let taken = try await claim(wanted, changes) { message = taken }
        }
        try await onAdoption(live)
        let isForced = options.isForced(wanted)
        let taken = takingOver(live, wanted)
        try await hand(fieldsToHand(of: live, for: wanted, takingOver: taken), of: live)
        if taken != nil, message == "adopted", FieldLedger(live).takingOver(manager: options.fieldManager) != nil {
            message = "taken over from kubectl apply"
        }
        let applied: KubernetesObject
        do {
            applied = try await api.apply(wanted, ApplyOptions(fieldManager: options.fieldManager, force: isForced))
        } catch let error as KubernetesError
            where ApplyConflict.areSafeToForce(ApplyConflict.list(in: error), applier: options.fieldManager)
        {
            applied = try await api.apply(wanted, ApplyOptions(fieldManager: options.fieldManager, force: true))
            if message == "adopted" { message = "taken over from kubectl apply" }
        }
        options.evidence.sent(applied, over: live)
        let changes = ObjectDifference.changes(from: live, to: applied, ignoring: ignored, mask: &mask)
        return marked(
            BundleProgress(
                reference: wanted.reference, outcome: changes.isEmpty ? .unchanged : .configured, message: message,
                changes: changes), applied)
    }
}
