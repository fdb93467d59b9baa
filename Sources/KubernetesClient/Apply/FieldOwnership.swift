internal import KubernetesObjects

/// Who owns which fields of an object, as `metadata.managedFields` has it. Pure.
enum FieldOwnership {
    /// Whether a manager applies the object.
    static func isApplied(_ object: KubernetesObject, by manager: String) -> Bool {
        entries(object).contains { $0["manager"]?.stringValue == manager && $0["operation"]?.stringValue == "Apply" }
    }

    /// Whether a manager owns a field and nobody else does.
    ///
    /// Fields inside lists are owned under keys that a path does not name; for those the answer is no.
    static func isOwnedAlone(_ path: FieldPath, of object: KubernetesObject, by manager: String) -> Bool {
        var owners: Set<String> = []
        for entry in entries(object) {
            var node = entry["fieldsV1"]
            for component in path.components {
                guard case .key(let key) = component else { return false }
                node = node?["f:\(key)"]
            }
            if node != nil { owners.insert(entry["manager"]?.stringValue ?? "") }
        }
        return owners == [manager]
    }

    /// The managed fields with what kubectl's client-side apply owns handed to a manager's apply; nil when there is
    /// nothing to hand over.
    ///
    /// Without this kubectl stays a co-owner, and a field that is later dropped from the manifest would stay for ever.
    static func takingOverFromKubectl(_ object: KubernetesObject, manager: String) -> JSONValue? {
        var entries = entries(object)
        let isClientSide: (JSONValue) -> Bool = { entry in
            ApplyConflict.clientSideManagers.contains(entry["manager"]?.stringValue ?? "")
                && entry["operation"]?.stringValue == "Update" && (entry["subresource"]?.stringValue ?? "").isEmpty
        }
        guard let index = entries.firstIndex(where: isClientSide), !isApplied(object, by: manager) else { return nil }
        entries[index]["manager"] = .string(manager)
        entries[index]["operation"] = "Apply"
        let taken = entries[index]
        entries.removeAll(where: isClientSide)
        if !entries.contains(taken) { entries.append(taken) }
        return .array(entries)
    }

    private static func entries(_ object: KubernetesObject) -> [JSONValue] {
        object.metadata["managedFields"]?.arrayValue ?? []
    }
}
