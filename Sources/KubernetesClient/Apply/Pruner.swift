internal import KubernetesObjects

/// Deletes what a bundle no longer wants, object by object, each past every guard.
struct Pruner: Sendable {
    /// What became of one object.
    struct Outcome: Sendable {
        let progress: BundleProgress
        /// Whether the object stays in the inventory, to be tried again next time.
        let stays: Bool
        /// Whether another application is bringing it: from then on it is only noted here, so that who gives it up there does not leave
        /// it behind, and who has it there is not in anybody's way.
        var isGivenUp = false
        /// What goes once its finalizers are done, or what it runs has ended.
        var leaving: KubernetesObject?
        /// What was there before, and is to be given up.
        var givenUp: KubernetesObject?
        /// The application that it was taken from, and goes back to.
        var loser: String?
        /// What goes back.
        var live: KubernetesObject?
    }

    let api: KubernetesAPI
    let options: BundleOptions
    /// What is noted of the objects.
    var record = InventoryStore.Record()
    /// What was only meant to be applied, and may be somebody else's.
    var pending: Set<ObjectIdentity> = []
    /// What other inventories of the same manager hold.
    var heldByOthers: [ObjectIdentity: InventoryStore.OtherHold] = [:]
    /// From whom objects were taken, and wanted there still.
    var losers: [ObjectIdentity: String] = [:]
    /// The server's own names of what the bundle wants.
    var applied: Set<String> = []
    /// All that the bundle brought and brings: of what is found in a namespace, what is not others'.
    var known: Set<ObjectIdentity> = []
    /// What knows of the claims that would go along; nil to look again for each object.
    var claims: OwnedClaims?

    /// Deletes one object; failures are outcomes.
    ///
    /// - Parameter pruned: All that is deleted together with it, and nothing that was kept.
    /// - Throws: `CancellationError` only.
    func prune(_ reference: ObjectReference, pruned: Set<ObjectIdentity>) async throws -> Outcome {
        do {
            return try await attempt(reference, pruned: pruned)
        } catch let error as KubernetesError where error.code == .unknownKind {
            // The definition is gone, and its objects with it.
            return Outcome(
                progress: BundleProgress(reference: reference, outcome: .pruned, message: "its kind is gone"),
                stays: false)
        } catch let error as KubernetesError where error.code == .notAllowed {
            return Outcome(
                progress: BundleProgress(reference: reference, outcome: .kept, message: error.message), stays: true)
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            return Outcome(
                progress: BundleProgress(failureOf: reference, error, message: "not deleted: \(error.message)"),
                stays: true)
        }
    }

    /// What pruning an object would come to, by the server's dry run.
    ///
    /// - Returns: Nil where there is nothing left to delete.
    /// - Throws: `CancellationError` only.
    func preview(_ wanted: ObjectReference, pruned: Set<ObjectIdentity>) async throws -> BundleProgress? {
        do {
            switch try await judge(wanted, pruned: pruned) {
            case .gone: return nil
            case .kept(let outcome), .left(let outcome, _, _): return outcome.progress
            case .unwanted(let reference, let live):
                do {
                    _ = try await api.delete(reference, DeleteOptions(uid: live.uid, dryRun: true))
                } catch let error as KubernetesError where error.webhookRefusingDryRuns != nil {
                    // Whether it would refuse the deletion itself shows only then.
                }
                return BundleProgress(reference: wanted, outcome: .pruned, message: "no longer in the release")
            }
        } catch let error as KubernetesError where error.code == .unknownKind {
            return nil
        } catch let error as KubernetesError where error.code == .notAllowed {
            return BundleProgress(reference: wanted, outcome: .kept, message: error.message)
        } catch let error as KubernetesError {
            try Task.checkCancellation()
            return BundleProgress(
                reference: wanted, outcome: .failed, message: "cannot be deleted: \(error.message)",
                isTransient: error.isTransient, reason: error.reason)
        }
    }

    private func attempt(_ wanted: ObjectReference, pruned: Set<ObjectIdentity>) async throws -> Outcome {
        switch try await judge(wanted, pruned: pruned) {
        case .gone:
            return Outcome(
                progress: BundleProgress(reference: wanted, outcome: .pruned, message: "already gone"), stays: false)
        case .kept(let outcome): return outcome
        case .left(var outcome, let reference, let live):
            outcome.givenUp = live
            // A removal may have to be tried again, and would not know it any more.
            if !options.isRemoval { try await release(reference, live) }
            return outcome
        case .unwanted(let reference, let live): return try await delete(wanted, as: reference, live)
        }
    }

    /// What the guards say of an object.
    private enum Judgement {
        case gone
        case kept(Outcome)
        /// It was there before it was applied the first time, and is left as it stands.
        case left(Outcome, ObjectReference, KubernetesObject)
        /// It may be deleted, under the reference that the server knows it by.
        case unwanted(ObjectReference, KubernetesObject)
    }

    private func judge(_ wanted: ObjectReference, pruned: Set<ObjectIdentity>) async throws -> Judgement {
        let (reference, found) = try await look(for: wanted)
        guard let live = found else { return .gone }
        if let other = heldByOthers[wanted.identity] {
            // One that is only being brought there counts: until all of that is done, nobody would bring it back.
            let message = other.isPending ? "\(other.name) is bringing it, too" : "\(other.name) has it, too"
            let progress = BundleProgress(reference: wanted, outcome: .kept, message: message)
            return .kept(Outcome(progress: progress, stays: other.isPending, isGivenUp: other.isPending))
        }
        let isAnother =
            record.mark(of: wanted.identity).sameness(with: live) == .another
            && !FieldLedger(live).isApplied(by: options.fieldManager)
        if let loser = losers[wanted.identity], !isAnother {
            let message = "it goes back to application \(loser), from which it was taken"
            return .kept(
                Outcome(
                    progress: BundleProgress(reference: wanted, outcome: .kept, message: message), stays: false,
                    loser: loser, live: live))
        }
        if wasMoved(wanted.identity, live) {
            let progress = BundleProgress(
                reference: wanted, outcome: .kept, message: "the bundle has the very same object under another group")
            return .kept(Outcome(progress: progress, stays: false))
        }
        if isUnderWay(live) {
            let progress = BundleProgress(reference: wanted, outcome: .kept, message: "a hook that is under way")
            return .kept(Outcome(progress: progress, stays: true))
        }
        if let reason = PruneGuard.keepReason(
            live, annotations: options.annotations, fieldManager: options.fieldManager,
            isPending: pending.contains(wanted.identity), mark: record.mark(of: wanted.identity))
        {
            return .kept(
                Outcome(progress: BundleProgress(reference: wanted, outcome: .kept, message: reason), stays: false))
        }
        if record.wasThereBefore(wanted.identity, live) {
            let since = options.takesBack ? ", and keeps what was made of it since" : ""
            let progress = BundleProgress(
                reference: wanted, outcome: .kept,
                message: "left as it is: it was there before it was first applied\(since)")
            return .left(Outcome(progress: progress, stays: false), reference, live)
        }
        if let reason = PruneGuard.dataReason(
            live, annotations: options.annotations, isAllowed: record.permits.allowsDeletion(of: wanted.identity))
        {
            // It stays known: once a bundle had it annotated, it goes with the next one that lacks it.
            return .kept(
                Outcome(progress: BundleProgress(reference: wanted, outcome: .kept, message: reason), stays: true))
        }
        let claims = claims ?? OwnedClaims(api: api, options: options)
        // A claim of the bundle's own that is not told to go stays as well.
        if let reason = try await claims.keepReason(
            of: live, pruned: pruned.filter { record.permits.allowsDeletion(of: $0) },
            isAllowed: record.permits.allowsDeletion(of: wanted.identity))
        {
            return .kept(
                Outcome(progress: BundleProgress(reference: wanted, outcome: .kept, message: reason), stays: true))
        }
        let foreign = ForeignObjects(
            api: api, options: options, pruned: pruned, known: known, heldByOthers: heldByOthers)
        let reason =
            switch live.type.groupKind {
            case GroupKind(kind: "Namespace"):
                try await foreign.keepReason(
                    ofNamespace: live.name, namespaceDefaults: record.permits.namespaceDefaults[wanted.identity] ?? [])
            case PruneGuard.definitionType: try await foreign.keepReason(ofDefinition: live)
            default: String?.none
            }
        guard let reason else { return .unwanted(reference, live) }
        return .kept(
            Outcome(progress: BundleProgress(reference: wanted, outcome: .kept, message: reason), stays: true))
    }

    /// Gives up the fields of an object that is left, their values untouched: whoever applies it next owns them.
    ///
    /// - Throws: `CancellationError` only: who is in the way of it may go on being named as an owner, which harms nothing.
    func release(_ reference: ObjectReference, _ live: KubernetesObject) async throws {
        guard let entries = FieldLedger(live).without(options.fieldManager) else { return }
        // Naming the version read makes the server refuse when somebody wrote in between.
        var patch: JSONValue = ["metadata": ["managedFields": entries]]
        do {
            if let version = live.resourceVersion {
                try patch.set(.string(version), at: ["metadata", "resourceVersion"])
            }
            _ = try await api.patch(reference, .merge(patch))
        } catch is KubernetesError {
            try Task.checkCancellation()
        }
    }

    /// Whether the bundle wants the very same object under another name of its kind: servers serve some under two groups.
    private func wasMoved(_ identity: ObjectIdentity, _ live: KubernetesObject) -> Bool {
        guard let uid = live.uid, applied.contains(uid) else { return false }
        return !pending.contains(identity)
    }

    /// Whether it is a hook for a failure that has not ended; where all is removed, that goes, too.
    private func isUnderWay(_ live: KubernetesObject) -> Bool {
        !options.allowsEmpty && options.annotations.isHook(live)
            && Hook.Moment.words(live.annotations[options.annotations.hook] ?? "").contains(
                Hook.Moment.onFailure.rawValue)
            && WorkloadHealth.end(of: live) == nil
    }

    /// The object under the reference that the server knows it by: the version of back then may no longer be served.
    private func look(for wanted: ObjectReference) async throws -> (ObjectReference, KubernetesObject?) {
        do {
            return try await lookOnce(for: wanted)
        } catch let error as KubernetesError where error.isPathUnserved {
            // What was remembered of the version is forgotten now.
            return try await lookOnce(for: wanted)
        }
    }

    private func lookOnce(for wanted: ObjectReference) async throws -> (ObjectReference, KubernetesObject?) {
        var reference = wanted
        reference.type = try await api.discovery.resource(
            for: wanted.type.groupKind, preferring: wanted.type.version
        ).type
        return (reference, try await api.get(reference))
    }

    private func delete(
        _ wanted: ObjectReference, as reference: ObjectReference, _ live: KubernetesObject
    ) async throws -> Outcome {
        switch try await api.delete(reference, DeleteOptions(uid: live.uid, propagation: .background)) {
        case .deleted, .absent:
            return Outcome(progress: BundleProgress(reference: wanted, outcome: .pruned), stays: false)
        case .terminating(let object):
            let progress = BundleProgress(
                reference: wanted, outcome: .pruned, message: Termination.words(on: object))
            return Outcome(progress: progress, stays: false, leaving: object)
        }
    }
}
