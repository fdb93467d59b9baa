public import SwellModel

/// A field, or a whole object, that others keep writing against the agent: it is left to them until the next release.
public struct ContestedField: Sendable, Hashable {
    public let apiVersion: String
    public let kind: String
    public let namespace: String?
    public let name: String
    /// The field; empty for the whole object.
    public let path: String

    public init(_ object: ObjectChange, path: String) {
        self.apiVersion = object.apiVersion
        self.kind = object.kind
        self.namespace = object.namespace
        self.name = object.name
        self.path = path
    }

    /// Whether a field of an object is this one, or lies in it.
    public func covers(_ object: ObjectChange, _ field: String) -> Bool {
        guard object.apiVersion == apiVersion, object.kind == kind, object.namespace == namespace, object.name == name
        else { return false }
        return path.isEmpty || field == path || field.hasPrefix("\(path).") || field.hasPrefix("\(path)[")
    }

    /// `spec.replicas of Deployment shop/web`.
    var title: String {
        let object = "\(kind) \(namespace.map { "\($0)/" } ?? "")\(name)"
        return path.isEmpty ? object : "\(path) of \(object)"
    }

    /// What to write into the application to leave it for good.
    var advice: String {
        guard !path.isEmpty else { return "take it out of the release, or have the other stop" }
        let written = path.contains(where: { "[]\"',{}: ".contains($0) }) ? "'\(path)'" : path
        return "ignoreFields: [{apiVersion: \(apiVersion), kind: \(kind), name: \(name), paths: [\(written)]}]"
    }
}

extension [ContestedField] {
    /// What of changes is to be put back, and what is left to others.
    public func split(_ changes: [ObjectChange]) -> (open: [ObjectChange], left: [ObjectChange]) {
        var (open, left): ([ObjectChange], [ObjectChange]) = ([], [])
        for change in changes {
            // What another application holds is left from the start.
            let isLeftWhole = change.action == .keep || contains { $0.path.isEmpty && $0.covers(change, "") }
            let leftFields = change.fields.filter { field in contains { $0.covers(change, field.path) } }
            if isLeftWhole || !change.fields.isEmpty && leftFields.count == change.fields.count {
                left.append(change)
                continue
            }
            guard !leftFields.isEmpty else {
                open.append(change)
                continue
            }
            var (one, other) = (change, change)
            one.fields = change.fields.filter { !leftFields.contains($0) }
            other.fields = leftFields
            open.append(one)
            left.append(other)
        }
        return (open, left)
    }
}
