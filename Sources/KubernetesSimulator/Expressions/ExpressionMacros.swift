/// Calls that are read as something else: tests for presence, and loops over lists and maps.
enum ExpressionMacros {
    /// What a call means. A name behind one of ``namespaces`` is a function's.
    static func call(
        _ target: Expression?, _ name: String, _ arguments: [Expression], at position: Int
    ) throws(ExpressionProblem) -> ExpressionNode {
        guard let target else {
            guard name == "has", arguments.count == 1 else {
                return .call(target: nil, name: name, arguments: arguments)
            }
            guard case .select(let operand, let field, false) = arguments[0].node else {
                throw ExpressionProblem(position: arguments[0].position, message: "invalid argument to has() macro")
            }
            return .presence(operand, field: field)
        }
        if case .identifier("ip") = target.node, name == "isCanonical" {
            return .call(target: nil, name: "ip.isCanonical", arguments: arguments)
        }
        if case .identifier(let namespace) = target.node, namespaces.contains(namespace) {
            if namespace == "cel", name == "bind", arguments.count == 3 {
                return .comprehension(
                    ExpressionNode.Comprehension(
                        kind: .bind, range: arguments[1], variables: [try variable(arguments[0])],
                        body: arguments[2]))
            }
            return .call(target: nil, name: "\(namespace).\(name)", arguments: arguments)
        }
        guard let loop = try loop(over: target, name, arguments) else {
            return .call(target: target, name: name, arguments: arguments)
        }
        return .comprehension(loop)
    }

    static let namespaces: Set<String> = ["optional", "sets", "cel", "format", "math", "base64", "lists", "strings"]

    private static func variable(_ expression: Expression) throws(ExpressionProblem) -> String {
        guard case .identifier(let name) = expression.node else {
            throw ExpressionProblem(position: expression.position, message: "argument must be a simple name")
        }
        return name
    }

    private static func loop(
        over range: Expression, _ name: String, _ arguments: [Expression]
    ) throws(ExpressionProblem) -> ExpressionNode.Comprehension? {
        typealias Kind = ExpressionNode.Comprehension.Kind
        let kind: Kind
        switch (name, arguments.count) {
        case ("all", 2...3): kind = .all
        case ("exists", 2...3): kind = .exists
        case ("exists_one", 2...3), ("existsOne", 2...3): kind = .existsOne
        case ("map", 2...3): kind = .map
        case ("filter", 2): kind = .filter
        case ("transformList", 3...4): kind = .transformList
        case ("transformMap", 3...4): kind = .transformMap
        case ("optMap", 2): kind = .optMap
        case ("optFlatMap", 2): kind = .optFlatMap
        default: return nil
        }
        let isKeyed = kind == .transformList || kind == .transformMap
        // `map(v, condition, body)` has a condition where the others with three have a second variable.
        let names = isKeyed || (arguments.count == 3 && kind != .map) ? 2 : 1
        var variables: [String] = []
        for argument in arguments[..<names] { variables.append(try variable(argument)) }
        let rest = arguments[names...]
        guard let body = rest.last else { return nil }
        return ExpressionNode.Comprehension(
            kind: kind, range: range, variables: variables, condition: rest.count > 1 ? rest.first : nil, body: body)
    }
}
