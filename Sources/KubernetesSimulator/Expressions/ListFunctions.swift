/// Lists and sets: sizes, Kubernetes's list library, and the set extension.
extension FunctionLibrary {
    static let lists: [String: [FunctionOverload]] = [
        "size": [ExpressionType.string, .bytes, .list(anyA), .map(anyA, anyB)].flatMap { type in
            [function([type], .int, size), method([type], .int, size)]
        },
        "isSorted": [
            method([.list(anyA)], .bool) { arguments throws(ExpressionError) in
                let elements = try arguments[0].elements()
                for (left, right) in zip(elements, elements.dropFirst()) {
                    guard let order = ExpressionValue.compare(left, right) else { throw .noSuchOverload }
                    if order > 0 { return .bool(false) }
                }
                return .bool(true)
            }
        ],
        "sum": [
            method([.list(anyA)], anyA) { arguments throws(ExpressionError) in
                let elements = try arguments[0].elements()
                guard var total = elements.first else { return .int(0) }
                for element in elements.dropFirst() { total = try sum(total, element) }
                return total
            }
        ],
        "min": [extreme("min") { $0 < 0 }],
        "max": [extreme("max") { $0 > 0 }],
        "indexOf": [
            method([.list(anyA), anyA], .int) { arguments throws(ExpressionError) in
                let place = try arguments[0].elements().firstIndex { ExpressionValue.isEqual($0, arguments[1]) }
                return .int(Int64(place ?? -1))
            }
        ],
        "lastIndexOf": [
            method([.list(anyA), anyA], .int) { arguments throws(ExpressionError) in
                let place = try arguments[0].elements().lastIndex { ExpressionValue.isEqual($0, arguments[1]) }
                return .int(Int64(place ?? -1))
            }
        ],
    ]

    static let sets: [String: [FunctionOverload]] = [
        "sets.contains": [
            function([.list(anyA), .list(anyA)], .bool) { arguments throws(ExpressionError) in
                .bool(holds(all: try arguments[1].elements(), in: try arguments[0].elements()))
            }
        ],
        "sets.equivalent": [
            function([.list(anyA), .list(anyA)], .bool) { arguments throws(ExpressionError) in
                let (left, right) = (try arguments[0].elements(), try arguments[1].elements())
                return .bool(holds(all: left, in: right) && holds(all: right, in: left))
            }
        ],
        "sets.intersects": [
            function([.list(anyA), .list(anyA)], .bool) { arguments throws(ExpressionError) in
                let (left, right) = (try arguments[0].elements(), try arguments[1].elements())
                return .bool(left.contains { element in right.contains { ExpressionValue.isEqual(element, $0) } })
            }
        ],
    ]

    private static func holds(all wanted: [ExpressionValue], in list: [ExpressionValue]) -> Bool {
        wanted.allSatisfy { element in list.contains { ExpressionValue.isEqual(element, $0) } }
    }

    private static let size: FunctionOverload.Body = { arguments throws(ExpressionError) in
        switch arguments[0] {
        case .string(let text): .int(Int64(text.unicodeScalars.count))
        case .bytes(let bytes): .int(Int64(bytes.count))
        case .list(let list): .int(Int64(list.elements.count))
        case .map(let entries): .int(Int64(entries.count))
        default: throw .noSuchOverload
        }
    }

    private static func sum(_ left: ExpressionValue, _ right: ExpressionValue) throws(ExpressionError)
        -> ExpressionValue
    {
        for overload in (numbers["_+_"] ?? []) + (times["_+_"] ?? [])
        where left.isOf(overload.parameters[0]) && right.isOf(overload.parameters[1]) {
            return try overload.body([left, right])
        }
        throw .noSuchOverload
    }

    private static func extreme(_ name: String, _ isBetter: @escaping @Sendable (Int) -> Bool) -> FunctionOverload {
        method([.list(anyA)], anyA) { arguments throws(ExpressionError) in
            let elements = try arguments[0].elements()
            guard var best = elements.first else { throw .evaluation("\(name) called on empty list") }
            for element in elements.dropFirst() {
                guard let order = ExpressionValue.compare(element, best) else { throw .noSuchOverload }
                if isBetter(order) { best = element }
            }
            return best
        }
    }

    static let optionals: [String: [FunctionOverload]] = [
        "optional.none": [function([], .optional(.dyn)) { _ in .optional(nil) }],
        "optional.of": [function([anyA], .optional(anyA)) { arguments in .optional(arguments[0]) }],
        "optional.ofNonZeroValue": [
            function([anyA], .optional(anyA)) { arguments in
                .optional(arguments[0].isZero ? nil : arguments[0])
            }
        ],
        "hasValue": [
            method([.optional(anyA)], .bool) { arguments throws(ExpressionError) in
                guard case .optional(let inner) = arguments[0] else { throw .noSuchOverload }
                return .bool(inner != nil)
            }
        ],
        "value": [
            method([.optional(anyA)], anyA) { arguments throws(ExpressionError) in
                guard case .optional(let inner) = arguments[0] else { throw .noSuchOverload }
                guard let inner else { throw .evaluation("optional.none() dereference") }
                return inner
            }
        ],
        "orValue": [
            method([.optional(anyA), anyA], anyA) { arguments throws(ExpressionError) in
                guard case .optional(let inner) = arguments[0] else { throw .noSuchOverload }
                return inner ?? arguments[1]
            }
        ],
        "or": [
            method([.optional(anyA), .optional(anyA)], .optional(anyA)) { arguments throws(ExpressionError) in
                guard case .optional(let inner) = arguments[0] else { throw .noSuchOverload }
                return inner == nil ? arguments[1] : arguments[0]
            }
        ],
    ]
}

extension ExpressionValue {
    fileprivate var isZero: Bool {
        switch self {
        case .null, .bool(false), .int(0), .uint(0), .double(0), .duration(0), .optional(nil): true
        case .string(let text): text.isEmpty
        case .bytes(let bytes): bytes.isEmpty
        case .list(let list): list.elements.isEmpty
        case .map(let entries): entries.isEmpty
        default: false
        }
    }
}
