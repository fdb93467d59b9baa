public import KubernetesObjects

/// One field in which two states of an object differ.
public struct FieldChange: Sendable, Hashable {
    /// The field.
    public var path: FieldPath
    /// Its value before; nil where it was missing.
    public var before: JSONValue?
    /// Its value after; nil where it is missing.
    public var after: JSONValue?
    /// Who owns the field beside the applier, as far as `metadata.managedFields` tells.
    public var managers: [String]

    /// Creates a change.
    public init(path: FieldPath, before: JSONValue?, after: JSONValue?, managers: [String] = []) {
        self.path = path
        self.before = before
        self.after = after
        self.managers = managers
    }
}

extension FieldChange: CustomStringConvertible {
    /// `spec.replicas: 2 -> 3`.
    public var description: String {
        "\(path): \(before.map(\.description) ?? "(absent)") -> \(after.map(\.description) ?? "(absent)")"
    }
}

/// In what two states of an object differ, apart from what servers and controllers write. Pure.
public enum ObjectDifference {
    /// The changes from one state to another: all fields but `status` and, of `metadata`, all but labels, annotations, finalizers
    /// and owners.
    ///
    /// Meant for the live object and the server's own dry-run answer: both have been through defaulting and admission,
    /// so what differs is what the applier wants otherwise. Values of Secrets are hidden.
    ///
    /// - Parameters:
    ///   - live: The state before; nil when there is none.
    ///   - desired: The state after.
    ///   - ignoring: Fields that are left to somebody else.
    ///   - mask: What hides values; share one over a bundle, so that equal values are hidden alike in all of it.
    public static func changes(
        from live: KubernetesObject?, to desired: KubernetesObject, ignoring: [FieldPath] = [], mask: inout SecretMask
    ) -> [FieldChange] {
        let isSecret = desired.type.groupKind == GroupKind(kind: "Secret")
        let before = live.map { comparable($0, ignoring: ignoring) }
        let after = comparable(desired, ignoring: ignoring)
        if before == after { return [] }
        var changes: [FieldChange] = []
        compare(before, after, .root, &changes)
        guard isSecret else { return changes }
        return changes.map { change in
            var hidden = change
            let isSensitive = holdsSecrets(change.path)
            if isSensitive {
                hidden.before = change.before.map { hide($0, &mask) }
                hidden.after = change.after.map { hide($0, &mask) }
            }
            return hidden
        }
    }

    /// The object with the values of a Secret hidden; any other object as it is.
    public static func hidingSecrets(_ object: KubernetesObject, mask: inout SecretMask) -> KubernetesObject {
        guard object.type.groupKind == GroupKind(kind: "Secret") else { return object }
        var hidden = object
        for field in ["data", "stringData"] {
            if let value = object[field] { hidden[field] = hide(value, &mask) }
        }
        if object.annotations[lastApplied] != nil { hidden.annotations[lastApplied] = "<hidden>" }
        return hidden
    }

    /// Where kubectl keeps a copy of the whole object.
    static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

    private static func comparable(_ object: KubernetesObject, ignoring: [FieldPath]) -> JSONValue {
        var copy = object
        for path in ignoring { copy.remove(at: path) }
        var metadata: [String: JSONValue] = [:]
        for field in ["labels", "annotations"] {
            if let members = copy.metadata[field]?.objectValue, !members.isEmpty { metadata[field] = .object(members) }
        }
        // Both states hold those of controllers alike; what differs is what the manifest says.
        for field in ["finalizers", "ownerReferences"] {
            if let elements = copy.metadata[field]?.arrayValue, !elements.isEmpty { metadata[field] = .array(elements) }
        }
        var members = copy.json.objectValue ?? [:]
        members["status"] = nil
        members["apiVersion"] = nil
        members["kind"] = nil
        members["metadata"] = metadata.isEmpty ? nil : .object(metadata)
        return .object(members)
    }

    private static func compare(
        _ before: JSONValue?, _ after: JSONValue?, _ path: FieldPath, _ changes: inout [FieldChange]
    ) {
        if before == after { return }
        switch (before, after) {
        case (.object(let old), .object(let new)):
            for key in Set((Array(old.keys) + new.keys).map(ExactText.init)).sorted().map(\.text) {
                compare(old.exactly(key), new.exactly(key), path.appending(key), &changes)
            }
        case (nil, .object(let new)) where path.components.count < 2 && !new.isEmpty:
            for key in new.keys.sorted() { compare(nil, new[key], path.appending(key), &changes) }
        case (.object(let old), nil) where path.components.count < 2 && !old.isEmpty:
            for key in old.keys.sorted() { compare(old[key], nil, path.appending(key), &changes) }
        case (.array(let old), .array(let new)) where old.count == new.count:
            for index in old.indices { compare(old[index], new[index], path.appending(index), &changes) }
        default:
            changes.append(FieldChange(path: path, before: before, after: after))
        }
    }

    private static func holdsSecrets(_ path: FieldPath) -> Bool {
        switch path.components.first {
        case .key("data"), .key("stringData"): true
        case .key("metadata"): path.components.contains(.key(lastApplied)) || path.components.count < 3
        case nil: true
        default: false
        }
    }

    private static func hide(_ value: JSONValue, _ mask: inout SecretMask) -> JSONValue {
        switch value {
        case .object(let members):
            var hidden: [String: JSONValue] = [:]
            for key in members.keys.sorted() { hidden[key] = members[key].map { hide($0, &mask) } }
            return .object(hidden)
        case .array(let elements):
            var hidden: [JSONValue] = []
            for element in elements { hidden.append(hide(element, &mask)) }
            return .array(hidden)
        case .string(let text): return .string(mask.standIn(for: text))
        case .null: return .null
        default: return .string(mask.standIn(for: value.serialized()))
        }
    }
}
