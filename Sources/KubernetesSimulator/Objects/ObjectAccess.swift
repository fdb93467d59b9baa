internal import KubernetesObjects

// What nearly every line here asks of an object.
extension JSONValue {
    var name: String { self["metadata"]?["name"]?.stringValue ?? "" }
    var namespace: String { self["metadata"]?["namespace"]?.stringValue ?? "" }
    var uid: String { self["metadata"]?["uid"]?.stringValue ?? "" }
    var generation: Int64 { self["metadata"]?["generation"]?.intValue ?? 0 }
    var isBeingDeleted: Bool { self["metadata"]?["deletionTimestamp"] != nil }
    var finalizers: [String] { self["metadata"]?["finalizers"]?.arrayValue?.compactMap(\.stringValue) ?? [] }
    var key: ObjectKey { ObjectKey(namespace: namespace, name: name) }

    /// The member at a path of names.
    func at(_ path: String...) -> JSONValue? {
        var current: JSONValue? = self
        for step in path { current = current?[step] }
        return current
    }

    /// An integer at a path of names.
    func int(_ path: String...) -> Int? {
        var current: JSONValue? = self
        for step in path { current = current?[step] }
        // Far more than anything counts to, and far from where sums overflow.
        return current?.intValue.map { Int(min(max($0, -1 << 40), 1 << 40)) }
    }

    /// Sets or (with nil) removes the member at a path, making the objects on the way.
    mutating func put(_ value: JSONValue?, _ path: String...) {
        put(value, path[...])
    }

    mutating func put(_ value: JSONValue?, _ path: ArraySlice<String>) {
        guard let first = path.first else { return }
        if path.count == 1 {
            self[first] = value
            return
        }
        if value == nil, self[first] == nil { return }
        var child = self[first] ?? .object([:])
        child.put(value, path.dropFirst())
        self[first] = child
    }

    /// Whether an object with this UID owns this one.
    func isOwned(by uid: String) -> Bool {
        self["metadata"]?["ownerReferences"]?.arrayValue?.contains { $0["uid"]?.stringValue == uid } ?? false
    }

    /// The UID of the controller that owns this object.
    var controllerUID: String? {
        self["metadata"]?["ownerReferences"]?.arrayValue?.first { $0["controller"]?.boolValue == true }?["uid"]?
            .stringValue
    }

    /// A condition of the status, by type.
    func condition(_ type: String) -> JSONValue? {
        self["status"]?["conditions"]?.arrayValue?.first { $0["type"]?.stringValue == type }
    }

    /// A reference to this object as the controller of another.
    func ownerReference(apiVersion: String, kind: String) -> JSONValue {
        [
            "apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name), "uid": .string(uid),
            "controller": true, "blockOwnerDeletion": true,
        ]
    }
}
