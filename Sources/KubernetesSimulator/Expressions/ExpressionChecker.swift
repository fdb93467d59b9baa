/// Tells the type of an expression before there are values, and what in it cannot work: names and fields that are unknown,
/// functions for other types.
///
/// It knows less than the reference implementation: where it cannot tell a type it takes it for dynamic and refuses nothing.
struct ExpressionChecker {
    private var variables: [(name: String, type: ExpressionType)]
    private(set) var problems: [ExpressionProblem] = []
    /// Whether a function is called that the simulator has not.
    private(set) var isUnsupported = false

    init(variables: [(name: String, type: ExpressionType)]) { self.variables = variables }

    private static let typeNames: Set<String> = [
        "int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type",
    ]

    mutating func type(of expression: Expression) -> ExpressionType {
        switch expression.node {
        case .literal(let value): return Self.type(of: value)
        case .identifier(let name):
            if let found = variables.last(where: { $0.name == name }) { return found.type }
            if Self.typeNames.contains(name) { return .type }
            return refuse(expression, "undeclared reference to '\(name)' (in container '')")
        case .select(let operand, let field, let isOptional):
            let found = select(field, of: operand, at: expression)
            if isOptional, case .optional = found { return found }
            return isOptional ? .optional(found) : found
        case .presence(let operand, let field):
            _ = select(field, of: operand, at: expression)
            return .bool
        case .call(let target, let name, let arguments):
            return call(expression, target: target, name: name, arguments: arguments)
        case .logical(let isAnd, let sides):
            let types = sides.map { type(of: $0) }
            for type in types where type != .bool && type != .dyn {
                let list = types.count == 2 ? types.map(\.text).joined(separator: ", ") : "bool, \(type.text)"
                return refuse(
                    expression, "found no matching overload for '\(isAnd ? "_&&_" : "_||_")' applied to '(\(list))'")
            }
            return .bool
        case .conditional(let condition, let first, let second):
            let types = [type(of: condition), type(of: first), type(of: second)]
            var bindings: [String: ExpressionType] = [:]
            let wanted: [ExpressionType] = [.bool, .parameter("A"), .parameter("A")]
            guard zip(wanted, types).allSatisfy({ $0.accepts($1, &bindings) }) else {
                let list = types.map(\.text).joined(separator: ", ")
                return refuse(expression, "found no matching overload for '_?_:_' applied to '(\(list))'")
            }
            return ExpressionType.parameter("A").bound(bindings)
        case .list(let elements):
            return .list(homogeneous(elements.map { ($0.value, $0.isOptional) }))
        case .map(let entries):
            return .map(
                homogeneous(entries.map { ($0.key, false) }), homogeneous(entries.map { ($0.value, $0.isOptional) }))
        case .comprehension(let loop): return comprehension(loop)
        }
    }

    private mutating func refuse(_ expression: Expression, _ message: String) -> ExpressionType {
        problems.append(ExpressionProblem(position: expression.position, message: message))
        return .dyn
    }

    private static func type(of value: ExpressionValue) -> ExpressionType {
        switch value {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        default: .dyn
        }
    }

    private mutating func select(_ field: String, of operand: Expression, at place: Expression) -> ExpressionType {
        select(field, in: type(of: operand), at: place)
    }

    private mutating func select(_ field: String, in type: ExpressionType, at place: Expression) -> ExpressionType {
        switch type {
        case .dyn, .parameter: return .dyn
        case .map(_, let value): return value
        case .object(let object):
            guard let found = object.fields[PropertyName.canonical(field)] else {
                return refuse(place, "undefined field '\(field)'")
            }
            return found
        case .optional(let inner):
            let found = select(field, in: inner, at: place)
            if case .optional = found { return found }
            return .optional(found)
        default: return refuse(place, "type '\(type.text)' does not support field selection")
        }
    }

    /// Lists and maps that are written out are of one type throughout.
    private mutating func homogeneous(_ parts: [(expression: Expression, isOptional: Bool)]) -> ExpressionType {
        var bindings: [String: ExpressionType] = [:]
        for part in parts {
            var found = type(of: part.expression)
            if part.isOptional, case .optional(let inner) = found { found = inner }
            if !ExpressionType.parameter("A").accepts(found, &bindings) {
                let wanted = bindings["A"]?.text ?? "dyn"
                _ = refuse(part.expression, "expected type '\(wanted)' but found '\(found.text)'")
            }
        }
        return bindings["A"] ?? .dyn
    }

    private mutating func call(_ expression: Expression, target: Expression?, name: String, arguments: [Expression])
        -> ExpressionType
    {
        let types = ((target.map { [$0] } ?? []) + arguments).map { type(of: $0) }
        guard let overloads = FunctionLibrary.functions[name] else {
            if FunctionLibrary.unknown.contains(name) {
                isUnsupported = true
                return .dyn
            }
            return refuse(expression, "undeclared reference to '\(name)' (in container '')")
        }
        for overload in overloads
        where overload.isMethod == (target != nil) && overload.parameters.count == types.count {
            var bindings: [String: ExpressionType] = [:]
            if zip(overload.parameters, types).allSatisfy({ $0.accepts($1, &bindings) }) {
                // More than one may fit what is dynamic, with results of different types.
                let isCertain = !types.contains(.dyn) || overloads.allSatisfy { $0.result == overload.result }
                return isCertain ? overload.result.bound(bindings) : .dyn
            }
        }
        if FunctionLibrary.unknown.contains(name) {
            isUnsupported = true
            return .dyn
        }
        let texts = types.map(\.text)
        let list = (target == nil ? texts[...] : texts.dropFirst()).joined(separator: ", ")
        let signature = target == nil ? "(\(list))" : "\(texts[0]).(\(list))"
        return refuse(expression, "found no matching overload for '\(name)' applied to '\(signature)'")
    }

    private mutating func comprehension(_ loop: ExpressionNode.Comprehension) -> ExpressionType {
        let range = type(of: loop.range)
        var types: [ExpressionType]
        switch (loop.kind, range) {
        case (.bind, _): types = [range]
        case (.optMap, .optional(let inner)), (.optFlatMap, .optional(let inner)): types = [inner]
        case (.optMap, _), (.optFlatMap, _): types = [.dyn]
        case (_, .list(let element)): types = loop.variables.count == 2 ? [.int, element] : [element]
        case (_, .map(let key, let value)): types = loop.variables.count == 2 ? [key, value] : [key]
        case (_, .dyn): types = Array(repeating: .dyn, count: loop.variables.count)
        default:
            return refuse(
                loop.range,
                "expression of type '\(range.text)' cannot be range of a comprehension (must be list, map, or dynamic)")
        }
        let count = variables.count
        defer { variables.removeLast(variables.count - count) }
        for (name, type) in zip(loop.variables, types) { variables.append((name, type)) }
        if let condition = loop.condition { expectTruth(condition) }
        switch loop.kind {
        case .all, .exists, .existsOne:
            expectTruth(loop.body)
            return .bool
        case .filter:
            expectTruth(loop.body)
            return .list(types[0])
        case .map, .transformList: return .list(type(of: loop.body))
        case .transformMap: return .map(types[0], type(of: loop.body))
        case .bind, .optFlatMap: return type(of: loop.body)
        case .optMap: return .optional(type(of: loop.body))
        }
    }

    private mutating func expectTruth(_ expression: Expression) {
        let found = type(of: expression)
        if found != .bool, found != .dyn {
            _ = refuse(expression, "expected type 'bool' but found '\(found.text)'")
        }
    }
}
