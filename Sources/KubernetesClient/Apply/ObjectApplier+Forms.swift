internal import KubernetesObjects

/// Objects of which a part is to take another form, beside which the server refuses what it filled in for the former one.
extension ObjectApplier {
    /// What the server would make of an object, by its dry run.
    ///
    /// What is in the way of another form cannot be taken away in a rehearsal. It is asked about in its present form, and the answer has
    /// the wanted one put in.
    func rehearse(_ wanted: KubernetesObject, live: KubernetesObject, isForced: Bool) async throws -> KubernetesObject {
        let options = ApplyOptions(fieldManager: options.fieldManager, force: isForced, dryRun: true)
        guard let form = formToClear(from: live, for: wanted, isForced: isForced),
            let type = wanted.value(at: form.typePath)
        else { return try await api.apply(wanted, options) }
        var asked = wanted
        try asked.set(live.value(at: form.typePath) ?? .string(form.form), at: form.typePath)
        var answer = try await api.apply(asked, options)
        answer.remove(at: form.path)
        try answer.set(type, at: form.typePath)
        return answer
    }

    /// The managed fields that an object is to have before it is written: with those that are taken over, and with what is in the way of
    /// another form, so that the apply takes it away. Nil where they may stay as they are.
    ///
    /// The write itself is then one: an object is never half of one form and half of the other, and no other kind of write of this
    /// manager's is left behind, that would hold the new form for ever.
    func fieldsToHand(of live: KubernetesObject, for wanted: KubernetesObject, takingOver taken: JSONValue?)
        -> JSONValue?
    {
        var handed = live
        if let taken { handed.setMetadata("managedFields", taken) }
        let isForced = isOurs(live) || options.isForced(wanted)
        guard let form = formToClear(from: handed, for: wanted, isForced: isForced) else { return taken }
        return FieldLedger(handed).handing(form.path, to: options.fieldManager)
    }

    /// Writes managed fields.
    ///
    /// - Throws: ``KubernetesError``, also where somebody wrote in between.
    func hand(_ fields: JSONValue?, of live: KubernetesObject) async throws {
        guard let fields else { return }
        var patch: JSONValue = ["metadata": ["managedFields": fields]]
        if let version = live.resourceVersion {
            try patch.set(.string(version), at: ["metadata", "resourceVersion"])
        }
        _ = try await api.patch(live.reference, .merge(patch))
    }

    /// What data would go with an object that is deleted and created again; nil for none, or where its manifest lets them go.
    func replacementLoss(of wanted: KubernetesObject, live: KubernetesObject) async throws -> String? {
        try await OwnedClaims(api: api, options: options).keepReason(
            of: live, isAllowed: wanted.annotations[options.annotations.prune] == "allow")
    }

    /// What of an object is in the way of the form that it is to have, and may be taken away. Without force only what is nobody else's:
    /// of the rest the server tells the conflict.
    private func formToClear(
        from live: KubernetesObject, for wanted: KubernetesObject, isForced: Bool
    ) -> FormMember? {
        guard let form = KindTable.facts(of: wanted.type.groupKind).form, form.isInTheWay(of: wanted, in: live) else {
            return nil
        }
        let ledger = FieldLedger(live)
        let isFree = [form.path, form.typePath].allSatisfy {
            ledger.writers(of: $0, beside: options.fieldManager).isEmpty
        }
        return isForced || isFree ? form : nil
    }
}
