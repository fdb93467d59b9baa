/// Any JSON value, as Kubernetes sees it: integers are told from other numbers.
///
/// Strings are never changed on the way: what was read is what is written.
public enum JSONValue: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int64)
    /// Any other number. Always finite when it came from a parser.
    case number(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object. Key order is not kept; serialising sorts by key.
    case object([String: JSONValue])
}

extension JSONValue {
    /// Equal is what an API server would call equal: strings and keys by their bytes, not as Swift compares texts.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.bool(let left), .bool(let right)): return left == right
        case (.integer(let left), .integer(let right)): return left == right
        case (.number(let left), .number(let right)): return left == right
        case (.string(let left), .string(let right)): return left.isExactly(right)
        case (.array(let left), .array(let right)): return left == right
        case (.object(let left), .object(let right)):
            guard left.count == right.count else { return false }
            return left.allSatisfy { key, member in
                guard let index = right.index(forKey: key) else { return false }
                return right[index].key.isExactly(key) && right[index].value == member
            }
        default: return false
        }
    }

    /// Values that are equal hash alike; strings and keys by their bytes here as well.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value):
            hasher.combine(1)
            hasher.combine(value)
        case .integer(let value):
            hasher.combine(2)
            hasher.combine(value)
        case .number(let value):
            hasher.combine(3)
            hasher.combine(value)
        case .string(let value):
            hasher.combine(4)
            value.hashExactly(into: &hasher)
        case .array(let elements):
            hasher.combine(5)
            hasher.combine(elements.count)
            for element in elements { element.hash(into: &hasher) }
        case .object(let members):
            // Members have no order.
            var sum = 0
            for (key, member) in members {
                var one = Hasher()
                key.hashExactly(into: &one)
                member.hash(into: &one)
                sum &+= one.finalize()
            }
            hasher.combine(6)
            hasher.combine(members.count)
            hasher.combine(sum)
        }
    }

    /// The string, if this is one.
    public var stringValue: String? {
        if case .string(let value) = self { return value }
        return nil
    }

    /// The boolean, if this is one.
    public var boolValue: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }

    /// The integer, if this is one, or a number without fraction that fits.
    public var intValue: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// The number, if this is an integer or another number.
    public var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The elements, if this is an array.
    public var arrayValue: [JSONValue]? {
        if case .array(let value) = self { return value }
        return nil
    }

    /// The members, if this is an object.
    public var objectValue: [String: JSONValue]? {
        if case .object(let value) = self { return value }
        return nil
    }

    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// What this is, as an error names it: `a string`, `an object` …
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The same, as manifests in YAML call it: `a list`, `a mapping`.
    public var yamlTypeName: String {
        switch self {
        case .array: "a list"
        case .object: "a mapping"
        default: typeName
        }
    }

    /// The member of an object; nil when this is no object or has no member of a key with these very bytes.
    ///
    /// Setting turns `null` into an object, replaces or (with nil) removes the member, and leaves any other value alone. There is room
    /// for one spelling of a key (NFC, NFD): what is set takes the place of another one.
    public subscript(key: String) -> JSONValue? {
        get {
            if case .object(let members) = self { return members.exactly(key) }
            return nil
        }
        set {
            switch self {
            case .object(var members):
                self = .null
                members.setExactly(key, newValue)
                self = .object(members)
            case .null:
                if let newValue { self = .object([key: newValue]) }
            default:
                break
            }
        }
    }

    /// The element of an array; nil when this is no array or the index is outside of it.
    public subscript(index: Int) -> JSONValue? {
        if case .array(let elements) = self, elements.indices.contains(index) { return elements[index] }
        return nil
    }

    /// The value that a path leads to, or nil when any step of it is missing.
    public func value(at path: FieldPath) -> JSONValue? {
        var current = self
        for component in path.components {
            let next: JSONValue?
            switch component {
            case .key(let key): next = current[key]
            case .index(let index): next = current[index]
            }
            guard let next else { return nil }
            current = next
        }
        return current
    }

    /// Sets the value that a path leads to, creating the objects on the way.
    ///
    /// - Throws: ``KubernetesObjectError`` when a step is neither missing nor of the right type, or an index is outside.
    public mutating func set(_ value: JSONValue, at path: FieldPath) throws {
        try set(value, at: path, from: 0)
    }

    /// Removes the value that a path leads to and returns it; nil, with nothing changed, when it is not there.
    @discardableResult
    public mutating func remove(at path: FieldPath) -> JSONValue? {
        remove(at: path.components[...])
    }

    private mutating func set(_ value: JSONValue, at path: FieldPath, from depth: Int) throws {
        guard depth < path.components.count else {
            self = value
            return
        }
        switch (path.components[depth], self) {
        case (.key(let key), .object(var members)):
            var child = members.exactly(key) ?? .null
            try child.set(value, at: path, from: depth + 1)
            members.setExactly(key, child)
            self = .object(members)
        case (.key(let key), .null):
            var child = JSONValue.null
            try child.set(value, at: path, from: depth + 1)
            self = .object([key: child])
        case (.index(let index), .array(var elements)) where elements.indices.contains(index):
            try elements[index].set(value, at: path, from: depth + 1)
            self = .array(elements)
        default:
            let here = FieldPath(Array(path.components[..<depth]))
            let missing = FieldPath([path.components[depth]])
            throw KubernetesObjectError(
                code: .wrongType, message: "\(here) is \(typeName) and has no \(missing) to set")
        }
    }

    private mutating func remove(at components: ArraySlice<FieldPath.Component>) -> JSONValue? {
        guard let first = components.first else { return nil }
        let rest = components.dropFirst()
        switch (first, self) {
        case (.key(let key), .object(var members)):
            guard var child = members.exactly(key) else { return nil }
            let removed: JSONValue?
            if rest.isEmpty {
                removed = members.removeValue(forKey: key)
            } else {
                removed = child.remove(at: rest)
                members[key] = child
            }
            if removed != nil { self = .object(members) }
            return removed
        case (.index(let index), .array(var elements)) where elements.indices.contains(index):
            let removed = rest.isEmpty ? elements.remove(at: index) : elements[index].remove(at: rest)
            if removed != nil { self = .array(elements) }
            return removed
        default:
            return nil
        }
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    /// When a literal names a key twice, the last one counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}

extension JSONValue: CustomStringConvertible {
    /// The compact canonical text.
    public var description: String { serialized() }
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
