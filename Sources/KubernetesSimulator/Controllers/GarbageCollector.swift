internal import KubernetesObjects

// MARK: - Ownership and namespaces

extension ClusterState {
    /// Deletes what lost all its owners, and ends owners that waited for their dependents.
    mutating func collectGarbage(_ agenda: inout Agenda) {
        let now = agenda.now
        var living: Set<String> = []
        var owned: [(type: ResourceType, object: JSONValue)] = []
        var waiting: [(type: ResourceType, object: JSONValue)] = []
        for type in storedTypes {
            for (_, stored) in store.objects[type.storage] ?? [:] {
                let object = stored.value
                living.insert(object.uid)
                if object.at("metadata", "ownerReferences")?.arrayValue?.isEmpty == false {
                    owned.append((type, object))
                }
                if object.isBeingDeleted,
                    object.finalizers.contains("foregroundDeletion") || object.finalizers.contains("orphan")
                {
                    waiting.append((type, object))
                }
            }
        }
        for (type, object) in owned where !object.isBeingDeleted {
            let owners = object.at("metadata", "ownerReferences")?.arrayValue ?? []
            if owners.allSatisfy({ !living.contains($0["uid"]?.stringValue ?? "") }) {
                end(type.storage, object.key, now: now)
            }
        }
        for (type, object) in waiting {
            let dependents = owned.filter { $0.object.isOwned(by: object.uid) }
            if object.finalizers.contains("orphan") {
                for (kind, dependent) in dependents { disown(dependent, of: kind, from: object.uid, now: now) }
                removeFinalizer("orphan", type, object, now: now)
                continue
            }
            for (kind, dependent) in dependents where !dependent.isBeingDeleted {
                let isOwner = owned.contains { $0.object.isOwned(by: dependent.uid) }
                end(kind.storage, dependent.key, now: now, propagation: isOwner ? "Foreground" : "Background")
            }
            let blocking = dependents.filter { _, dependent in
                dependent.at("metadata", "ownerReferences")?.arrayValue?.contains {
                    $0["uid"]?.stringValue == object.uid && $0["blockOwnerDeletion"]?.boolValue == true
                } ?? false
            }
            if blocking.isEmpty { removeFinalizer("foregroundDeletion", type, object, now: now) }
        }
    }

    private mutating func disown(_ object: JSONValue, of type: ResourceType, from uid: String, now: Double) {
        var new = object
        let left = (object.at("metadata", "ownerReferences")?.arrayValue ?? []).filter { $0["uid"]?.stringValue != uid }
        new.put(left.isEmpty ? nil : .array(left), "metadata", "ownerReferences")
        store.put(type.storage, new, now: now)
    }

    private mutating func removeFinalizer(_ name: String, _ type: ResourceType, _ object: JSONValue, now: Double) {
        guard let live = store.get(type.storage, object.key)?.value else { return }
        var new = live
        let left = live.finalizers.filter { $0 != name }
        new.put(left.isEmpty ? nil : .array(left.map { .string($0) }), "metadata", "finalizers")
        _ = commit(new, type: type, now: now, dryRun: false)
        if type.kind == "Pod", left.isEmpty { store.remove(type.storage, object.key) }
    }

    /// Empties namespaces that are being deleted, then removes them.
    mutating func reconcileNamespaces(_ agenda: inout Agenda) {
        for namespace in store.all("namespaces") where namespace.value.isBeingDeleted {
            let name = namespace.value.name
            var left = 0
            for type in storedTypes where type.isNamespaced {
                for stored in store.all(type.storage, namespace: name) {
                    if !stored.value.isBeingDeleted { end(type.storage, stored.value.key, now: agenda.now) }
                    if store.get(type.storage, stored.value.key) != nil { left += 1 }
                }
            }
            if left == 0 {
                store.remove("namespaces", namespace.value.key)
            } else {
                agenda.look(at: agenda.now + 0.2)
            }
        }
    }
}
