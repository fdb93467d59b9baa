internal import KubernetesObjects

// MARK: - Merging and removing

extension TypedValue {
    /// A live value with an applied one laid over it.
    static func merge(_ live: JSONValue?, _ applied: JSONValue?, shape: Shape) -> JSONValue? {
        guard let applied else { return live }
        guard let live, !live.isNull else { return applied }
        switch (shape.resolved, live, applied) {
        case (.structure(let structure), .object(let old), .object(let new)) where !structure.isAtomic:
            return .object(mergeMembers(old, new) { structure.shape(of: $0) ?? .anything })
        case (.map(let item, false), .object(let old), .object(let new)):
            return .object(mergeMembers(old, new) { _ in item })
        case (.anything, .object(let old), .object(let new)):
            return .object(mergeMembers(old, new) { _ in .anything })
        case (.list(let item, let identity), .array, .array) where identity != .atomic:
            return .array(mergeItems(live, applied, item: item, identity: identity))
        default:
            return applied
        }
    }

    private static func mergeMembers(
        _ old: [String: JSONValue], _ new: [String: JSONValue], shape: (String) -> Shape
    ) -> [String: JSONValue] {
        var result = old
        for (key, value) in new { result[key] = merge(old[key], value, shape: shape(key)) }
        return result
    }

    /// Applied items keep their order among themselves, live ones that were not applied stay near their neighbours.
    private static func mergeItems(
        _ live: JSONValue, _ applied: JSONValue, item: Shape, identity: ListIdentity
    ) -> [JSONValue] {
        let old = indexed(live, shape: item, identity: identity)
        let new = indexed(applied, shape: item, identity: identity)
        let shared = new.order.filter { old.items[$0] != nil }
        var nextShared = 0
        var result: [JSONValue] = []
        var left = 0
        var right = 0
        while left < old.order.count || right < new.order.count {
            if left < old.order.count, right < new.order.count, old.order[left] == new.order[right] {
                let step = old.order[left]
                if let value = merge(old.items[step], new.items[step], shape: item) { result.append(value) }
                left += 1
                right += 1
                nextShared += 1
                continue
            }
            if left < old.order.count {
                let step = old.order[left]
                guard new.items[step] != nil else {
                    if let value = old.items[step] { result.append(value) }
                    left += 1
                    continue
                }
                if nextShared >= shared.count || shared[nextShared] != step {
                    left += 1
                    continue
                }
            }
            if right < new.order.count {
                let step = new.order[right]
                if let value = merge(old.items[step], new.items[step], shape: item) { result.append(value) }
                right += 1
                if old.items[step] != nil { nextShared += 1 }
            } else {
                left += 1
            }
        }
        return result
    }

    /// A value without the fields of a set. Containers left empty go too, unless someone keeps them.
    static func removing(_ set: FieldSet, from value: JSONValue, shape: Shape, keeping kept: FieldSet) -> JSONValue {
        if set.isEmpty { return value }
        switch (shape.resolved, value) {
        case (.structure(let structure), .object(let members)) where !structure.isAtomic:
            return .object(removing(set, from: members, keeping: kept) { structure.shape(of: $0) ?? .anything })
        case (.map(let item, false), .object(let members)):
            return .object(removing(set, from: members, keeping: kept) { _ in item })
        case (.anything, .object(let members)):
            return .object(removing(set, from: members, keeping: kept) { _ in .anything })
        case (.list(let item, let identity), .array(let elements)) where identity != .atomic:
            var result: [JSONValue] = []
            for element in elements {
                guard case .success(let step) = identify(element, shape: item, identity: identity) else {
                    result.append(element)
                    continue
                }
                if set.members.contains(step) { continue }
                guard let inner = set.children[step] else {
                    result.append(element)
                    continue
                }
                let rest = removing(inner, from: element, shape: item, keeping: kept.children[step] ?? .empty)
                result.append(rest)
            }
            return .array(result)
        default:
            return value
        }
    }

    private static func removing(
        _ set: FieldSet, from members: [String: JSONValue], keeping kept: FieldSet, shape: (String) -> Shape
    ) -> [String: JSONValue] {
        var result = members
        for case .field(let key) in set.members { result[key] = nil }
        for (step, inner) in set.children {
            guard case .field(let key) = step, let member = result[key], !set.members.contains(step) else { continue }
            let rest = removing(inner, from: member, shape: shape(key), keeping: kept.children[step] ?? .empty)
            let isEmptied = rest != member && (rest == .object([:]) || rest == .array([]))
            result[key] = isEmptied && !kept.members.contains(step) ? nil : rest
        }
        return result
    }
}
