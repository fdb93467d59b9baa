internal import KubernetesObjects

/// Deletes what a bundle no longer wants, object by object, each past every guard.
struct Pruner: Sendable {
    /// What became of one object.
    struct Outcome: Sendable {
        let progress: BundleProgress
        /// Whether the object stays in the inventory, to be tried again next time.
        let stays: Bool
        /// A custom resource that goes once its finalizers are done.
        var leaving: KubernetesObject?
    }

    let api: KubernetesAPI
    let options: BundleOptions

    /// Deletes one object; failures are outcomes.
    ///
    /// - Parameter pruned: All that is deleted together with it.
    /// - Throws: `CancellationError` only.
    func prune(_ reference: ObjectReference, pruned: Set<ObjectIdentity>) async throws -> Outcome {
        do {
            return try await attempt(reference, pruned: pruned)
        } catch let error as KubernetesError where error.code == .unknownKind {
            // The definition is gone, and its objects with it.
            return Outcome(
                progress: BundleProgress(reference: reference, outcome: .pruned, message: "its kind is gone"),
                stays: false)
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
            case .kept(let outcome): return outcome.progress
            case .unwanted(let reference, let live):
                _ = try await api.delete(reference, DeleteOptions(uid: live.uid, dryRun: true))
                return BundleProgress(reference: wanted, outcome: .pruned, message: "no longer in the release")
            }
        } catch let error as KubernetesError where error.code == .unknownKind {
            return nil
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
        case .unwanted(let reference, let live): return try await delete(wanted, as: reference, live)
        }
    }

    /// What the guards say of an object.
    private enum Judgement {
        case gone
        case kept(Outcome)
        /// It may be deleted, under the reference that the server knows it by.
        case unwanted(ObjectReference, KubernetesObject)
    }

    private func judge(_ wanted: ObjectReference, pruned: Set<ObjectIdentity>) async throws -> Judgement {
        var reference = wanted
        // The version of back then may no longer be served.
        reference.type = try await api.discovery.resource(
            for: wanted.type.groupKind, preferring: wanted.type.version
        ).type
        guard let live = try await api.get(reference) else { return .gone }
        if let reason = PruneGuard.keepReason(
            live, annotations: options.annotations, fieldManager: options.fieldManager)
        {
            return .kept(
                Outcome(progress: BundleProgress(reference: wanted, outcome: .kept, message: reason), stays: false))
        }
        if live.type.groupKind == GroupKind(kind: "Namespace"),
            let reason = try await keepReason(ofNamespace: live.name, pruned: pruned)
        {
            return .kept(
                Outcome(progress: BundleProgress(reference: wanted, outcome: .kept, message: reason), stays: true))
        }
        if live.type.groupKind == PruneGuard.definitionType,
            let reason = try await keepReason(ofDefinition: live, pruned: pruned)
        {
            return .kept(
                Outcome(progress: BundleProgress(reference: wanted, outcome: .kept, message: reason), stays: true))
        }
        return .unwanted(reference, live)
    }

    private func delete(
        _ wanted: ObjectReference, as reference: ObjectReference, _ live: KubernetesObject
    ) async throws -> Outcome {
        switch try await api.delete(reference, DeleteOptions(uid: live.uid, propagation: .background)) {
        case .deleted, .absent:
            return Outcome(progress: BundleProgress(reference: wanted, outcome: .pruned), stays: false)
        case .terminating(let object):
            let waiting = object.finalizers.isEmpty ? "" : ", waits for \(object.finalizers.joined(separator: ", "))"
            let progress = BundleProgress(reference: wanted, outcome: .pruned, message: "terminating\(waiting)")
            let isAwaited = BuiltInGroups.isCustom(object.type.groupKind) && !object.finalizers.isEmpty
            return Outcome(progress: progress, stays: false, leaving: isAwaited ? object : nil)
        }
    }

    /// Waits a while for custom resources to be gone: what does their finalizers' work may be what is deleted next, and without
    /// it they would stay for ever, and their definition and namespace with them.
    ///
    /// - Throws: `CancellationError` only.
    func awaitGone(_ objects: [KubernetesObject]) async throws {
        let deadline = ContinuousClock.now.advanced(by: options.settleTimeout)
        for object in objects {
            let left = max(.zero, ContinuousClock.now.duration(to: deadline))
            do {
                try await api.poll(every: .milliseconds(100), atMost: left, what: "\(object.reference) to be gone") {
                    try await api.get(object.reference)?.uid != object.uid
                }
            } catch is KubernetesError {
                // It is told as terminating; what else is to go goes on.
                try Task.checkCancellation()
            }
        }
    }

    /// Why a namespace is kept, or nil when nothing of others' is in it. What may not be looked at may be others'.
    private func keepReason(ofNamespace name: String, pruned: Set<ObjectIdentity>) async throws -> String? {
        let unseen = "whether it still holds others' objects cannot be seen"
        do {
            let catalog = try await catalog()
            if let foreign = try await foreignObject(among: catalog.resources, in: name, pruned: pruned) {
                return "it still holds \(foreign), which is not of this bundle"
            }
            guard let away = catalog.unavailable.min() else { return nil }
            return "\(unseen): the APIService of \(away) does not answer"
        } catch let error as KubernetesError where error.status == 403 {
            return "\(unseen): \(error.message)"
        }
    }

    /// Why a definition is kept, or nil when nobody else uses its kind: with it all objects of the kind are deleted.
    private func keepReason(
        ofDefinition definition: KubernetesObject, pruned: Set<ObjectIdentity>
    ) async throws -> String? {
        let versions = definition.spec?["versions"]?.arrayValue ?? []
        let served = versions.filter { $0["served"]?.boolValue == true }
        guard let version = served.first(where: { $0["storage"]?.boolValue == true }) ?? served.first else {
            return nil
        }
        let type = GroupVersionKind(
            group: definition.spec?["group"]?.stringValue ?? "", version: version["name"]?.stringValue ?? "",
            kind: definition.spec?["names"]?["kind"]?.stringValue ?? "")
        do {
            let objects = try await api.list(ObjectSelection(type: type)).objects
            guard let foreign = objects.first(where: { PruneGuard.isForeign($0, pruned: pruned) }) else { return nil }
            return "\(foreign.reference), which is not of this bundle, would be deleted with it"
        } catch let error as KubernetesError where error.code == .unknownKind || error.isNotFound {
            return nil
        } catch let error as KubernetesError where error.status == 403 {
            return "whether others use it cannot be seen: \(error.message)"
        }
    }

    /// All that the server serves. One whose APIService has only just gone may be told as away for a moment.
    private func catalog() async throws -> Discovery.Catalog {
        var catalog = Discovery.Catalog(resources: [])
        do {
            let limit = min(.seconds(5), options.settleTimeout)
            try await api.poll(every: .milliseconds(200), atMost: limit, what: "all groups to answer") {
                catalog = try await api.discovery.catalog()
                return catalog.unavailable.isEmpty
            }
        } catch let error as KubernetesError where error.code == .notReached && !catalog.unavailable.isEmpty {
            return catalog
        }
        return catalog
    }

    /// An object in a namespace that belongs to somebody else, or nil when there is none.
    private func foreignObject(
        among served: [APIResource], in namespace: String, pruned: Set<ObjectIdentity>
    ) async throws -> ObjectReference? {
        var seen: Set<GroupKind> = []
        // What cannot be deleted, such as the measurements of pods, is only shown there.
        for resource in served where resource.isNamespaced && resource.verbs.isSuperset(of: ["list", "delete"]) {
            guard seen.insert(resource.type.groupKind).inserted,
                !PruneGuard.namespaceFurniture.contains(resource.type.groupKind)
            else { continue }
            do {
                let list = try await api.list(ObjectSelection(type: resource.type, namespace: namespace))
                if let foreign = list.objects.first(where: { PruneGuard.isForeign($0, pruned: pruned) }) {
                    return foreign.reference
                }
            } catch let error as KubernetesError where error.isNotFound || error.code == .unknownKind {
                // Its definition has just been deleted, and its objects with it.
                continue
            }
        }
        return nil
    }
}
