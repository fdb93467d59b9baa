internal import AsyncSupport
internal import KubernetesObjects

/// The live objects that a bundle's objects meet, read by lists: one request where there would be many.
///
/// A namespace may hold far more objects of a kind than the bundle does, and an applier may lack the right to list: what
/// a short list does not settle stays unknown and is asked for one by one.
struct LiveObjects: Sendable {
    /// What is known of one object.
    enum Observation: Sendable {
        /// It was there a moment ago.
        case present(KubernetesObject)
        /// It was not there a moment ago.
        case absent
        /// Nothing; it must be asked for.
        case unknown

        var isAbsent: Bool {
            if case .absent = self { true } else { false }
        }
    }

    private struct Group: Hashable, Sendable {
        var type: GroupVersionKind
        var namespace: String?
    }

    /// The fewest objects of a kind and namespace for which a list is worth while.
    private static let fewest = 4

    private var objects: [ObjectIdentity: KubernetesObject] = [:]
    private var whole: Set<Group> = []

    subscript(reference: ObjectReference) -> Observation {
        if let object = objects[reference.identity] { return .present(object) }
        return whole.contains(Group(type: reference.type, namespace: reference.namespace)) ? .absent : .unknown
    }

    /// Lists where several of the wanted objects share kind and namespace.
    ///
    /// - Throws: `CancellationError` only.
    static func read(
        _ wanted: [KubernetesObject], api: KubernetesAPI, concurrency: Int
    ) async throws -> LiveObjects {
        var counts: [Group: Int] = [:]
        for object in wanted { counts[Group(type: object.type, namespace: object.namespace), default: 0] += 1 }
        let groups = counts.filter { $0.value >= fewest }.sorted { $0.value > $1.value }
        let identities = Set(wanted.map(\.reference.identity))
        var result = LiveObjects()
        try await forEachConcurrently(groups, atMost: concurrency) { group, count in
            let selection = ObjectSelection(type: group.type, namespace: group.namespace)
            do {
                // Twice what is wanted: beyond, the list is mostly of others' objects.
                let (objects, areAll) = try await api.firstObjects(selection, limit: 2 * count + 20)
                return (group, objects.filter { identities.contains($0.reference.identity) }, areAll)
            } catch is KubernetesError {
                try Task.checkCancellation()
                return (group, [], false)
            }
        } onResult: { group, objects, areAll in
            for object in objects { result.objects[object.reference.identity] = object }
            if areAll { result.whole.insert(group) }
        }
        return result
    }
}
