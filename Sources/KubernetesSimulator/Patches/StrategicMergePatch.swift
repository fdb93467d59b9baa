internal import KubernetesObjects

/// Strategic merge patches: merge patches that know which lists are merged by a key.
enum StrategicMergePatch {
    /// A value with a patch laid over it; nil when the patch deletes it.
    static func apply(_ patch: JSONValue, to value: JSONValue?, shape: Shape) -> JSONValue? {
        guard case .object(let changes) = patch else { return patch }
        if changes["$patch"]?.stringValue == "delete" { return nil }
        if changes["$patch"]?.stringValue == "replace" {
            var rest = changes
            rest["$patch"] = nil
            return .object(rest)
        }
        var members = value?.objectValue ?? [:]
        if let retained = changes["$retainKeys"]?.arrayValue {
            let names = Set(retained.compactMap(\.stringValue))
            members = members.filter { names.contains($0.key) }
        }
        for (key, change) in changes where !key.hasPrefix("$") {
            let field = fieldShape(of: key, in: shape)
            switch (change, field.resolved) {
            case (.null, _):
                members[key] = nil
            case (.array(let items), .list(let item, let identity)) where identity != .atomic:
                members[key] = mergeList(
                    items, into: members[key]?.arrayValue ?? [], item: item, identity: identity,
                    removing: changes["$deleteFromPrimitiveList/\(key)"]?.arrayValue ?? [],
                    order: changes["$setElementOrder/\(key)"]?.arrayValue)
            case (.object, _):
                members[key] = apply(change, to: members[key], shape: field)
            default:
                members[key] = change
            }
        }
        applyListDirectives(of: changes, to: &members, shape: shape)
        return .object(members)
    }

    /// Directives about lists that the patch itself does not name.
    private static func applyListDirectives(
        of changes: [String: JSONValue], to members: inout [String: JSONValue], shape: Shape
    ) {
        let deletion = "$deleteFromPrimitiveList/"
        let ordering = "$setElementOrder/"
        for (key, change) in changes {
            if key.hasPrefix(deletion) {
                let name = String(key.dropFirst(deletion.count))
                guard changes[name] == nil, case .array(let items)? = members[name] else { continue }
                let removals = change.arrayValue ?? []
                members[name] = .array(items.filter { !removals.contains($0) })
            } else if key.hasPrefix(ordering) {
                let name = String(key.dropFirst(ordering.count))
                guard changes[name] == nil, case .array(let items)? = members[name],
                    case .list(let item, let identity) = fieldShape(of: name, in: shape).resolved
                else { continue }
                members[name] = mergeList(
                    [], into: items, item: item, identity: identity, removing: [], order: change.arrayValue)
            }
        }
    }

    private static func fieldShape(of key: String, in shape: Shape) -> Shape {
        switch shape.resolved {
        case .structure(let structure): structure.shape(of: key) ?? .anything
        case .map(let item, _): item
        default: .anything
        }
    }

    /// What tells items apart in patches: the value of the list's first key.
    private static func name(of item: JSONValue, _ identity: ListIdentity) -> JSONValue? {
        switch identity {
        case .map(let keys): keys.first.flatMap { item[$0] }
        case .set, .atomic: item
        }
    }

    private static func mergeList(
        _ patch: [JSONValue], into live: [JSONValue], item: Shape, identity: ListIdentity, removing: [JSONValue],
        order: [JSONValue]?
    ) -> JSONValue {
        if patch.contains(where: { $0["$patch"]?.stringValue == "replace" }) {
            return .array(patch.filter { $0["$patch"] == nil })
        }
        var result = live.filter { !removing.contains($0) }
        for change in patch {
            guard let name = name(of: change, identity) else { continue }
            let index = result.firstIndex { Self.name(of: $0, identity) == name }
            if change["$patch"]?.stringValue == "delete" {
                if let index { result.remove(at: index) }
            } else if let index {
                if case .map = identity, let merged = apply(change, to: result[index], shape: item) {
                    result[index] = merged
                }
            } else {
                result.append(change)
            }
        }
        guard let order else { return .array(result) }
        let wanted = order.map { Self.name(of: $0, identity) ?? $0 }
        func place(_ item: JSONValue) -> Int? { Self.name(of: item, identity).flatMap(wanted.firstIndex) }
        let listed = result.filter { place($0) != nil }.sorted { (place($0) ?? 0) < (place($1) ?? 0) }
        return .array(listed + result.filter { place($0) == nil })
    }
}
