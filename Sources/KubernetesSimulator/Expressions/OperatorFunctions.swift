extension FunctionLibrary {
    static let operators: [String: [FunctionOverload]] = [
        "_==_": [
            function([anyA, anyA], .bool) { arguments in .bool(ExpressionValue.isEqual(arguments[0], arguments[1])) }
        ],
        "_!=_": [
            function([anyA, anyA], .bool) { arguments in .bool(!ExpressionValue.isEqual(arguments[0], arguments[1])) }
        ],
        "_<_": comparison { $0 < 0 },
        "_<=_": comparison { $0 <= 0 },
        "_>_": comparison { $0 > 0 },
        "_>=_": comparison { $0 >= 0 },
        "!_": [
            function([.bool], .bool) { arguments throws(ExpressionError) in
                guard case .bool(let value) = arguments[0] else { throw .noSuchOverload }
                return .bool(!value)
            }
        ],
        "@in": [
            function([anyA, .list(anyA)], .bool) { arguments throws(ExpressionError) in
                .bool(try arguments[1].elements().contains { ExpressionValue.isEqual(arguments[0], $0) })
            },
            function([anyA, .map(anyA, anyB)], .bool) { arguments throws(ExpressionError) in
                guard case .map(let entries) = arguments[1] else { throw .noSuchOverload }
                return .bool(ExpressionKey(arguments[0]).map { entries[$0] != nil } ?? false)
            },
        ],
        "_[_]": [
            function([.list(anyA), .int], anyA) { arguments throws(ExpressionError) in
                try element(of: arguments[0], arguments[1])
            },
            function([.map(anyA, anyB), anyA], anyB) { arguments throws(ExpressionError) in
                try element(of: arguments[0], arguments[1])
            },
            function([.optional(anyA), .dyn], .optional(.dyn)) { arguments throws(ExpressionError) in
                try optionalElement(of: arguments[0], arguments[1])
            },
        ],
        "_[?_]": [
            function([.list(anyA), .int], .optional(anyA)) { arguments throws(ExpressionError) in
                try optionalElement(of: arguments[0], arguments[1])
            },
            function([.map(anyA, anyB), anyA], .optional(anyB)) { arguments throws(ExpressionError) in
                try optionalElement(of: arguments[0], arguments[1])
            },
            function([.optional(anyA), .dyn], .optional(.dyn)) { arguments throws(ExpressionError) in
                try optionalElement(of: arguments[0], arguments[1])
            },
        ],
    ]

    /// Numbers have an order across their types.
    private static func comparison(_ holds: @escaping @Sendable (Int) -> Bool) -> [FunctionOverload] {
        let numbers: [ExpressionType] = [.int, .uint, .double]
        let pairs =
            numbers.flatMap { left in numbers.map { (left, $0) } }
            + [.bool, .string, .bytes, .timestamp, .duration].map { ($0, $0) }
        return pairs.map { left, right in
            function([left, right], .bool) { arguments throws(ExpressionError) in
                // Nothing is more or less than what is no number.
                .bool(ExpressionValue.compare(arguments[0], arguments[1]).map(holds) ?? false)
            }
        }
    }

    static func element(of container: ExpressionValue, _ key: ExpressionValue) throws(ExpressionError)
        -> ExpressionValue
    {
        switch container {
        case .list(let list):
            guard let index = ExpressionKey(key), case .int(let place) = index else { throw .noSuchOverload }
            guard list.elements.indices.contains(Int(place)) else {
                throw .evaluation("index out of bounds: \(place)")
            }
            return list.elements[Int(place)]
        case .map(let entries):
            guard let found = ExpressionKey(key).flatMap({ entries[$0] }) else {
                throw .evaluation("no such key: \(key.plainText)")
            }
            return found
        default: throw .noSuchOverload
        }
    }

    /// What is there, or none; none stays none.
    static func optionalElement(of container: ExpressionValue, _ key: ExpressionValue) throws(ExpressionError)
        -> ExpressionValue
    {
        switch container {
        case .optional(let inner):
            guard let inner else { return .optional(nil) }
            return try optionalElement(of: inner, key)
        case .list(let list):
            guard case .int(let place) = ExpressionKey(key) else { throw .noSuchOverload }
            return .optional(list.elements.indices.contains(Int(place)) ? list.elements[Int(place)] : nil)
        case .map(let entries): return .optional(ExpressionKey(key).flatMap { entries[$0] })
        default: throw .noSuchOverload
        }
    }
}

// MARK: - Arithmetic

extension FunctionLibrary {
    static let numbers: [String: [FunctionOverload]] = [
        "_+_": arithmetic(
            { $0.addingReportingOverflow($1) }, { $0.addingReportingOverflow($1) }, { $0 + $1 })
            + [
                function([.string, .string], .string) { arguments throws(ExpressionError) in
                    .string(try arguments[0].text() + arguments[1].text())
                },
                function([.bytes, .bytes], .bytes) { arguments throws(ExpressionError) in
                    guard case (.bytes(let left), .bytes(let right)) = (arguments[0], arguments[1]) else {
                        throw .noSuchOverload
                    }
                    return .bytes(left + right)
                },
                function([.list(anyA), .list(anyA)], .list(anyA)) { arguments throws(ExpressionError) in
                    guard case (.list(let left), .list(let right)) = (arguments[0], arguments[1]) else {
                        throw .noSuchOverload
                    }
                    return .list(joined(left, right))
                },
            ],
        "_-_": arithmetic(
            { $0.subtractingReportingOverflow($1) }, { $0.subtractingReportingOverflow($1) }, { $0 - $1 }),
        "_*_": arithmetic(
            { $0.multipliedReportingOverflow(by: $1) }, { $0.multipliedReportingOverflow(by: $1) }, { $0 * $1 }),
        "_/_": division("division by zero", { $0.dividedReportingOverflow(by: $1) }, { $0 / $1 })
            + [
                function([.double, .double], .double) { arguments throws(ExpressionError) in
                    guard case (.double(let left), .double(let right)) = (arguments[0], arguments[1]) else {
                        throw .noSuchOverload
                    }
                    return .double(left / right)
                }
            ],
        "_%_": division("modulus by zero", { $0.remainderReportingOverflow(dividingBy: $1) }, { $0 % $1 }),
        "-_": [
            function([.int], .int) { arguments throws(ExpressionError) in
                let (value, overflow) = Int64(0).subtractingReportingOverflow(try arguments[0].int())
                if overflow { throw .integerOverflow }
                return .int(value)
            },
            function([.double], .double) { arguments throws(ExpressionError) in
                guard case .double(let value) = arguments[0] else { throw .noSuchOverload }
                return .double(-value)
            },
        ],
    ]

    private static func arithmetic(
        _ signed: @escaping @Sendable (Int64, Int64) -> (Int64, Bool),
        _ unsigned: @escaping @Sendable (UInt64, UInt64) -> (UInt64, Bool),
        _ floating: @escaping @Sendable (Double, Double) -> Double
    ) -> [FunctionOverload] {
        [
            function([.int, .int], .int) { arguments throws(ExpressionError) in
                let (value, overflow) = signed(try arguments[0].int(), try arguments[1].int())
                if overflow { throw .integerOverflow }
                return .int(value)
            },
            function([.uint, .uint], .uint) { arguments throws(ExpressionError) in
                guard case (.uint(let left), .uint(let right)) = (arguments[0], arguments[1]) else {
                    throw .noSuchOverload
                }
                let (value, overflow) = unsigned(left, right)
                if overflow { throw .unsignedOverflow }
                return .uint(value)
            },
            function([.double, .double], .double) { arguments throws(ExpressionError) in
                guard case (.double(let left), .double(let right)) = (arguments[0], arguments[1]) else {
                    throw .noSuchOverload
                }
                return .double(floating(left, right))
            },
        ]
    }

    private static func division(
        _ complaint: String, _ signed: @escaping @Sendable (Int64, Int64) -> (Int64, Bool),
        _ unsigned: @escaping @Sendable (UInt64, UInt64) -> UInt64
    ) -> [FunctionOverload] {
        [
            function([.int, .int], .int) { arguments throws(ExpressionError) in
                let divisor = try arguments[1].int()
                if divisor == 0 { throw .evaluation(complaint) }
                let (value, overflow) = signed(try arguments[0].int(), divisor)
                if overflow { throw .integerOverflow }
                return .int(value)
            },
            function([.uint, .uint], .uint) { arguments throws(ExpressionError) in
                guard case (.uint(let left), .uint(let right)) = (arguments[0], arguments[1]) else {
                    throw .noSuchOverload
                }
                if right == 0 { throw .evaluation(complaint) }
                return .uint(unsigned(left, right))
            },
        ]
    }

    /// Lists that have an identity keep it: a set takes in what it has not, a keyed list overwrites.
    private static func joined(_ left: ExpressionList, _ right: ExpressionList) -> ExpressionList {
        var result = left
        for element in right.elements {
            switch left.identity {
            case .ordered: result.elements.append(element)
            case .set:
                if !left.elements.contains(where: { ExpressionValue.isEqual($0, element) }) {
                    result.elements.append(element)
                }
            case .keyed:
                let key = left.key(of: element)
                let place = left.elements.firstIndex { other in
                    guard let key, let theirs = left.key(of: other) else { return false }
                    return zip(key, theirs).allSatisfy { ExpressionValue.isEqual($0, $1) }
                }
                if let place { result.elements[place] = element } else { result.elements.append(element) }
            }
        }
        return result
    }
}
