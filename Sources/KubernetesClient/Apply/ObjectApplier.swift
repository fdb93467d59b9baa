internal import KubernetesObjects

/// Applies one object: reads, compares the server's own preview with it, and sends only what differs.
struct ObjectApplier: Sendable {
    let api: KubernetesAPI
    let options: BundleOptions
    /// What was applied before, as the inventory has it: it stays ours though others may have written every field of it.
    var ours: Set<ObjectIdentity> = []
    /// The server's own names of what was applied before, where they were noted: another object of the same name is not ours.
    var uids: [ObjectIdentity: String] = [:]
    /// API versions, as `group/version`, whose server comes with the bundle and may not be up yet.
    var awaitedVersions: Set<String> = []
    /// Which fields are left to whom.
    var policy: FieldPolicy
    /// Autoscalers that no bundle has.
    let scalers: ClusterScalers
    /// What other inventories hold.
    var holders: [ObjectIdentity: InventoryStore.OtherHold] = [:]
    /// From whom objects were taken, and wanted there still.
    var losers: [ObjectIdentity: String] = [:]
    /// Whether what others are only giving up was there before it was applied the first time.
    var origins: [ObjectIdentity: Bool] = [:]
    /// What may be deleted and made again though its manifest does not say so: the bundle that is taken back said it.
    var replaceable: Set<ObjectIdentity> = []
    /// Jobs and hooks that have run to success.
    var finished = FinishedWork()
    /// Called before the first write to an object that was there before.
    var onAdoption: @Sendable (KubernetesObject) async throws -> Void = { _ in }
    /// Called before an object is taken over from another inventory.
    var onTakeover: @Sendable (ObjectReference, InventoryStore.OtherHold) async throws -> Void = { _, _ in }
    /// Whether another inventory has taken an object over, asked where one is about to.
    var isTaken: @Sendable (ObjectIdentity) async throws -> Bool = { _ in false }

    init(api: KubernetesAPI, options: BundleOptions, ours: Set<ObjectIdentity> = [], plan: BundlePlan? = nil) {
        self.api = api
        self.options = options
        self.ours = ours
        self.scalers = ClusterScalers(api: api)
        self.policy = plan?.policy ?? FieldPolicy(options: options)
        self.awaitedVersions = plan?.extensionVersions ?? []
    }

    /// Applies an object; failures are outcomes.
    ///
    /// - Parameter seen: What is known of the live object from a list just read. It decides only that an object is to be
    ///   created or is as it should be; for anything else the object is read again.
    /// - Throws: `CancellationError` only.
    func apply(_ object: KubernetesObject, seen: LiveObjects.Observation = .unknown) async throws -> BundleProgress {
        do {
            let (report, warnings) = try await ServerWarnings.collecting { try await attempt(object, seen) }
            var told = report
            told.warnings = warnings
            return told
        } catch let left as HeldByOther {
            return left.report(on: object)
        } catch let error as UnreadObject {
            try Task.checkCancellation()
            var report = failure(of: object, error.error)
            report.isUntouched = true
            return report
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            var report = failure(of: object, error)
            if error.isNamespaceTerminating, let namespace = object.namespace ?? options.defaultNamespace {
                report.message += try await Termination(api: api).words(ofNamespace: namespace)
            }
            return report
        } catch let error as KubernetesObjectError {
            return BundleProgress(reference: object.reference, outcome: .failed, message: error.message)
        }
    }

    private func failure(of object: KubernetesObject, _ error: KubernetesError) -> BundleProgress {
        var report = BundleProgress(failureOf: object.reference, error, message: message(for: error))
        if error.code == .unknownKind, awaitedVersions.contains(object.apiVersion) {
            report.message += "; the APIService of \(object.apiVersion) comes with the bundle"
            report.isTransient = true
        }
        return report
    }

    private func message(for error: KubernetesError) -> String {
        let others = ApplyConflict.list(in: error).filter {
            !ApplyConflict.areSafeToForce([$0], applier: options.fieldManager)
        }
        return others.isEmpty ? error.message : Self.advice(on: others)
    }

    /// What to do about fields that others own.
    static func advice(on conflicts: [ApplyConflict]) -> String {
        "others own fields of it: \(ApplyConflict.summary(conflicts)); "
            + "leave those fields out (ignoreFields), hand them over, or adopt by force: adopt: force in the application, "
            + "or \(ObjectAnnotations().adopt): force on the object, and make a release with it"
    }

    /// Why an object may not be deleted and created again to change it, and what to do instead; nil where it may.
    func replacementRefusal(of wanted: KubernetesObject) -> String? {
        if !KindTable.facts(of: wanted.type.groupKind).isReplaceable {
            return "a \(wanted.kind) is never deleted to change it"
        }
        let isReplaceable =
            wanted.annotations[options.annotations.replace] == "allow"
            || options.takesBack && replaceable.contains(wanted.reference.identity)
        guard isReplaceable else {
            return "give the object another name, or annotate it \(options.annotations.replace): allow to delete and "
                + "create it"
        }
        return nil
    }

    /// What an operator reads of fields that cannot change: what to do, and what the server said, which may tell more.
    static func immutability(of fields: [String], _ advice: String, _ error: KubernetesError) -> String {
        "\(fields.joined(separator: ", ")) cannot be changed once set; \(advice)"
            + (error.serverMessage.map { " (the API server: \($0))" } ?? "")
    }

    private func attempt(_ object: KubernetesObject, _ seen: LiveObjects.Observation) async throws -> BundleProgress {
        var seen = seen
        var attempts = 0
        // Whether of several servers behind one address one is behind the others: then it may be in its discovery, too.
        var isBehind = false
        while true {
            do {
                return try await once(object, seen)
            } catch let error as KubernetesError where error.code == .unknownKind && isBehind && attempts < 4 {
                attempts += 1
                try await pause(before: attempts)
            } catch let error as KubernetesError
                where (error.status == 409 || error.isPathUnserved) && attempts < 4
            {
                // Somebody wrote or created in between, or a quota was counted at the same moment: read again. A conflict
                // over fields is for people, unless the object was not there a moment ago.
                guard error.isTransient || error.reason == "AlreadyExists" || error.isPathUnserved || seen.isAbsent
                else { throw error }
                isBehind = isBehind || error.isPathUnserved
                seen = .unknown
                attempts += 1
                try await pause(before: attempts)
            } catch let error as UnreadObject
                where (error.error.isPathUnserved || error.error.code == .unknownKind && isBehind) && attempts < 4
            {
                isBehind = true
                attempts += 1
                try await pause(before: attempts)
            }
        }
    }

    private func pause(before attempt: Int) async throws {
        let delay = Duration.milliseconds(100 * (1 << attempt))
        try await api.options.clock.sleep(for: delay * (0.5 + api.options.chance() / 2))
    }

    private func once(_ object: KubernetesObject, _ seen: LiveObjects.Observation) async throws -> BundleProgress {
        if let why = options.untouched[object.reference.identity] {
            return BundleProgress(reference: object.reference, outcome: .unchanged, message: why)
        }
        switch seen {
        case .absent: return try await create(object)
        case .present(let live):
            // A list is read a moment before; that is good enough for what is ours and stays.
            guard live.deletionTimestamp == nil, isOurs(live) else {
                return try await once(object, .unknown)
            }
            return try await changeOrLeave(object, live: live)
        case .unknown:
            guard let live = try await read(object.reference) else {
                return try await create(object)
            }
            guard live.deletionTimestamp == nil else {
                try await waitUntilGone(live)
                var report = try await create(object)
                report.message = "the old one was terminating"
                return report
            }
            return try await changeOrLeave(object, live: live)
        }
    }

    private func changeOrLeave(_ object: KubernetesObject, live: KubernetesObject) async throws -> BundleProgress {
        guard let left = leftAsMade(object, live) else { return try await change(object, live: live) }
        try await noteMade(object, live)
        return left
    }

    /// Whether an object was applied before, so that its fields are taken back from whoever wrote them.
    func isOurs(_ live: KubernetesObject) -> Bool {
        if FieldLedger(live).isApplied(by: options.fieldManager) { return true }
        let identity = live.reference.identity
        return ours.contains(identity) && ObjectMark(uid: uids[identity]).sameness(with: live) != .another
    }

    private func create(_ object: KubernetesObject) async throws -> BundleProgress {
        let ignored = try policy.left(of: object)
        if isFinished(object) {
            return BundleProgress(reference: object.reference, outcome: .unchanged, message: "finished and gone")
        }
        let (identity, holder) = (object.reference.identity, holders[object.reference.identity])
        if let left = HeldByOther(missing: holder, isOurs: ours.contains(identity), options) { throw left }
        let wanted = try policy.sent(object, live: nil, left: ignored)
        let created = try await api.apply(wanted, ApplyOptions(fieldManager: options.fieldManager))
        options.evidence.sent(created)
        await api.settled.remember(wanted, live: created, answer: created, manager: options.fieldManager)
        var report = marked(BundleProgress(reference: object.reference, outcome: .created), created)
        var notes = policy.notes(on: object, left: ignored, sent: wanted)
        if let holder, !holder.isPending {
            notes.append("application \(holder.name) has it, too: take it out of one of the two")
        }
        report.message = notes.joined(separator: "; ")
        return report
    }

    /// A report that says which object it was.
    func marked(_ report: BundleProgress, _ live: KubernetesObject) -> BundleProgress {
        var marked = report
        marked.uid = live.uid
        marked.isBare = !FieldLedger(live).isApplied(by: options.fieldManager)
        return marked
    }

    private func change(_ object: KubernetesObject, live: KubernetesObject) async throws -> BundleProgress {
        options.evidence.looked(atWork: live)
        let ignored = try await left(of: object, live: live)
        // What others applied is handed over to us before it is written: a field left out would go, as one of ours would.
        let wanted = try policy.sent(object, live: isOurs(live) ? live : handedOver(live, object), left: ignored)
        let paths = ignored.map { FieldPolicy.counterpart(of: $0.path, in: object.json, live.json) ?? $0.path }
        do {
            var report =
                isOurs(live)
                ? try await update(wanted, live: live, ignored: paths)
                : try await adopt(wanted, live: live, ignored: paths)
            let notes = policy.notes(on: object, left: ignored, sent: wanted)
            report.message = ([report.message].filter { !$0.isEmpty } + notes).joined(separator: "; ")
            return report
        } catch let error as KubernetesError {
            let fields = ImmutableFields.fields(in: error)
            if fields.isEmpty { throw error }
            guard isOurs(live) || options.isForced(wanted) else {
                var refused = error
                refused.message =
                    "\(fields.joined(separator: ", ")) cannot be changed, and it was there before and is somebody else's: replacing "
                    + "it takes \(options.annotations.adopt): force beside \(options.annotations.replace): allow"
                throw refused
            }
            _ = try await claim(wanted, [])
            return try await replace(wanted, live: live, fields: fields, error)
        }
    }

    /// An object as it is once what others have of it from manifests has become ours.
    private func handedOver(_ live: KubernetesObject, _ wanted: KubernetesObject) -> KubernetesObject {
        guard let fields = takingOver(live, wanted) else { return live }
        var handed = live
        handed.setMetadata("managedFields", fields)
        return handed
    }

    private func update(
        _ wanted: KubernetesObject, live: KubernetesObject, ignored: [FieldPath]
    ) async throws -> BundleProgress {
        let manager = options.fieldManager
        let unchanged = marked(BundleProgress(reference: wanted.reference, outcome: .unchanged), live)
        let isToRunAgain = isToRunAgain(live)
        if !isToRunAgain, await api.settled.contains(wanted, live: live, manager: manager) {
            options.evidence.found(live)
            return unchanged
        }
        var mask = SecretMask()
        var changes: [FieldChange] = []
        var unrehearsed: String?
        do {
            let preview = try await rehearse(wanted, live: live, isForced: true)
            changes = ObjectDifference.changes(from: live, to: preview, ignoring: ignored, mask: &mask)
            guard !changes.isEmpty else {
                if isToRunAgain { return try await runAgain(wanted, live) }
                options.evidence.found(live)
                await api.settled.remember(wanted, live: live, answer: preview, manager: manager)
                return unchanged
            }
        } catch let error as KubernetesError {
            guard let webhook = error.webhookRefusingDryRuns else { throw error }
            unrehearsed = "applied without a rehearsal: \(KubernetesError.dryRunAdvice(webhook))"
        }
        let taken = try await claim(wanted, changes)
        try await hand(fieldsToHand(of: live, for: wanted, takingOver: nil), of: live)
        let applied = try await api.apply(wanted, ApplyOptions(fieldManager: manager, force: true))
        options.evidence.sent(applied, over: live)
        await api.settled.remember(wanted, live: applied, answer: applied, manager: manager)
        if unrehearsed != nil {
            changes = ObjectDifference.changes(from: live, to: applied, ignoring: ignored, mask: &mask)
        }
        return marked(
            BundleProgress(
                reference: wanted.reference, outcome: changes.isEmpty ? .unchanged : .configured,
                message: [taken, unrehearsed].compactMap { $0 }.joined(separator: "; "), changes: changes), applied)
    }

    /// Makes sure that nobody else holds an object that is to be changed: two who hold it would write against each other for ever.
    ///
    /// - Returns: From whom it is taken, where it is taken by force.
    /// - Throws: ``UnreadObject`` that names the other holder; ``HeldByOther`` where it is left to that one.
    func claim(_ wanted: KubernetesObject, _ changes: [FieldChange]) async throws -> String? {
        guard let holder = try await presentHolder(of: wanted) else { return nil }
        if let left = HeldByOther(holder, of: wanted, options) { throw left }
        if let refusal = refusal(of: wanted, for: holder, changes) {
            throw UnreadObject(error: KubernetesError(code: .invalidInput, message: refusal))
        }
        try await onTakeover(wanted.reference, holder)
        return takeoverWords(from: holder)
    }

    /// Who else holds an object. One who only means to bring what was applied here has yet to take it over, or to leave it.
    func holder(of wanted: KubernetesObject) -> InventoryStore.OtherHold? {
        let identity = wanted.reference.identity
        return holders[identity].flatMap { $0.isPending && ours.contains(identity) ? nil : $0 }
    }

    /// Who else holds an object now: one who only meant to bring it may have taken it over since anybody looked.
    private func presentHolder(of wanted: KubernetesObject) async throws -> InventoryStore.OtherHold? {
        let identity = wanted.reference.identity
        guard var holder = holders[identity] else { return nil }
        guard holder.isPending, ours.contains(identity) else { return holder }
        if try await !isTaken(identity) { return nil }
        holder.isPending = false
        return holder
    }

    func takeoverWords(from holder: InventoryStore.OtherHold) -> String {
        "taken over from application \(holder.name)"
    }

    /// Why an object that another inventory holds is not changed; nil where it may be.
    func holdRefusal(of wanted: KubernetesObject, _ changes: [FieldChange]) -> String? {
        holder(of: wanted).flatMap { refusal(of: wanted, for: $0, changes) }
    }

    private func refusal(
        of wanted: KubernetesObject, for holder: InventoryStore.OtherHold, _ changes: [FieldChange]
    ) -> String? {
        if options.takesOver, options.isForced(wanted) { return nil }
        let fields = changes.prefix(3).map(\.path.description).joined(separator: ", ")
        let what = fields.isEmpty ? "" : ", and has other values at \(fields)\(changes.count > 3 ? " …" : "")"
        return
            "application \(holder.name) holds it\(what); take it out of one of the two, or take it over: adopt: force "
            + "in the application, or \(options.annotations.adopt): force on the object, and make a release with it"
    }

    private func replace(
        _ wanted: KubernetesObject, live: KubernetesObject, fields: [String], _ error: KubernetesError
    ) async throws -> BundleProgress {
        let names = fields.joined(separator: ", ")
        if isFinished(wanted) {
            return marked(
                BundleProgress(
                    reference: wanted.reference, outcome: .unchanged,
                    message: "has run already; what is there is of another release"), live)
        }
        if let advice = replacementRefusal(of: wanted) {
            var refused = error
            refused.message = Self.immutability(of: fields, advice, error)
            throw refused
        }
        if let reason = try await replacementLoss(of: wanted, live: live) {
            var refused = error
            refused.message = Self.immutability(of: fields, reason, error)
            throw refused
        }
        _ = try await api.delete(live.reference, DeleteOptions(uid: live.uid, propagation: .background))
        try await waitUntilGone(live)
        let created = try await api.apply(wanted, ApplyOptions(fieldManager: options.fieldManager))
        options.evidence.sent(created)
        await api.settled.remember(wanted, live: created, answer: created, manager: options.fieldManager)
        return marked(
            BundleProgress(reference: wanted.reference, outcome: .replaced, message: "\(names) changed"), created)
    }

    /// Waits until an object is gone, or another one has its name.
    func waitUntilGone(_ object: KubernetesObject) async throws {
        var seen = object
        do {
            try await api.poll(
                every: .milliseconds(100), atMost: options.settleTimeout, what: "\(object.reference) to be gone"
            ) {
                guard let current = try await api.get(object.reference), current.uid == object.uid else { return true }
                seen = current
                return false
            }
        } catch var error as KubernetesError where error.code == .notReached {
            error.message += ": it is \(try await Termination(api: api).words(on: seen))"
            throw error
        }
    }
}
