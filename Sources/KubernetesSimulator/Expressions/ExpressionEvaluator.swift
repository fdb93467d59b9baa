/// Finds the value of an expression, at a cost that has a limit.
///
/// A step costs one, and functions on texts and lists cost a tenth of what they have to look at. That is the scale of the
/// reference implementation, whose exact costs this does not reproduce.
struct ExpressionEvaluator {
    private var variables: [(name: String, value: ExpressionValue)]
    private(set) var cost = 0
    private let limit: Int

    init(variables: [(name: String, value: ExpressionValue)], limit: Int) {
        self.variables = variables
        self.limit = limit
    }

    private mutating func spend(_ amount: Int) throws(ExpressionError) {
        cost += amount
        if cost > limit { throw .costExceeded }
    }

    mutating func value(of expression: Expression) throws(ExpressionError) -> ExpressionValue {
        switch expression.node {
        case .literal(let value): return value
        case .identifier(let name):
            try spend(1)
            if let found = variables.last(where: { $0.name == name }) { return found.value }
            return .type(name)
        case .select(let operand, let field, let isOptional):
            try spend(1)
            return try select(field, of: try value(of: operand), isOptional: isOptional)
        case .presence(let operand, let field):
            try spend(1)
            return .bool(try isPresent(field, in: try value(of: operand)))
        case .call(let target, let name, let arguments):
            var values: [ExpressionValue] = []
            if let target { values.append(try value(of: target)) }
            for argument in arguments { values.append(try value(of: argument)) }
            return try call(name, values, isMethod: target != nil)
        case .logical(let isAnd, let sides):
            return .bool(
                try decide(sides.count, isAnd: isAnd) { (evaluator, index) throws(ExpressionError) in
                    try evaluator.truth(of: sides[index])
                })
        case .conditional(let condition, let first, let second):
            return try value(of: try truth(of: condition) ? first : second)
        case .list(let elements):
            try spend(10)
            var result: [ExpressionValue] = []
            for element in elements {
                let found = try value(of: element.value)
                guard element.isOptional else {
                    result.append(found)
                    continue
                }
                guard case .optional(let inner) = found else { throw .noSuchOverload }
                if let inner { result.append(inner) }
            }
            return .ordered(result)
        case .map(let entries):
            try spend(30)
            var result: [ExpressionKey: ExpressionValue] = [:]
            for entry in entries {
                let key = try value(of: entry.key)
                guard let place = ExpressionKey(key) else { throw .evaluation("unsupported key type") }
                var found = try value(of: entry.value)
                if entry.isOptional {
                    guard case .optional(let inner) = found else { throw .noSuchOverload }
                    guard let inner else { continue }
                    found = inner
                }
                if result.updateValue(found, forKey: place) != nil {
                    throw .evaluation("Failed with repeated key")
                }
            }
            return .map(result)
        case .comprehension(let loop): return try comprehension(loop)
        }
    }

    private mutating func truth(of expression: Expression) throws(ExpressionError) -> Bool {
        guard case .bool(let result) = try value(of: expression) else { throw .noSuchOverload }
        return result
    }

    /// Joins truths by "and" or "or": one that decides does so whatever errors others have.
    private mutating func decide(
        _ count: Int, isAnd: Bool,
        _ truth: (inout ExpressionEvaluator, Int) throws(ExpressionError) -> Bool
    ) throws(ExpressionError) -> Bool {
        var failure: ExpressionError?
        for index in 0..<count {
            do throws(ExpressionError) {
                if try truth(&self, index) != isAnd { return !isAnd }
            } catch {
                if error == .costExceeded { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return isAnd
    }

    private func select(_ field: String, of operand: ExpressionValue, isOptional: Bool) throws(ExpressionError)
        -> ExpressionValue
    {
        let key = ExpressionKey.string(PropertyName.canonical(field))
        switch operand {
        case .optional(let inner):
            guard let inner else { return .optional(nil) }
            return try select(field, of: inner, isOptional: true)
        case .map(let entries):
            if isOptional { return .optional(entries[key] ?? entries[.string(field)]) }
            guard let found = entries[key] ?? entries[.string(field)] else {
                throw .evaluation("no such key: \(field)")
            }
            return found
        default: throw .noSuchOverload
        }
    }

    private func isPresent(_ field: String, in operand: ExpressionValue) throws(ExpressionError) -> Bool {
        switch operand {
        case .optional(let inner):
            return try inner.map { inner throws(ExpressionError) in try isPresent(field, in: inner) } ?? false
        case .map(let entries):
            return entries[.string(PropertyName.canonical(field))] != nil || entries[.string(field)] != nil
        default: throw .noSuchOverload
        }
    }

    private mutating func call(_ name: String, _ arguments: [ExpressionValue], isMethod: Bool) throws(ExpressionError)
        -> ExpressionValue
    {
        try spend(1 + arguments.reduce(0) { $0 + $1.extent } / 10)
        guard let overloads = FunctionLibrary.functions[name] else { throw .unsupported }
        for overload in overloads
        where overload.isMethod == isMethod && overload.parameters.count == arguments.count
            && zip(arguments, overload.parameters).allSatisfy({ $0.isOf($1) })
        {
            let result = try overload.body(arguments)
            // What grows is paid for, so that no expression takes more room than it may cost.
            try spend(result.extent / 10)
            return result
        }
        throw FunctionLibrary.unknown.contains(name) ? .unsupported : .noSuchOverload
    }
}

// MARK: - Loops

extension ExpressionEvaluator {
    private mutating func comprehension(_ loop: ExpressionNode.Comprehension) throws(ExpressionError) -> ExpressionValue
    {
        let range = try value(of: loop.range)
        let count = variables.count
        defer { variables.removeLast(variables.count - count) }
        switch loop.kind {
        case .bind:
            variables.append((loop.variables[0], range))
            return try value(of: loop.body)
        case .optMap, .optFlatMap:
            guard case .optional(let inner) = range else { throw .noSuchOverload }
            guard let inner else { return .optional(nil) }
            variables.append((loop.variables[0], inner))
            let result = try value(of: loop.body)
            return loop.kind == .optMap ? .optional(result) : result
        default: break
        }
        let rounds = try Self.rounds(over: range, variables: loop.variables.count)
        for name in loop.variables { variables.append((name, .null)) }
        func enter(_ evaluator: inout ExpressionEvaluator, _ round: [ExpressionValue]) throws(ExpressionError) {
            try evaluator.spend(1)
            for (offset, value) in round.enumerated() { evaluator.variables[count + offset].value = value }
        }
        switch loop.kind {
        case .all, .exists:
            return .bool(
                try decide(rounds.count, isAnd: loop.kind == .all) { (evaluator, index) throws(ExpressionError) in
                    try enter(&evaluator, rounds[index])
                    return try evaluator.truth(of: loop.body)
                })
        case .existsOne:
            var found = 0
            for round in rounds {
                try enter(&self, round)
                if try truth(of: loop.body) { found += 1 }
            }
            return .bool(found == 1)
        case .filter:
            var result: [ExpressionValue] = []
            for round in rounds {
                try enter(&self, round)
                if try truth(of: loop.body) { result.append(round[0]) }
            }
            return .ordered(result)
        case .transformMap:
            var result: [ExpressionKey: ExpressionValue] = [:]
            for round in rounds {
                try enter(&self, round)
                if let condition = loop.condition, !(try truth(of: condition)) { continue }
                guard let key = ExpressionKey(round[0]) else { throw .noSuchOverload }
                result[key] = try value(of: loop.body)
            }
            return .map(result)
        default:
            var result: [ExpressionValue] = []
            for round in rounds {
                try enter(&self, round)
                if let condition = loop.condition, !(try truth(of: condition)) { continue }
                result.append(try value(of: loop.body))
            }
            return .ordered(result)
        }
    }

    /// What the variables are in each round. Maps are gone through by their keys, in order.
    private static func rounds(over range: ExpressionValue, variables: Int) throws(ExpressionError)
        -> [[ExpressionValue]]
    {
        switch range {
        case .list(let list):
            return list.elements.enumerated().map {
                variables == 2 ? [.int(Int64($0.offset)), $0.element] : [$0.element]
            }
        case .map(let entries):
            return entries.keys.sorted().map { key in
                variables == 2 ? [key.value, entries[key] ?? .null] : [key.value]
            }
        default: throw .noSuchOverload
        }
    }
}

extension ExpressionValue {
    /// How much there is to look at: characters, bytes or elements.
    fileprivate var extent: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        case .list(let list): list.elements.count
        case .map(let entries): entries.count
        default: 0
        }
    }
}
