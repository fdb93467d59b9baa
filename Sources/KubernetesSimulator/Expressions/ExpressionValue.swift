/// A value of the Common Expression Language.
indirect enum ExpressionValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list(ExpressionList)
    case map([ExpressionKey: ExpressionValue])
    case timestamp(ExpressionTime)
    /// Nanoseconds.
    case duration(Int64)
    case type(String)
    case optional(ExpressionValue?)
    case quantity(Quantity.Exact)
    case url(ResourceLocator)
    case address(NetworkAddress)
    case network(NetworkPrefix)
    case namedFormat(String)

    static func ordered(_ elements: [ExpressionValue]) -> ExpressionValue { .list(ExpressionList(elements: elements)) }

    /// What `type()` says of it.
    var typeName: String {
        switch self {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .list: "list"
        case .map: "map"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .type: "type"
        case .optional: "optional_type"
        case .quantity: "kubernetes.Quantity"
        case .url: "kubernetes.URL"
        case .address: "net.IP"
        case .network: "net.CIDR"
        case .namedFormat: "kubernetes.NamedFormat"
        }
    }

    /// Whether it may be an argument where a type is wanted.
    func isOf(_ type: ExpressionType) -> Bool {
        switch (type, self) {
        case (.dyn, _), (.parameter, _), (.bool, .bool), (.int, .int), (.uint, .uint), (.double, .double),
            (.string, .string), (.bytes, .bytes), (.null, .null), (.timestamp, .timestamp), (.duration, .duration),
            (.type, .type), (.list, .list), (.map, .map), (.object, .map), (.optional, .optional):
            true
        case (.opaque(let name), _): typeName == name
        default: false
        }
    }
}

/// A list, with what a schema says of its identity.
struct ExpressionList: Sendable {
    enum Identity: Sendable, Hashable {
        case ordered
        /// Equal whatever the order is; joining leaves out what is there.
        case set
        /// Items are known by these fields, by escaped names; joining overwrites.
        case keyed([String])
    }

    var elements: [ExpressionValue]
    var identity = Identity.ordered

    /// The key of an item of a keyed list.
    func key(of item: ExpressionValue) -> [ExpressionValue]? {
        guard case .keyed(let names) = identity, case .map(let fields) = item else { return nil }
        return names.map { fields[.string($0)] ?? .null }
    }
}

/// A value that a map may be keyed by. Whole numbers are the same whatever their type is.
enum ExpressionKey: Sendable, Hashable, Comparable {
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case string(String)

    init?(_ value: ExpressionValue) {
        switch value {
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .uint(let value): self = Int64(exactly: value).map { .int($0) } ?? .uint(value)
        case .double(let value):
            guard let whole = Int64(exactly: value) else { return nil }
            self = .int(whole)
        case .string(let value): self = .string(value)
        default: return nil
        }
    }

    static func < (left: ExpressionKey, right: ExpressionKey) -> Bool {
        switch (left, right) {
        case (.bool(let left), .bool(let right)): !left && right
        case (.int(let left), .int(let right)): left < right
        case (.uint(let left), .uint(let right)): left < right
        case (.string(let left), .string(let right)): left < right
        default: left.rank < right.rank
        }
    }

    private var rank: Int {
        switch self {
        case .bool: 0
        case .int: 1
        case .uint: 2
        case .string: 3
        }
    }

    var value: ExpressionValue {
        switch self {
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .uint(let value): .uint(value)
        case .string(let value): .string(value)
        }
    }
}

// MARK: - Comparison

extension ExpressionValue {
    /// The number, of whatever type.
    private var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .uint(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// Equality as the language has it: numbers compare across types, values of other types are never equal.
    static func isEqual(_ left: ExpressionValue, _ right: ExpressionValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        case (.bytes(let left), .bytes(let right)): left == right
        case (.timestamp(let left), .timestamp(let right)): left == right
        case (.duration(let left), .duration(let right)): left == right
        case (.type(let left), .type(let right)): left == right
        case (.optional(let left), .optional(let right)):
            if let left, let right { isEqual(left, right) } else { left == nil && right == nil }
        case (.list(let left), .list(let right)): isEqual(left, right)
        case (.map(let left), .map(let right)):
            left.count == right.count
                && left.allSatisfy { key, value in right[key].map { isEqual(value, $0) } ?? false }
        case (.quantity(let left), .quantity(let right)): left == right
        case (.url(let left), .url(let right)): left == right
        case (.address(let left), .address(let right)): left == right
        case (.network(let left), .network(let right)): left == right
        case (.namedFormat(let left), .namedFormat(let right)): left == right
        default: compare(left, right) == 0
        }
    }

    private static func isEqual(_ left: ExpressionList, _ right: ExpressionList) -> Bool {
        guard left.elements.count == right.elements.count else { return false }
        if left.identity == .ordered, right.identity == .ordered {
            return zip(left.elements, right.elements).allSatisfy { isEqual($0, $1) }
        }
        return left.elements.allSatisfy { element in right.elements.contains { isEqual(element, $0) } }
    }

    /// Below, at or above zero as the left side is less, equal or more; nil where the two have no order.
    static func compare(_ left: ExpressionValue, _ right: ExpressionValue) -> Int? {
        func order<T: Comparable>(_ left: T, _ right: T) -> Int { left < right ? -1 : (left == right ? 0 : 1) }
        switch (left, right) {
        case (.int(let left), .int(let right)): return order(left, right)
        case (.uint(let left), .uint(let right)): return order(left, right)
        case (.int(let left), .uint(let right)): return left < 0 ? -1 : order(UInt64(left), right)
        case (.uint(let left), .int(let right)): return right < 0 ? 1 : order(left, UInt64(right))
        case (.bool(let left), .bool(let right)): return order(left ? 1 : 0, right ? 1 : 0)
        case (.string(let left), .string(let right)):
            if left.utf8.elementsEqual(right.utf8) { return 0 }
            return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
        case (.bytes(let left), .bytes(let right)):
            return left == right ? 0 : (left.lexicographicallyPrecedes(right) ? -1 : 1)
        case (.timestamp(let left), .timestamp(let right)): return order(left, right)
        case (.duration(let left), .duration(let right)): return order(left, right)
        default:
            guard let left = left.number, let right = right.number, !left.isNaN, !right.isNaN else { return nil }
            return order(left, right)
        }
    }
}
