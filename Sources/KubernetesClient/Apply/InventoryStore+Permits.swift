internal import KubernetesObjects

/// What releases allow the agent to do with what they bring, as they said it when it was applied.
///
/// It is kept with the inventory and never read from an object on the cluster: whoever may edit that one object would
/// otherwise have the agent do what they may not do themselves. What holds the agent back is another matter
/// (``PruneGuard``): that counts whoever says it.
struct Permits: Sendable, Hashable {
    /// Objects that are deleted though data go with them.
    var withData = Inventory()
    /// Objects that are deleted and made again where a field of theirs cannot be changed: by the bundle that says so, and by the one that
    /// takes it back.
    var replaceable = Inventory()
    /// What goes along with a namespace, as `ConfigMap/mesh-ca`, by the namespace.
    var namespaceDefaults: [ObjectIdentity: Set<String>] = [:]

    init() {}

    /// What manifests allow.
    init(of objects: some Sequence<KubernetesObject>, annotations: ObjectAnnotations) {
        var (withData, replaceable): ([ObjectReference], [ObjectReference]) = ([], [])
        for object in objects {
            let type = object.type.groupKind
            if object.annotations[annotations.prune] == "allow",
                KindTable.facts(of: type).prune == .onlyWhenTold || OwnedClaims.mayGo(with: type)
            {
                withData.append(object.reference)
            }
            if object.annotations[annotations.replace] == "allow" { replaceable.append(object.reference) }
            if object.type.groupKind == Self.namespaceKind,
                let named = object.annotations[annotations.namespaceDefaults]
            {
                namespaceDefaults[object.reference.identity] = Set(
                    named.split(whereSeparator: { $0 == "," || $0.isWhitespace }).map { String($0) })
            }
        }
        self.withData = Inventory(withData)
        self.replaceable = Inventory(replaceable)
    }

    private static let namespaceKind = GroupKind(kind: "Namespace")

    /// Whether an object may be deleted though data go with it.
    func allowsDeletion(of identity: ObjectIdentity) -> Bool {
        withData.references.contains { $0.identity == identity }
    }

    /// Without what is said of these objects.
    func without(_ identities: Set<ObjectIdentity>) -> Permits {
        var permits = self
        permits.withData.references = withData.references.filter { !identities.contains($0.identity) }
        permits.replaceable.references = replaceable.references.filter { !identities.contains($0.identity) }
        permits.namespaceDefaults = namespaceDefaults.filter { !identities.contains($0.key) }
        return permits
    }

    /// With what others say; of an object that both speak of, what both allow.
    func narrowed(to other: Permits, for identities: Set<ObjectIdentity>) -> Permits {
        var permits = self
        let allowed = other.withData.identities
        permits.withData.references = withData.references.filter {
            !identities.contains($0.identity) || allowed.contains($0.identity)
        }
        for (identity, names) in namespaceDefaults where identities.contains(identity) {
            let both = names.intersection(other.namespaceDefaults[identity] ?? [])
            permits.namespaceDefaults[identity] = both.isEmpty ? nil : both
        }
        return permits
    }

    /// With all that others allow.
    func union(_ other: Permits) -> Permits {
        var permits = self
        permits.withData = withData.union(other.withData)
        permits.replaceable = replaceable.union(other.replaceable)
        permits.namespaceDefaults.merge(other.namespaceDefaults) { _, new in new }
        return permits
    }

    // MARK: As stored

    /// One line a namespace: its name, and what goes along with it.
    var namespaceDefaultsText: String {
        namespaceDefaults.map { "\($0.key.name)|\($0.value.sorted().joined(separator: ","))" }.sorted()
            .joined(separator: "\n")
    }

    /// Reads what ``namespaceDefaultsText`` writes. What cannot be read allows nothing.
    static func namespaceDefaults(from text: String) -> [ObjectIdentity: Set<String>] {
        var namespaceDefaults: [ObjectIdentity: Set<String>] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "|", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let identity = ObjectIdentity(type: namespaceKind, namespace: nil, name: String(parts[0]))
            namespaceDefaults[identity] = Set(parts[1].split(separator: ",").map { String($0) })
        }
        return namespaceDefaults
    }
}

extension InventoryStore.Record {
    /// The record once a bundle is begun: what an earlier one allowed and it does not say any more ends at once, and what it
    /// allows that is new comes only with the object. What may be replaced is said before it may have been, and holds for who takes
    /// that back. What others took and the bundle lacks is given up.
    func narrowed(to plan: BundlePlan, _ options: BundleOptions) -> Self {
        let objects = plan.steps.flatMap(\.objects)
        let (said, identities) = (
            Permits(of: objects, annotations: options.annotations), Set(objects.map(\.reference.identity))
        )
        var record = self
        record.permits = permits.narrowed(to: said, for: identities)
        if !options.takesBack {
            record.permits.replaceable.references = permits.replaceable.references.filter {
                !identities.contains($0.identity)
            }
        }
        record.permits.replaceable = record.permits.replaceable.union(said.replaceable)
        record.losses = losses.filter { identities.contains($0.key) }
        return record
    }

    /// The record with what the manifests of objects that were applied allow.
    func noting(
        permitsOf plan: BundlePlan, applied reports: [BundleProgress], _ annotations: ObjectAnnotations
    ) -> Self {
        // Of what was left to others nothing is known to have been sent.
        let sent = Set(reports.filter { $0.uid != nil }.map(\.reference.identity))
        let objects = plan.steps.flatMap(\.objects).filter { sent.contains($0.reference.identity) }
        var record = self
        record.permits = permits.without(sent).union(Permits(of: objects, annotations: annotations))
        return record
    }
}
