internal import KubernetesObjects

/// Structured merge over values of a known shape: which fields a value sets, where two differ, and their merge.
///
/// The rules are those of sigs.k8s.io/structured-merge-diff, which API servers use.
enum TypedValue {
    /// What keeps a value from being of a shape, as the server words it; nil when nothing does.
    static func problem(in value: JSONValue, shape: Shape, path: String = "") -> String? {
        func fault(_ text: String) -> String { path.isEmpty ? text : "\(path): \(text)" }
        if value.isNull { return nil }
        switch shape.resolved {
        case .string:
            return value.stringValue == nil ? fault("expected string, got \(goType(value))") : nil
        case .integer, .number:
            switch value {
            case .integer, .number: return nil
            default: return fault("expected numeric (int or float), got \(goType(value))")
            }
        case .boolean:
            return value.boolValue == nil ? fault("expected boolean, got \(goType(value))") : nil
        case .quantity:
            switch value {
            case .string, .integer, .number: return nil
            default: return fault("expected string, got \(goType(value))")
            }
        case .anything, .named:
            return nil
        case .list(let item, let identity):
            guard case .array(let elements) = value else { return fault("expected list, got \(goType(value))") }
            var seen: Set<PathElement> = []
            for (index, element) in elements.enumerated() {
                var step = PathElement.index(index)
                if identity != .atomic {
                    switch identify(element, shape: item, identity: identity) {
                    case .success(let element): step = element
                    case .failure(let missing):
                        return
                            "\(path): element \(index): associative list with keys has an element that omits key field \"\(missing.key)\" (and doesn't have default value)"
                    }
                    guard seen.insert(step).inserted else { return fault("duplicate entries for key \(step.text)") }
                }
                if let problem = problem(in: element, shape: item, path: path + step.text) { return problem }
            }
            return nil
        case .map(let item, _):
            guard case .object(let members) = value else { return fault("expected map, got \(goType(value))") }
            for key in members.keys.sorted() {
                guard let member = members[key] else { continue }
                if let problem = problem(in: member, shape: item, path: "\(path).\(key)") { return problem }
            }
            return nil
        case .structure(let structure):
            guard case .object(let members) = value else { return fault("expected map, got \(goType(value))") }
            for key in members.keys.sorted() {
                guard let member = members[key] else { continue }
                guard let field = structure.shape(of: key) else {
                    return "\(path).\(key): field not declared in schema"
                }
                if let problem = problem(in: member, shape: field, path: "\(path).\(key)") { return problem }
            }
            return nil
        }
    }

    private static func goType(_ value: JSONValue) -> String {
        switch value {
        case .null: "nil"
        case .bool: "bool"
        case .integer: "int64"
        case .number: "float64"
        case .string: "string"
        case .array: "[]interface {}"
        case .object: "map[string]interface {}"
        }
    }

    struct MissingKey: Error {
        var key: String
    }

    /// What tells a list's item from its siblings.
    static func identify(_ item: JSONValue, shape: Shape, identity: ListIdentity) -> Result<PathElement, MissingKey> {
        guard case .map(let keys) = identity else { return .success(.value(item)) }
        var found: [String: JSONValue] = [:]
        let structure: Structure? = if case .structure(let inner) = shape.resolved { inner } else { nil }
        for key in keys {
            if let value = item[key], !value.isNull {
                found[key] = value
            } else if let value = structure?.keyDefaults[key] {
                found[key] = value
            }
        }
        guard !found.isEmpty else { return .failure(MissingKey(key: keys.first ?? "")) }
        return .success(.key(found))
    }

    /// The items of a list by what identifies them, and their order.
    static func indexed(
        _ value: JSONValue?, shape: Shape, identity: ListIdentity
    ) -> (order: [PathElement], items: [PathElement: JSONValue]) {
        var order: [PathElement] = []
        var items: [PathElement: JSONValue] = [:]
        for item in value?.arrayValue ?? [] {
            guard case .success(let element) = identify(item, shape: shape, identity: identity) else { continue }
            if items.updateValue(item, forKey: element) == nil { order.append(element) }
        }
        return (order, items)
    }
}

// MARK: - The fields that a value sets

extension TypedValue {
    /// The fields that a value sets, as the manager that applies it owns them.
    static func fieldSet(of value: JSONValue, shape: Shape) -> FieldSet {
        var set = FieldSet.empty
        collect(value, shape: shape, path: [], into: &set)
        return set
    }

    private static func collect(_ value: JSONValue, shape: Shape, path: [PathElement], into set: inout FieldSet) {
        switch (shape.resolved, value) {
        case (.structure(let structure), .object(let members)) where !structure.isAtomic && !members.isEmpty:
            for (key, member) in members {
                collect(member, shape: structure.shape(of: key) ?? .anything, path: path + [.field(key)], into: &set)
            }
        case (.map(let item, false), .object(let members)) where !members.isEmpty:
            for (key, member) in members { collect(member, shape: item, path: path + [.field(key)], into: &set) }
        case (.anything, .object(let members)) where !members.isEmpty:
            for (key, member) in members { collect(member, shape: .anything, path: path + [.field(key)], into: &set) }
        case (.list(let item, let identity), .array(let elements)) where identity != .atomic && !elements.isEmpty:
            for element in elements {
                guard case .success(let step) = identify(element, shape: item, identity: identity) else { continue }
                set.insert(path + [step])
                if case .map = identity { collect(element, shape: item, path: path + [step], into: &set) }
            }
        default:
            set.insert(path)
        }
    }
}

// MARK: - Where two values differ

extension TypedValue {
    /// Where a new value differs from an old one.
    static func compare(_ old: JSONValue, _ new: JSONValue, shape: Shape) -> Comparison {
        var result = Comparison()
        compare(old, new, shape: shape, path: [], into: &result)
        return result
    }

    private static func compare(
        _ old: JSONValue?, _ new: JSONValue?, shape: Shape, path: [PathElement], into result: inout Comparison
    ) {
        if old == nil, new == nil { return }
        let oldMembers = old?.objectValue
        let newMembers = new?.objectValue
        switch shape.resolved {
        case .structure(let structure) where !structure.isAtomic && isObjectOrAbsent(old) && isObjectOrAbsent(new):
            if (oldMembers ?? [:]).isEmpty && (newMembers ?? [:]).isEmpty { return leaf(old, new, path, &result) }
            node(old, new, path, &result)
            for key in Set((oldMembers ?? [:]).keys).union((newMembers ?? [:]).keys) {
                let field = structure.shape(of: key) ?? .anything
                var before = oldMembers?[key]
                var after = newMembers?[key]
                if structure.alwaysPresent.contains(key) {
                    if before == nil, old != nil { before = blank(field) }
                    if after == nil, new != nil { after = blank(field) }
                }
                compare(before, after, shape: field, path: path + [.field(key)], into: &result)
            }
        case .map(let item, false) where isObjectOrAbsent(old) && isObjectOrAbsent(new):
            compareMembers(old, new, item: item, path: path, into: &result)
        case .anything where isObjectOrAbsent(old) && isObjectOrAbsent(new):
            compareMembers(old, new, item: .anything, path: path, into: &result)
        case .list(let item, let identity)
        where identity != .atomic && isArrayOrAbsent(old) && isArrayOrAbsent(new):
            let before = indexed(old, shape: item, identity: identity)
            let after = indexed(new, shape: item, identity: identity)
            if before.items.isEmpty && after.items.isEmpty { return leaf(old, new, path, &result) }
            node(old, new, path, &result)
            for step in Set(before.order).union(after.order) {
                let itemPath = path + [step]
                compare(before.items[step], after.items[step], shape: item, path: itemPath, into: &result)
            }
        default:
            leaf(old, new, path, &result)
        }
    }

    private static func compareMembers(
        _ old: JSONValue?, _ new: JSONValue?, item: Shape, path: [PathElement], into result: inout Comparison
    ) {
        let before = old?.objectValue ?? [:]
        let after = new?.objectValue ?? [:]
        if before.isEmpty && after.isEmpty { return leaf(old, new, path, &result) }
        node(old, new, path, &result)
        for key in Set(before.keys).union(after.keys) {
            compare(before[key], after[key], shape: item, path: path + [.field(key)], into: &result)
        }
    }

    private static func leaf(
        _ old: JSONValue?, _ new: JSONValue?, _ path: [PathElement], _ result: inout Comparison
    ) {
        if old == nil {
            result.added.insert(path)
        } else if new == nil {
            result.removed.insert(path)
        } else if old != new {
            result.modified.insert(path)
        }
    }

    /// Notes a container that came or went, beside what is in it.
    private static func node(
        _ old: JSONValue?, _ new: JSONValue?, _ path: [PathElement], _ result: inout Comparison
    ) {
        guard !path.isEmpty else { return }
        if old == nil { result.added.insert(path) }
        if new == nil { result.removed.insert(path) }
    }

    private static func isObjectOrAbsent(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null, .object: true
        default: false
        }
    }

    private static func isArrayOrAbsent(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null, .array: true
        default: false
        }
    }

    /// What stands in an object for a field that is always there and was not set.
    private static func blank(_ shape: Shape) -> JSONValue {
        if case .list = shape.resolved { return .null }
        return .object([:])
    }
}
