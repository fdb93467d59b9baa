/// What kind of values an expression has, as far as it can be told before it is evaluated.
indirect enum ExpressionType: Sendable, Hashable {
    /// Anything: checked when it is evaluated.
    case dyn
    case bool, int, uint, double, string, bytes, null, timestamp, duration, type
    case list(ExpressionType)
    case map(ExpressionType, ExpressionType)
    /// An object with known fields, by their escaped names.
    case object(ObjectType)
    case optional(ExpressionType)
    /// A type of a library: `kubernetes.Quantity`, `kubernetes.URL`, `net.IP`, `net.CIDR`, `kubernetes.NamedFormat`.
    case opaque(String)
    /// Stands for one type throughout a function's signature.
    case parameter(String)

    static let quantity = ExpressionType.opaque("kubernetes.Quantity")
    static let url = ExpressionType.opaque("kubernetes.URL")
    static let ip = ExpressionType.opaque("net.IP")
    static let cidr = ExpressionType.opaque("net.CIDR")
    static let namedFormat = ExpressionType.opaque("kubernetes.NamedFormat")

    /// A type by its fields. Two are the same only when they are of one place in a schema.
    final class ObjectType: Sendable, Hashable {
        let fields: [String: ExpressionType]

        init(fields: [String: ExpressionType]) { self.fields = fields }

        static func == (left: ObjectType, right: ObjectType) -> Bool { left === right }
        func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
    }

    /// The type as errors of the compiler name it.
    var text: String {
        switch self {
        case .dyn: "dyn"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .null: "null"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .type: "type"
        case .list(let element): "list(\(element.text))"
        case .map(let key, let value): "map(\(key.text), \(value.text))"
        // The server makes up a name on every start.
        case .object: "object"
        case .optional(let inner): "optional_type(\(inner.text))"
        case .opaque(let name), .parameter(let name): name
        }
    }

    /// Whether a value of another type may stand where this one is wanted; parameters are bound on the way.
    func accepts(_ other: ExpressionType, _ bindings: inout [String: ExpressionType]) -> Bool {
        switch (self, other) {
        case (.parameter(let name), _):
            guard let bound = bindings[name], bound != .dyn else {
                bindings[name] = other
                return true
            }
            if other == .dyn { return true }
            if bound == .null, ExpressionType.isNullable(other) {
                bindings[name] = other
                return true
            }
            return bound.accepts(other, &bindings)
        case (.dyn, _), (_, .dyn): return true
        case (.list(let mine), .list(let theirs)): return mine.accepts(theirs, &bindings)
        case (.map(let key, let value), .map(let otherKey, let otherValue)):
            return key.accepts(otherKey, &bindings) && value.accepts(otherValue, &bindings)
        case (.optional(let mine), .optional(let theirs)): return mine.accepts(theirs, &bindings)
        case (_, .null): return self == .null || ExpressionType.isNullable(self)
        default: return self == other
        }
    }

    private static func isNullable(_ type: ExpressionType) -> Bool {
        switch type {
        case .object, .timestamp, .duration, .opaque, .optional: true
        default: false
        }
    }

    /// The type with its parameters replaced by what they are bound to.
    func bound(_ bindings: [String: ExpressionType]) -> ExpressionType {
        switch self {
        case .parameter(let name): bindings[name] ?? .dyn
        case .list(let element): .list(element.bound(bindings))
        case .map(let key, let value): .map(key.bound(bindings), value.bound(bindings))
        case .optional(let inner): .optional(inner.bound(bindings))
        default: self
        }
    }
}
