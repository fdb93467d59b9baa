internal import KubernetesObjects

/// Looks for claims that the garbage collector deletes along with what owns them: an operator's, and those of a StatefulSet whose
/// retention policy says so. A claim goes only when told, whatever it goes with.
///
/// The claims of a namespace are listed once: prunes are short, and an operator that is to go makes none any more.
actor OwnedClaims {
    private let api: KubernetesAPI
    private let options: BundleOptions
    /// Of claims that have owners, what tells whose they are; by namespace, nil for all.
    private var claims: [String?: [KubernetesObject]] = [:]
    /// The owners of what owns claims, by its uid.
    private var owners: [String: [OwnerReference]] = [:]

    init(api: KubernetesAPI, options: BundleOptions) {
        self.api = api
        self.options = options
    }

    private static let claim = GroupVersionKind(version: "v1", kind: "PersistentVolumeClaim")
    /// Owners that own each other in more steps than this are not followed.
    private static let longestChain = 8

    /// Whether claims may go with an object of a kind. Those of a pod are its own, and go with every pod that is replaced.
    static func mayGo(with type: GroupKind) -> Bool {
        BuiltInGroups.isCustom(type) || type == GroupKind(group: "apps", kind: "StatefulSet")
    }

    /// Why an object is not deleted; nil where no claim goes with it, or it is told to go. What may not be looked at may be there.
    ///
    /// - Parameters:
    ///   - pruned: What is deleted beside it, having been told to.
    ///   - isAllowed: Whether the release says that it goes though data go with it.
    func keepReason(
        of live: KubernetesObject, pruned: Set<ObjectIdentity> = [], isAllowed: Bool
    ) async throws -> String? {
        guard Self.mayGo(with: live.type.groupKind), let uid = live.uid, hasOwnedClaims(live) else { return nil }
        do {
            for claim in try await list(in: live.namespace) {
                // Somebody's word that it stays; the list has it under Swell's own name.
                let word = claim.annotations[options.annotations.prune]
                guard word != nil || !isAllowed && !pruned.contains(claim.reference.identity) else { continue }
                guard try await leads(claim.owners, to: uid, in: claim.namespace, chain: Self.longestChain) else {
                    continue
                }
                let owner = live.kind
                if let word {
                    return
                        "\(claim.reference) would be deleted with it, and is annotated \(word): it stays until the annotation "
                        + "is gone"
                }
                return
                    "\(claim.reference) would be deleted with it, and its data; a release that has the \(owner) annotated "
                    + "\(options.annotations.prune): allow, rolled out before it is taken out, has both deleted; or delete it by hand"
            }
            return nil
        } catch let error as KubernetesError where error.status == 403 {
            // Told to go though data go with it, it goes.
            return isAllowed ? nil : "whether volume claims would be deleted with it cannot be seen: \(error.message)"
        }
    }

    /// A StatefulSet's controller makes it the owner of its claims only where it is told to.
    private func hasOwnedClaims(_ live: KubernetesObject) -> Bool {
        guard live.kind == "StatefulSet", live.type.group == "apps" else { return true }
        return live.spec?["persistentVolumeClaimRetentionPolicy"]?["whenDeleted"]?.stringValue == "Delete"
    }

    private func list(in namespace: String?) async throws -> [KubernetesObject] {
        if let known = claims[namespace] { return known }
        let prune = options.annotations.prune
        let found = try await api.list(ObjectSelection(type: Self.claim, namespace: namespace)) { claim in
            guard !claim.owners.isEmpty, claim.deletionTimestamp == nil else { return nil }
            var kept = KubernetesObject(type: claim.type, namespace: claim.namespace, name: claim.name)
            kept.setMetadata("ownerReferences", claim.metadata["ownerReferences"])
            if let word = claim.keepingWord(own: prune) { kept.annotations = [prune: word] }
            return kept
        }
        claims[namespace] = found.objects
        return found.objects
    }

    /// Whether one of some owners is an object, or is owned by it in turn.
    private func leads(
        _ references: [OwnerReference], to uid: String, in namespace: String?, chain: Int
    ) async throws -> Bool {
        if references.contains(where: { $0.uid == uid }) { return true }
        guard chain > 0 else { return false }
        for reference in references where reference.type.groupKind != GroupKind(kind: "Pod") {
            let next = try await owners(of: reference, in: namespace)
            if !next.isEmpty, try await leads(next, to: uid, in: namespace, chain: chain - 1) { return true }
        }
        return false
    }

    /// The owners of an owner; none where it is gone, or nobody may look.
    private func owners(of owner: OwnerReference, in namespace: String?) async throws -> [OwnerReference] {
        if let known = owners[owner.uid] { return known }
        var found: [OwnerReference] = []
        do {
            var reference = ObjectReference(type: owner.type, name: owner.name)
            if try await api.resource(for: owner.type).isNamespaced { reference.namespace = namespace }
            if let live = try await api.get(reference), live.uid == owner.uid { found = live.owners }
        } catch let error as KubernetesError where error.code == .unknownKind || error.status == 403 {
            found = []
        }
        owners[owner.uid] = found
        return found
    }
}
