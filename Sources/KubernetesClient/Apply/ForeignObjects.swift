internal import KubernetesObjects

/// Looks for others' objects that would be deleted along with a namespace or a definition.
struct ForeignObjects: Sendable {
    let api: KubernetesAPI
    let options: BundleOptions
    /// What is deleted in the same run, and nothing that a guard keeps or that could not be deleted.
    let pruned: Set<ObjectIdentity>
    /// What the namespace's manifest names as no reason to keep it, as `ConfigMap/mesh-ca`.
    private var defaults: Set<String> = []
    /// All that the bundle brought and brings: what of it is not pruned stays, and is not others'.
    let known: Set<ObjectIdentity>
    /// What other inventories of the same manager hold.
    let heldByOthers: [ObjectIdentity: InventoryStore.OtherHold]

    init(
        api: KubernetesAPI, options: BundleOptions, pruned: Set<ObjectIdentity>, known: Set<ObjectIdentity> = [],
        heldByOthers: [ObjectIdentity: InventoryStore.OtherHold] = [:]
    ) {
        self.api = api
        self.options = options
        self.pruned = pruned
        self.known = known
        self.heldByOthers = heldByOthers
    }

    /// Owners that own each other in more steps than this are not followed: what they own is others'.
    private static let longestChain = 8

    /// Why a namespace is kept, or nil when nothing of others' is in it. What may not be looked at may be others'.
    ///
    /// - Parameter namespaceDefaults: What the release that brought it said goes along with it. It counts for nothing of what the
    ///   object's own release would have to say: that data go, or that what is annotated to stay does not, or what another inventory holds.
    func keepReason(ofNamespace name: String, namespaceDefaults: Set<String>) async throws -> String? {
        var copy = self
        copy.defaults = namespaceDefaults
        return try await copy.keepReason(ofNamespace: name)
    }

    private func keepReason(ofNamespace name: String) async throws -> String? {
        let unseen = "whether it still holds others' objects cannot be seen"
        do {
            let catalog = try await catalog()
            if let foreign = try await foreignObject(among: catalog.resources, in: name) {
                let reference = foreign.reference
                if known.contains(reference.identity) { return "it holds \(reference), which stays" }
                if let holder = heldByOthers[reference.identity] {
                    return "it still holds \(reference), which application \(holder.name) has"
                }
                return "it still holds \(reference), which is not of this bundle"
                    + (protection(of: foreign).map { " and \($0): take it away by hand to have the namespace go" }
                        ?? "; name it in the annotation \(options.annotations.namespaceDefaults) of the namespace's manifest, in a "
                        + "release before it is taken out, to have it go along")
            }
            guard let away = catalog.unavailable.min() else { return nil }
            let why = "\(unseen): the APIService of \(away) does not answer"
            // Where all is removed, what is kept is forgotten: that is not to hang on a moment.
            if options.isRemoval { throw KubernetesError(code: .notReached, message: why) }
            return why
        } catch let error as KubernetesError where error.status == 403 || error.isTransient && !options.isRemoval {
            return "\(unseen): \(error.message)"
        }
    }

    /// Why a definition is kept, or nil when nobody else uses its kind: with it all objects of the kind are deleted.
    func keepReason(ofDefinition definition: KubernetesObject) async throws -> String? {
        let versions = definition.spec?["versions"]?.arrayValue ?? []
        let served = versions.filter { $0["served"]?.boolValue == true }
        // What nobody was ever shown holds nothing; what is not shown any more may.
        let isEstablished = Condition.find("Established", in: definition)?.isTrue == true
        let unseen = "whether others use it cannot be seen"
        guard let version = served.first(where: { $0["storage"]?.boolValue == true }) ?? served.first else {
            return isEstablished ? "\(unseen): no version of it is served" : nil
        }
        let type = GroupVersionKind(
            group: definition.spec?["group"]?.stringValue ?? "", version: version["name"]?.stringValue ?? "",
            kind: definition.spec?["names"]?["kind"]?.stringValue ?? "")
        do {
            guard let objects = try await objects(ObjectSelection(type: type)) else {
                return isEstablished ? "\(unseen): the API server does not serve it" : nil
            }
            // An owner of the same kind is in this very list.
            let foreign = try await firstForeign(among: objects) { $0.type.groupKind == type.groupKind }
            return foreign.map(\.reference).map {
                known.contains($0.identity)
                    ? "\($0), which stays, would be deleted with it"
                    : "\($0), which is not of this bundle, would be deleted with it"
            }
        } catch let error as KubernetesError where error.status == 403 || error.isTransient && !options.isRemoval {
            return "\(unseen): \(error.message)"
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
    private func foreignObject(among served: [APIResource], in namespace: String) async throws -> KubernetesObject? {
        // What cannot be deleted, such as the measurements of pods, is only shown there.
        let listed = served.filter {
            $0.isNamespaced && $0.verbs.isSuperset(of: ["list", "delete"])
                && !PruneGuard.namespaceDefaults.contains($0.type.groupKind)
        }
        let kinds = Set(listed.map(\.type.groupKind))
        var seen: Set<GroupKind> = []
        for resource in listed where seen.insert(resource.type.groupKind).inserted {
            let found = try await objects(ObjectSelection(type: resource.type, namespace: namespace))
            // An owner in the same namespace is looked at itself; but one that may go along takes no data along.
            let hasData = KubernetesObject.dataKinds.contains(resource.type.groupKind)
            let foreign = try await firstForeign(
                among: found ?? [], besides: { !hasData && kinds.contains($0.type.groupKind) })
            if let foreign { return foreign }
        }
        return nil
    }

    /// Of an object that does not go anyway, what tells whose it is; nil of others. A list may be long, and its objects large.
    private func unrelated(_ object: KubernetesObject) -> KubernetesObject? {
        if case .goes = PruneGuard.verdict(on: object, pruned: pruned) { return nil }
        let isProtected = heldByOthers[object.reference.identity] != nil || protection(of: object) != nil
        if !isProtected, defaults.contains("\(object.kind)/\(object.name)") { return nil }
        var kept = KubernetesObject(type: object.type, namespace: object.namespace, name: object.name)
        for field in ["uid", "ownerReferences"] { kept.setMetadata(field, object.metadata[field]) }
        // What is said to stay is told with who says so.
        if isProtected { kept.setMetadata("annotations", object.metadata["annotations"]) }
        return kept
    }

    /// Why an object does not go along though the namespace's manifest names it; nil where it would.
    private func protection(of object: KubernetesObject) -> String? {
        if let word = object.keepingWord(own: options.annotations.prune) { return "is annotated \(word)" }
        return KindTable.facts(of: object.type.groupKind).prune == .onlyWhenTold
            ? "with which data go (a \(object.kind))" : nil
    }

    /// Those objects of a selection that do not go anyway; nil where their kind is not served any more: its definition has just been deleted, and its
    /// objects with it.
    ///
    /// - Throws: ``KubernetesError/Code/notReached`` where the server announces the kind and does not serve it for long.
    private func objects(_ selection: ObjectSelection) async throws -> [KubernetesObject]? {
        var found: [KubernetesObject]?
        let limit = min(.seconds(5), options.settleTimeout)
        try await api.poll(every: .milliseconds(100), atMost: limit, what: "\(selection.type) to be served or gone") {
            do {
                found = try await api.list(selection, keeping: unrelated).objects
                return true
            } catch let error as KubernetesError where error.code == .unknownKind {
                return true
            } catch let error as KubernetesError where error.isPathUnserved {
                return false
            }
        }
        return found
    }

    /// The first of some objects that is others'.
    ///
    /// - Parameter isLookedAt: Whether an owner is itself among all that is looked at.
    private func firstForeign(
        among objects: [KubernetesObject], besides isLookedAt: (OwnerReference) -> Bool
    ) async throws -> KubernetesObject? {
        var known: [String: Bool] = [:]
        for object in objects
        where try await isForeign(object, besides: isLookedAt, known: &known, chain: Self.longestChain) {
            return object
        }
        return nil
    }

    /// Whether an object would stay without this run: it is nobody's of the bundle, and one of its owners stays.
    private func isForeign(
        _ object: KubernetesObject, besides isLookedAt: (OwnerReference) -> Bool, known: inout [String: Bool],
        chain: Int
    ) async throws -> Bool {
        switch PruneGuard.verdict(on: object, pruned: pruned) {
        case .goes: return false
        case .stays: return true
        case .asOwners(let owners):
            for owner in owners where !isLookedAt(owner) {
                if known[owner.uid] == nil {
                    // Owners in a circle go when everything else that owns them does.
                    known[owner.uid] = false
                    known[owner.uid] = try await stays(
                        owner, of: object, besides: isLookedAt, known: &known, chain: chain - 1)
                }
                if known[owner.uid] == true { return true }
            }
            return false
        }
    }

    /// Whether an owner of a kind that is not served any more went in this very run: by itself, or with the definition of its kind. The
    /// garbage collector may not have come yet to what it owned.
    private func goesWithItsKind(_ owner: OwnerReference, of object: KubernetesObject) -> Bool {
        let type = owner.type.groupKind
        let identities = [object.namespace, nil].map { ObjectIdentity(type: type, namespace: $0, name: owner.name) }
        if identities.contains(where: pruned.contains) { return true }
        // How the kind is called in a definition's name, nobody knows any more; the group is known.
        return pruned.contains { $0.type == PruneGuard.definitionType && $0.name.hasSuffix(".\(type.group)") }
    }

    private func stays(
        _ owner: OwnerReference, of object: KubernetesObject, besides isLookedAt: (OwnerReference) -> Bool,
        known: inout [String: Bool], chain: Int
    ) async throws -> Bool {
        guard chain > 0 else { return true }
        var reference = ObjectReference(type: owner.type, name: owner.name)
        do {
            if try await api.resource(for: owner.type).isNamespaced { reference.namespace = object.namespace }
        } catch let error as KubernetesError where error.code == .unknownKind {
            return !goesWithItsKind(owner, of: object)
        } catch let error as KubernetesError where error.code == .notReached && !options.isRemoval {
            // The garbage collector does not know either whether it is there, and leaves the object.
            return true
        }
        if pruned.contains(reference.identity) { return false }
        guard let live = try await api.get(reference), live.uid == owner.uid else { return false }
        return try await isForeign(live, besides: isLookedAt, known: &known, chain: chain)
    }
}
