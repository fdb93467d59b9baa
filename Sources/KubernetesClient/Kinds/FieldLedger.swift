internal import KubernetesObjects

/// Whose a field is, beside the manager that asks.
enum FieldOwner: Sendable, Hashable {
    case nobody
    /// The manager that asks, and nobody else.
    case ours
    /// The manager that asks, and these.
    case shared([String])
    /// These, in the order of their names.
    case others([String])
}

/// Who owns which fields of an object, as `metadata.managedFields` has it. Pure.
///
/// What a controller writes to `status` is no word on what an object is to be, and does not count; what it writes to `scale`,
/// as autoscalers do, is.
struct FieldLedger: Sendable {
    private let entries: [JSONValue]
    private let json: JSONValue

    init(_ live: KubernetesObject) {
        self.entries = live.metadata["managedFields"]?.arrayValue ?? []
        self.json = live.json
    }

    /// Whether a manager applies the object.
    func isApplied(by manager: String) -> Bool {
        entries.contains { Self.manager($0) == manager && Self.isApply($0) }
    }

    /// Whether a manager has a field by another kind of write than an apply, so that no apply of its own takes it away.
    func isUpdated(_ path: FieldPath, by manager: String) -> Bool {
        entries.contains { entry in
            Self.manager(entry) == manager && !Self.isApply(entry) && Self.isAssignment(entry)
                && Self.owns(entry["fieldsV1"] ?? [:], path.components[...], json)
        }
    }

    /// Who applies the object, beside a manager: tools that have it from a manifest of their own.
    func appliers(beside manager: String) -> [String] {
        Set(entries.filter { Self.isApply($0) && Self.manager($0) != manager }.map(Self.manager)).sorted()
    }

    /// Whose a field is. It is also theirs who own what it lies in, or something inside of it.
    func owner(of path: FieldPath, beside manager: String) -> FieldOwner {
        let others = writers(of: path, beside: manager)
        let isOurs = entries.contains { entry in
            Self.manager(entry) == manager && Self.isAssignment(entry)
                && Self.owns(entry["fieldsV1"] ?? [:], path.components[...], json)
        }
        switch (isOurs, others.isEmpty) {
        case (true, true): return .ours
        case (true, false): return .shared(others)
        case (false, true): return .nobody
        case (false, false): return .others(others)
        }
    }

    /// Who owns a field, or the nearest thing around it that anybody but the manager owns, in the order of their names.
    func writers(of path: FieldPath, beside manager: String) -> [String] {
        let owners = entries.filter { entry in
            Self.manager(entry) != manager && Self.isAssignment(entry)
                && Self.owns(entry["fieldsV1"] ?? [:], path.components[...], json)
        }
        return Set(owners.map(Self.manager)).sorted()
    }

    /// Who wrote last, where that was somebody after the manager: a field that was taken away is owned by nobody.
    func lastWriter(beside manager: String) -> String? {
        let stamped = entries.filter(Self.isAssignment).compactMap { entry in
            entry["time"]?.stringValue.map { (time: $0, name: Self.manager(entry)) }
        }
        let own = stamped.filter { $0.name == manager }.map(\.time).max() ?? ""
        // Times are of one form and one clock, the server's, so that their texts are in order.
        return stamped.filter { $0.name != manager && $0.time >= own }.max { $0.time < $1.time }?.name
    }

    /// Whether a field lies in a map or list that is owned as a whole: nobody can be left a part of it.
    func isInsideWhole(_ path: FieldPath) -> Bool {
        entries.contains { entry in
            guard Self.isAssignment(entry) else { return false }
            var node = entry["fieldsV1"] ?? [:]
            var value: JSONValue? = json
            for (depth, step) in path.components.enumerated() {
                guard let next = Self.step(node, step, value) else { return false }
                node = next.node
                value = next.value
                if node.objectValue?.isEmpty == true { return depth < path.components.count - 1 }
            }
            return false
        }
    }

    private static func step(
        _ node: JSONValue, _ step: FieldPath.Component, _ value: JSONValue?
    ) -> (node: JSONValue, value: JSONValue?)? {
        switch step {
        case .key(let key): return node["f:\(key)"].map { ($0, value?[key]) }
        case .index(let index):
            guard let elements = value?.arrayValue, elements.indices.contains(index) else { return nil }
            let found = (node.objectValue ?? [:]).first { isKey($0.key, of: elements[index]) }
            return found.map { ($0.value, elements[index]) }
        }
    }

    /// Whether somebody has scaled the object by its scale, as autoscalers and `kubectl scale` do.
    var isScaled: Bool {
        entries.contains {
            $0["subresource"]?.stringValue == "scale" && $0["fieldsV1"]?["f:spec"]?["f:replicas"] != nil
        }
    }

    private static func manager(_ entry: JSONValue) -> String { entry["manager"]?.stringValue ?? "" }

    private static func isApply(_ entry: JSONValue) -> Bool { entry["operation"]?.stringValue == "Apply" }

    private static func isAssignment(_ entry: JSONValue) -> Bool { entry["subresource"]?.stringValue != "status" }

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

    /// The managed fields with all that others have from manifests handed to a manager's apply; nil when there is nothing to hand over.
    ///
    /// Without this they stay co-owners, and a field that is later dropped from the manifest would stay for ever. Fields by the names of
    /// another API version cannot be told to be the same, and are left to nobody.
    ///
    /// - Parameter isForced: Whether they are taken from any tool that applies manifests, and not from kubectl's client-side apply alone.
    func takingOver(manager: String, isForced: Bool = false) -> JSONValue? {
        let given = entries.filter { Self.isHandedOver($0, isForced) }
        guard !isApplied(by: manager), let version = json["apiVersion"] ?? given.first?["apiVersion"],
            var taken = given.first(where: { $0["apiVersion"] == version }) ?? given.first
        else { return nil }
        for entry in given where entry["apiVersion"] == taken["apiVersion"] {
            taken["fieldsV1"] = Self.union(taken["fieldsV1"] ?? [:], entry["fieldsV1"] ?? [:])
        }
        taken["manager"] = .string(manager)
        taken["operation"] = "Apply"
        return .array(entries.filter { !Self.isHandedOver($0, isForced) } + [taken])
    }

    /// The tools whose fields force takes over of which some are not in an object that is sent: those go.
    func toolsWithMore(than wanted: KubernetesObject) -> [String] {
        let more = entries.filter { entry in
            Self.isHandedOver(entry, true) && !ApplyConflict.clientSideManagers.contains(Self.manager(entry))
                && Self.hasMore(entry["fieldsV1"] ?? [:], than: wanted.json)
        }
        return Set(more.map(Self.manager)).sorted()
    }

    private static func isHandedOver(_ entry: JSONValue, _ isForced: Bool) -> Bool {
        guard isAssignment(entry), (entry["subresource"]?.stringValue ?? "").isEmpty else { return false }
        if !isApply(entry), ApplyConflict.clientSideManagers.contains(manager(entry)) { return true }
        return isForced && ApplyConflict.manifestManagers.contains(manager(entry))
    }

    private static func union(_ one: JSONValue, _ other: JSONValue) -> JSONValue {
        .object((one.objectValue ?? [:]).merging(other.objectValue ?? [:], uniquingKeysWith: union))
    }

    private static func hasMore(_ fields: JSONValue, than value: JSONValue) -> Bool {
        (fields.objectValue ?? [:]).contains { name, inner in
            if name == "." { return false }
            if name.hasPrefix("f:") {
                guard let next = value[String(name.dropFirst(2))] else { return true }
                return hasMore(inner, than: next)
            }
            guard let element = value.arrayValue?.first(where: { isKey(name, of: $0) }) else { return true }
            return hasMore(inner, than: element)
        }
    }

    /// The managed fields with one field, and all in it, handed to a manager's apply by whoever has it: what the manager then does not
    /// send goes.
    func handing(_ path: FieldPath, to manager: String) -> JSONValue {
        let names = path.components.compactMap { if case .key(let key) = $0 { "f:\(key)" } else { nil } }
        var tree: JSONValue = [:]
        if let members = json.value(at: path)?.objectValue {
            tree = [".": [:]]
            for key in members.keys.sorted() { tree["f:\(key)"] = [:] }
        }
        for name in names.reversed() { tree = .object([name: tree]) }
        var entries = entries.map { entry -> JSONValue in
            guard Self.isAssignment(entry), let fields = entry["fieldsV1"] else { return entry }
            var entry = entry
            entry["fieldsV1"] = Self.removing(names[...], from: fields)
            return entry
        }
        let own = entries.firstIndex {
            Self.manager($0) == manager && Self.isApply($0) && ($0["subresource"]?.stringValue ?? "").isEmpty
        }
        if let own {
            entries[own]["fieldsV1"] = Self.union(entries[own]["fieldsV1"] ?? [:], tree)
        } else {
            entries.append([
                "manager": .string(manager), "operation": "Apply", "apiVersion": json["apiVersion"] ?? "",
                "fieldsType": "FieldsV1", "fieldsV1": tree,
            ])
        }
        return .array(entries.filter { $0["fieldsV1"]?.objectValue?.isEmpty != true })
    }

    /// A set of fields without one, and without what around it holds nothing then.
    private static func removing(_ names: ArraySlice<String>, from fields: JSONValue) -> JSONValue {
        guard let name = names.first, let inner = fields[name] else { return fields }
        var fields = fields
        let rest = removing(names.dropFirst(), from: inner)
        let isEmpty = rest.objectValue?.isEmpty == true && inner.objectValue?.isEmpty == false
        var members = fields.objectValue ?? [:]
        members[name] = names.count == 1 || isEmpty ? Optional.none : rest
        fields = .object(members)
        return fields
    }

    /// The managed fields without those of a manager; nil where it has none.
    ///
    /// Where nobody else has any, the manager keeps a map as such, and nothing in it: an object without any managed fields is all
    /// `before-first-apply`'s to the server, with whom whoever applies it next would be in conflict. Where there is no such map, the list
    /// is the entry that stands for none, since an empty one would change nothing.
    func without(_ manager: String) -> JSONValue? {
        let others = entries.filter { Self.manager($0) != manager }
        guard others.count < entries.count else { return nil }
        guard others.isEmpty, var own = entries.first else { return .array(others) }
        let isThere: (JSONValue?) -> Bool = { $0?.objectValue?.isEmpty == false }
        let map: JSONValue = [".": [:]]
        if isThere(json["data"]) {
            own["fieldsV1"] = ["f:data": map]
        } else if let name = ["labels", "annotations"].first(where: { isThere(json["metadata"]?[$0]) }) {
            own["fieldsV1"] = ["f:metadata": .object(["f:\(name)": map])]
        } else {
            return [[:]]
        }
        own["operation"] = "Update"
        own["subresource"] = nil
        return .array([own])
    }
}
