internal import KubernetesObjects

/// The fields that one manager's apply owns of an object, as `metadata.managedFields` names them. Pure.
struct OwnedFields: Sendable, Hashable {
    /// The API version in which the fields are named.
    let apiVersion: String
    /// The `fieldsV1` of the manager's entry: `f:name` for members, `k:{…}` and `v:…` for elements of lists.
    let fields: JSONValue

    /// Nil where the manager does not apply the object.
    init?(of object: KubernetesObject, manager: String) {
        let entries = object.metadata["managedFields"]?.arrayValue ?? []
        let own = entries.filter { entry in
            entry["manager"]?.stringValue == manager && entry["operation"]?.stringValue == "Apply"
                && (entry["subresource"]?.stringValue ?? "").isEmpty
        }
        // A server keeps one such entry; more than that is nothing to draw conclusions from.
        guard own.count == 1, let fields = own.first?["fieldsV1"], fields.objectValue != nil else { return nil }
        self.apiVersion = own.first?["apiVersion"]?.stringValue ?? ""
        self.fields = fields
    }

    /// Whether all that is sent of an object is among these fields: what is not was dropped or moved by the server.
    func cover(_ sent: KubernetesObject) -> Bool {
        var members = sent.json.objectValue ?? [:]
        members["apiVersion"] = nil
        members["kind"] = nil
        var metadata = sent.metadata
        metadata["name"] = nil
        metadata["namespace"] = nil
        members["metadata"] = .object(metadata)
        return Self.covers(.object(members), fields)
    }

    private static func covers(_ value: JSONValue, _ node: JSONValue?) -> Bool {
        switch value {
        case .null: return true
        case .object(let members):
            if members.isEmpty { return true }
            guard let node else { return false }
            if isLeaf(node) { return true }
            return members.allSatisfy { covers($0.value, node["f:\($0.key)"]) }
        case .array(let elements):
            if elements.isEmpty { return true }
            guard let node else { return false }
            if isLeaf(node) { return true }
            return (node.objectValue ?? [:]).keys.count { $0 != "." } == elements.count
        default: return node != nil
        }
    }

    private static func isLeaf(_ node: JSONValue) -> Bool {
        (node.objectValue ?? [:]).keys.allSatisfy { $0 == "." }
    }

    /// The values that these fields have in an object; nil where they cannot be told apart from others'.
    ///
    /// What belongs to others is left out, but for lists: of these the number of elements and the places of the own ones
    /// count too, because a server that merges lists looks at both.
    func values(in object: KubernetesObject) -> JSONValue? {
        Self.project(object.json, fields)
    }

    private static func project(_ value: JSONValue?, _ node: JSONValue) -> JSONValue? {
        guard let members = node.objectValue else { return nil }
        let inner = members.filter { $0.key != "." }
        // What is owned and not there was taken elsewhere by the server, as `stringData` of a Secret is.
        guard let value else { return nil }
        // A leaf is owned whole, and so is an element of which nothing in particular is.
        if isLeaf(node) { return .object(["whole": value]) }
        if inner.keys.allSatisfy({ $0.hasPrefix("f:") }) {
            var result: [String: JSONValue] = [:]
            for (key, child) in inner {
                guard let projected = project(value[String(key.dropFirst(2))], child) else { return nil }
                result[key] = projected
            }
            return .object(result)
        }
        guard let elements = value.arrayValue else { return nil }
        // Sets and lists without keys are small: the whole of them.
        guard inner.keys.allSatisfy({ $0.hasPrefix("k:") }) else { return .object(["whole": value]) }
        var result: [String: JSONValue] = ["count": .integer(Int64(elements.count))]
        for (text, child) in inner {
            guard let key = try? JSONValue(parsing: Array(text.utf8.dropFirst(2)), duplicateKeys: .keepLast),
                let parts = key.objectValue
            else { return nil }
            let places = elements.indices.filter { index in
                parts.allSatisfy { elements[index][$0.key] == $0.value }
            }
            guard places.count == 1, let place = places.first, let projected = project(elements[place], child) else {
                return nil
            }
            result[text] = .object(["place": .integer(Int64(place)), "value": projected])
        }
        return .object(result)
    }
}
