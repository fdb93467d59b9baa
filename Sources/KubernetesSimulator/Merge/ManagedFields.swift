internal import KubernetesObjects

/// One entry of `metadata.managedFields`: who owns which fields.
struct FieldManager: Sendable, Hashable {
    /// What tells one manager's entry from another's.
    struct Identity: Sendable, Hashable {
        var name: String
        /// Whether the fields were applied, and not written by an update.
        var isApply: Bool
        var apiVersion: String
        var subresource: String
    }

    var identity: Identity
    var time: String?
    var fields: FieldSet

    init(identity: Identity, time: String?, fields: FieldSet) {
        self.identity = identity
        self.time = time
        self.fields = fields
    }

    init?(entry: JSONValue) {
        guard let name = entry["manager"]?.stringValue, let operation = entry["operation"]?.stringValue else {
            return nil
        }
        identity = Identity(
            name: name, isApply: operation == "Apply", apiVersion: entry["apiVersion"]?.stringValue ?? "",
            subresource: entry["subresource"]?.stringValue ?? "")
        time = entry["time"]?.stringValue
        fields = FieldSet(fieldsV1: entry["fieldsV1"] ?? .object([:]))
    }

    var entry: JSONValue {
        var members: [String: JSONValue] = [
            "manager": .string(identity.name), "operation": identity.isApply ? "Apply" : "Update",
            "apiVersion": .string(identity.apiVersion), "fieldsType": "FieldsV1", "fieldsV1": fields.fieldsV1,
        ]
        if let time { members["time"] = .string(time) }
        if !identity.subresource.isEmpty { members["subresource"] = .string(identity.subresource) }
        return .object(members)
    }

    /// How a conflict names this manager.
    var conflictText: String {
        var text = "\"\(identity.name)\""
        if !identity.subresource.isEmpty { text += " with subresource \"\(identity.subresource)\"" }
        if !identity.isApply { text += " using \(identity.apiVersion)" }
        return text
    }
}

/// All entries of `metadata.managedFields`.
struct ManagedFields: Sendable, Hashable {
    var managers: [FieldManager] = []

    init(of object: JSONValue?) {
        managers = object?["metadata"]?["managedFields"]?.arrayValue?.compactMap(FieldManager.init(entry:)) ?? []
    }

    /// The entries in the server's order: applied first, then by time and name.
    var entries: JSONValue? {
        let kept = managers.filter { !$0.fields.isEmpty }.sorted { left, right in
            if left.identity.isApply != right.identity.isApply { return left.identity.isApply }
            if left.time != right.time { return (left.time ?? "") < (right.time ?? "") }
            if left.identity.name != right.identity.name { return left.identity.name < right.identity.name }
            if left.identity.apiVersion != right.identity.apiVersion {
                return left.identity.apiVersion < right.identity.apiVersion
            }
            return left.identity.subresource < right.identity.subresource
        }
        return kept.isEmpty ? nil : .array(kept.map(\.entry))
    }

    subscript(identity: FieldManager.Identity) -> FieldSet? {
        managers.first { $0.identity == identity }?.fields
    }

    /// Gives a manager these fields; its time moves only when they changed.
    mutating func set(_ fields: FieldSet, for identity: FieldManager.Identity, time: String) {
        if let index = managers.firstIndex(where: { $0.identity == identity }) {
            if managers[index].fields != fields {
                managers[index].fields = fields
                managers[index].time = time
            }
        } else if !fields.isEmpty {
            managers.append(FieldManager(identity: identity, time: time, fields: fields))
        }
    }

    /// Notes that a manager has just written.
    mutating func touch(_ identity: FieldManager.Identity, time: String) {
        guard let index = managers.firstIndex(where: { $0.identity == identity }) else { return }
        managers[index].time = time
    }

    /// What no manager ever owns: identity and the server's own bookkeeping.
    static let unowned: [[PathElement]] = [
        [.field("apiVersion")], [.field("kind")], [.field("metadata")],
        [.field("metadata"), .field("name")], [.field("metadata"), .field("namespace")],
        [.field("metadata"), .field("creationTimestamp")], [.field("metadata"), .field("selfLink")],
        [.field("metadata"), .field("uid")], [.field("metadata"), .field("generation")],
        [.field("metadata"), .field("managedFields")], [.field("metadata"), .field("resourceVersion")],
        [.field("metadata"), .field("deletionTimestamp")], [.field("metadata"), .field("deletionGracePeriodSeconds")],
    ]

    /// A set without what nobody owns and without what this endpoint never writes.
    static func owned(_ set: FieldSet, ignoring ignored: [[PathElement]]) -> FieldSet {
        var result = set
        for path in unowned { result.remove(path) }
        for path in ignored { result.removeAll(under: path) }
        return result
    }
}
