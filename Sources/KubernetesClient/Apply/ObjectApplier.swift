internal import KubernetesObjects

/// Applies one object: reads, compares the server's own preview with it, and sends only what differs.
struct ObjectApplier: Sendable {
    let api: KubernetesAPI
    let options: BundleOptions
    /// What was applied before, as the inventory has it: it stays ours though others may have written every field of it.
    var ours: Set<ObjectIdentity> = []
    /// API versions, as `group/version`, whose server comes with the bundle and may not be up yet.
    var awaitedVersions: Set<String> = []
    /// Called before the first write to an object that was there before.
    var onAdoption: @Sendable (KubernetesObject) async throws -> Void = { _ in }

    private static let irreplaceable: Set<GroupKind> = [
        GroupKind(kind: "Namespace"), GroupKind(group: "apiextensions.k8s.io", kind: "CustomResourceDefinition"),
        GroupKind(kind: "PersistentVolumeClaim"), GroupKind(group: "apps", kind: "StatefulSet"),
    ]

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
        } catch let error as UnreadObject {
            try Task.checkCancellation()
            var report = failure(of: object, error.error)
            report.isUntouched = true
            return report
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            return failure(of: object, error)
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
            + "leave those fields out, hand them over, or adopt by force"
    }

    /// Why an object may not be deleted and created again to change it, and what to do instead; nil where it may.
    func replacementRefusal(of wanted: KubernetesObject) -> String? {
        if ObjectApplier.irreplaceable.contains(wanted.type.groupKind) {
            return "a \(wanted.kind) is never deleted to change it"
        }
        guard wanted.annotations[options.annotations.replace] == "allow" else {
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
        let ignored = try options.ignoredPaths(of: object)
        switch seen {
        case .absent: return try await create(object, ignored: ignored)
        case .present(let live):
            // A list is read a moment before; that is good enough for what is ours and stays.
            guard live.deletionTimestamp == nil, isOurs(live) else {
                return try await once(object, .unknown)
            }
            return try await change(object, live: live, ignored: ignored)
        case .unknown:
            guard let live = try await read(object.reference) else {
                return try await create(object, ignored: ignored)
            }
            guard live.deletionTimestamp == nil else {
                try await waitUntilGone(live)
                var report = try await create(object, ignored: ignored)
                report.message = "the old one was terminating"
                return report
            }
            return try await change(object, live: live, ignored: ignored)
        }
    }

    /// Whether an object was applied before, so that its fields are taken back from whoever wrote them.
    func isOurs(_ live: KubernetesObject) -> Bool {
        FieldOwnership.isApplied(live, by: options.fieldManager) || ours.contains(live.reference.identity)
    }

    private func read(_ reference: ObjectReference) async throws -> KubernetesObject? {
        do {
            return try await api.get(reference)
        } catch let error as KubernetesError {
            throw UnreadObject(error: error)
        }
    }

    private func create(_ object: KubernetesObject, ignored: [FieldPath]) async throws -> BundleProgress {
        if !options.repeatsFinishedJobs, object.spec?["ttlSecondsAfterFinished"] != nil {
            return BundleProgress(reference: object.reference, outcome: .unchanged, message: "finished and gone")
        }
        let wanted = try sent(object, live: nil, ignored: ignored)
        let created = try await api.apply(wanted, ApplyOptions(fieldManager: options.fieldManager))
        options.evidence.sent(created)
        await api.settled.remember(wanted, live: created, answer: created, manager: options.fieldManager)
        return BundleProgress(reference: object.reference, outcome: .created)
    }

    private func change(
        _ object: KubernetesObject, live: KubernetesObject, ignored: [FieldPath]
    ) async throws -> BundleProgress {
        let wanted = try sent(object, live: live, ignored: ignored)
        do {
            return isOurs(live)
                ? try await update(wanted, live: live, ignored: ignored)
                : try await adopt(wanted, live: live, ignored: ignored)
        } catch let error as KubernetesError {
            let fields = ImmutableFields.fields(in: error)
            if fields.isEmpty { throw error }
            return try await replace(wanted, live: live, fields: fields, error)
        }
    }

    /// What is sent of an object: all but fields that others own. One that only we own, from an earlier apply, goes along
    /// with its live value: dropping it would reset it to its default.
    func sent(
        _ object: KubernetesObject, live: KubernetesObject?, ignored: [FieldPath]
    ) throws -> KubernetesObject {
        var wanted = ManifestForm.applied(object)
        for path in ignored {
            let current = live?.value(at: path)
            if let live, let current, FieldOwnership.isOwnedAlone(path, of: live, by: options.fieldManager) {
                try wanted.set(current, at: path)
            } else {
                wanted.remove(at: path)
            }
        }
        return wanted
    }

    private func update(
        _ wanted: KubernetesObject, live: KubernetesObject, ignored: [FieldPath]
    ) async throws -> BundleProgress {
        let manager = options.fieldManager
        if await api.settled.contains(wanted, live: live, manager: manager) {
            options.evidence.found(live)
            return BundleProgress(reference: wanted.reference, outcome: .unchanged)
        }
        let preview = try await api.apply(wanted, ApplyOptions(fieldManager: manager, force: true, dryRun: true))
        var mask = SecretMask()
        let changes = ObjectDifference.changes(from: live, to: preview, ignoring: ignored, mask: &mask)
        guard !changes.isEmpty else {
            options.evidence.found(live)
            await api.settled.remember(wanted, live: live, answer: preview, manager: manager)
            return BundleProgress(reference: wanted.reference, outcome: .unchanged)
        }
        let applied = try await api.apply(wanted, ApplyOptions(fieldManager: manager, force: true))
        options.evidence.sent(applied)
        await api.settled.remember(wanted, live: applied, answer: applied, manager: manager)
        return BundleProgress(reference: wanted.reference, outcome: .configured, changes: changes)
    }

    /// What adopting an object would make of it, by the server's dry run, and whether fields are taken over from kubectl's
    /// client-side apply for it.
    ///
    /// - Throws: ``KubernetesError`` that names who else owns fields of it; nothing was written.
    func adoption(of wanted: KubernetesObject) async throws -> (answer: KubernetesObject, takesOver: Bool) {
        let manager = options.fieldManager
        if options.adoption == .force {
            return (
                try await api.apply(wanted, ApplyOptions(fieldManager: manager, force: true, dryRun: true)), false
            )
        }
        do {
            return (try await api.apply(wanted, ApplyOptions(fieldManager: manager, dryRun: true)), false)
        } catch let error as KubernetesError {
            let conflicts = ApplyConflict.list(in: error)
            let others = conflicts.filter { !ApplyConflict.areSafeToForce([$0], applier: manager) }
            guard !conflicts.isEmpty else { throw error }
            guard others.isEmpty else {
                var refused = error
                refused.message = Self.advice(on: others)
                throw refused
            }
            return (
                try await api.apply(wanted, ApplyOptions(fieldManager: manager, force: true, dryRun: true)), true
            )
        }
    }

    /// First contact with an object that is there already. Asked first: what is refused must not be ours by half, to be forced
    /// the next time, or deleted on the way back.
    private func adopt(
        _ wanted: KubernetesObject, live: KubernetesObject, ignored: [FieldPath]
    ) async throws -> BundleProgress {
        _ = try await adoption(of: wanted)
        try await onAdoption(live)
        var took = false
        if options.adoption == .reportConflicts,
            let fields = FieldOwnership.takingOverFromKubectl(live, manager: options.fieldManager)
        {
            // Naming the version read makes the server refuse when somebody wrote in between.
            var patch: JSONValue = ["metadata": ["managedFields": fields]]
            if let version = live.resourceVersion {
                try patch.set(.string(version), at: ["metadata", "resourceVersion"])
            }
            _ = try await api.patch(live.reference, .merge(patch))
            took = true
        }
        let force = options.adoption == .force
        let applied: KubernetesObject
        do {
            applied = try await api.apply(wanted, ApplyOptions(fieldManager: options.fieldManager, force: force))
        } catch let error as KubernetesError
            where ApplyConflict.areSafeToForce(ApplyConflict.list(in: error), applier: options.fieldManager)
        {
            applied = try await api.apply(wanted, ApplyOptions(fieldManager: options.fieldManager, force: true))
            took = true
        }
        options.evidence.sent(applied)
        var mask = SecretMask()
        let changes = ObjectDifference.changes(from: live, to: applied, ignoring: ignored, mask: &mask)
        return BundleProgress(
            reference: wanted.reference, outcome: changes.isEmpty ? .unchanged : .configured,
            message: took ? "taken over from kubectl apply" : "adopted", changes: changes)
    }

    private func replace(
        _ wanted: KubernetesObject, live: KubernetesObject, fields: [String], _ error: KubernetesError
    ) async throws -> BundleProgress {
        let names = fields.joined(separator: ", ")
        if let advice = replacementRefusal(of: wanted) {
            var refused = error
            refused.message = Self.immutability(of: fields, advice, error)
            throw refused
        }
        _ = try await api.delete(live.reference, DeleteOptions(uid: live.uid, propagation: .background))
        try await waitUntilGone(live)
        let created = try await api.apply(wanted, ApplyOptions(fieldManager: options.fieldManager))
        options.evidence.sent(created)
        await api.settled.remember(wanted, live: created, answer: created, manager: options.fieldManager)
        return BundleProgress(reference: wanted.reference, outcome: .replaced, message: "\(names) changed")
    }

    /// Waits until an object is gone, or another one has its name.
    func waitUntilGone(_ object: KubernetesObject) async throws {
        try await api.poll(
            every: .milliseconds(100), atMost: options.settleTimeout,
            what: "\(object.reference) to be gone\(waitsFor(object))"
        ) {
            guard let current = try await api.get(object.reference) else { return true }
            return current.uid != object.uid
        }
    }

    private func waitsFor(_ object: KubernetesObject) -> String {
        object.finalizers.isEmpty ? "" : " (it has finalizers: \(object.finalizers.joined(separator: ", ")))"
    }
}

/// An object could not be looked at, so nothing was done to it.
private struct UnreadObject: Error {
    var error: KubernetesError
}

extension KubernetesAPI {
    /// Asks again and again, at growing intervals, until something holds.
    ///
    /// - Throws: ``KubernetesError/Code/notReached`` when it does not in time.
    func poll(
        every first: Duration, atMost limit: Duration, what: String, until holds: () async throws -> Bool
    ) async throws {
        let started = ContinuousClock.now
        var interval = first
        while true {
            if try await holds() { return }
            guard started.duration(to: .now) < limit else {
                throw KubernetesError(code: .notReached, message: "waited \(limit.components.seconds) s for \(what)")
            }
            try await options.clock.sleep(for: interval)
            interval = min(interval * 2, .seconds(2))
        }
    }
}
