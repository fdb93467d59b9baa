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

    /// Who owns a field, or the nearest thing around it that anybody but the applier owns, in the order of their names.
    ///
    /// A value that is gone is owned by nobody; then nobody is named.
    static func others(than manager: String, at path: FieldPath, of object: KubernetesObject) -> [String] {
        var owners: Set<String> = []
        for entry in entries(object) {
            guard let name = entry["manager"]?.stringValue, name != manager, let fields = entry["fieldsV1"],
                (entry["subresource"]?.stringValue ?? "").isEmpty, owns(fields, path.components[...], object.json)
            else { continue }
            owners.insert(name)
        }
        return owners.sorted()
    }

    /// Whether a set of fields holds the value at a path, or something inside of it.
    private static func owns(_ fields: JSONValue, _ path: ArraySlice<FieldPath.Component>, _ value: JSONValue) -> Bool {
        guard let step = path.first else { return true }
        let rest = path.dropFirst()
        switch step {
        case .key(let key):
            guard let inner = fields["f:\(key)"] else { return false }
            // An atomic map or list is owned whole.
            if inner.objectValue?.isEmpty == true { return true }
            guard let next = value[key] else { return rest.isEmpty }
            return owns(inner, rest, next)
        case .index(let index):
            guard let elements = value.arrayValue, elements.indices.contains(index) else { return false }
            let element = elements[index]
            return (fields.objectValue ?? [:]).contains { name, inner in
                isKey(name, of: element) && (inner.objectValue?.isEmpty == true || owns(inner, rest, element))
            }
        }
    }

    /// Whether a name such as `k:{"name":"app"}` or `v:"a"` means this element of a list.
    private static func isKey(_ name: String, of element: JSONValue) -> Bool {
        guard let value = try? JSONValue(parsing: String(name.dropFirst(2))) else { return false }
        if name.hasPrefix("v:") { return value == element }
        guard name.hasPrefix("k:"), let keys = value.objectValue else { return false }
        return keys.allSatisfy { element[$0.key] == $0.value }
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

    /// The managed fields without those of a manager; nil where it has none. An empty list would change nothing, so that where
    /// nothing else is left it is the entry that stands for none.
    static func without(_ manager: String, _ object: KubernetesObject) -> JSONValue? {
        let entries = entries(object)
        let others = entries.filter { $0["manager"]?.stringValue != manager }
        guard others.count < entries.count else { return nil }
        return .array(others.isEmpty ? [[:]] : others)
    }

    private static func entries(_ object: KubernetesObject) -> [JSONValue] {
        object.metadata["managedFields"]?.arrayValue ?? []
    }
}
