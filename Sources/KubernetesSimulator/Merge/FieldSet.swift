internal import KubernetesObjects

/// A set of paths to fields: what a manager owns, or what differs between two objects.
struct FieldSet: Sendable, Hashable {
    /// The paths that end here.
    var members: Set<PathElement> = []
    /// The paths that go on.
    var children: [PathElement: FieldSet] = [:]

    static let empty = FieldSet()

    /// Whether there is no path at all.
    var isEmpty: Bool { members.isEmpty && children.allSatisfy { $0.value.isEmpty } }

    mutating func insert(_ path: [PathElement]) {
        insert(path[...])
    }

    private mutating func insert(_ path: ArraySlice<PathElement>) {
        guard let first = path.first else { return }
        if path.count == 1 {
            members.insert(first)
        } else {
            children[first, default: .empty].insert(path.dropFirst())
        }
    }

    mutating func remove(_ path: [PathElement]) {
        guard let first = path.first else { return }
        if path.count == 1 {
            members.remove(first)
        } else if var child = children[first] {
            child.remove(Array(path.dropFirst()))
            children[first] = child.isEmpty ? nil : child
        }
    }

    /// Removes a path and everything below it.
    mutating func removeAll(under path: [PathElement]) {
        guard let first = path.first else { return }
        if path.count == 1 {
            members.remove(first)
            children[first] = nil
        } else if var child = children[first] {
            child.removeAll(under: Array(path.dropFirst()))
            children[first] = child.isEmpty ? nil : child
        }
    }

    func union(_ other: FieldSet) -> FieldSet {
        var result = FieldSet(members: members.union(other.members), children: children)
        for (element, child) in other.children {
            result.children[element] = result.children[element].map { $0.union(child) } ?? child
        }
        return result
    }

    func subtracting(_ other: FieldSet) -> FieldSet {
        var result = FieldSet(members: members.subtracting(other.members))
        for (element, child) in children {
            let rest = other.children[element].map { child.subtracting($0) } ?? child
            if !rest.isEmpty { result.children[element] = rest }
        }
        return result
    }

    func intersection(_ other: FieldSet) -> FieldSet {
        var result = FieldSet(members: members.intersection(other.members))
        for (element, child) in children {
            guard let peer = other.children[element] else { continue }
            let both = child.intersection(peer)
            if !both.isEmpty { result.children[element] = both }
        }
        return result
    }

    /// This set with every element that leads somewhere made a member too.
    var withParents: FieldSet {
        var result = FieldSet(members: members)
        for (element, child) in children where !child.isEmpty {
            result.members.insert(element)
            result.children[element] = child.withParents
        }
        return result
    }

    /// Every path, in a stable order.
    var paths: [[PathElement]] {
        var result: [[PathElement]] = []
        let elements = Set(members).union(children.keys).sorted { $0.encoded < $1.encoded }
        for element in elements {
            if members.contains(element) { result.append([element]) }
            for path in children[element]?.paths ?? [] { result.append([element] + path) }
        }
        return result
    }
}

extension FieldSet {
    /// Reads `fieldsV1`; what cannot be read is left out.
    init(fieldsV1: JSONValue) {
        for (text, value) in fieldsV1.objectValue ?? [:] {
            guard text != ".", let element = PathElement(encoded: text) else { continue }
            let members = value.objectValue ?? [:]
            if members.isEmpty || members["."] != nil { self.members.insert(element) }
            let child = FieldSet(fieldsV1: value)
            if !child.isEmpty { children[element] = child }
        }
    }

    /// The form in `metadata.managedFields`.
    var fieldsV1: JSONValue {
        var result: [String: JSONValue] = [:]
        for member in members { result[member.encoded] = .object([:]) }
        for (element, child) in children where !child.isEmpty {
            var inner = child.fieldsV1.objectValue ?? [:]
            if members.contains(element) { inner["."] = .object([:]) }
            result[element.encoded] = .object(inner)
        }
        return .object(result)
    }
}

/// Where two objects differ.
struct Comparison: Sendable {
    var added = FieldSet.empty
    var modified = FieldSet.empty
    var removed = FieldSet.empty

    /// Whether there is no difference.
    var isSame: Bool { added.isEmpty && modified.isEmpty && removed.isEmpty }
}
