/// Reads expressions by the grammar of the language's specification, with its bounds on length and depth.
struct ExpressionParser {
    private let tokens: [ExpressionToken]
    private var index = 0
    private var depth = 0

    /// - Throws: The first thing that is wrong with the text; ``ExpressionProblem/position`` says where.
    static func expression(_ source: String) throws(ExpressionProblem) -> Expression {
        var parser = ExpressionParser(tokens: try ExpressionLexer.tokens(of: source))
        let result = try parser.conditional()
        guard case .end = parser.token.kind else { throw parser.mismatch("<EOF>") }
        return result
    }

    private init(tokens: [ExpressionToken]) { self.tokens = tokens }

    private var token: ExpressionToken { tokens[index] }

    private func isAt(_ symbol: String) -> Bool {
        if case .symbol(symbol) = token.kind { return true }
        return false
    }

    private mutating func accept(_ symbol: String) -> Bool {
        guard isAt(symbol) else { return false }
        index += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(ExpressionProblem) {
        if !accept(symbol) { throw mismatch("'\(symbol)'") }
    }

    private func mismatch(_ wanted: String) -> ExpressionProblem {
        ExpressionProblem(
            position: token.position, message: "Syntax error: mismatched input '\(token.text)' expecting \(wanted)")
    }

    private static let beginnings =
        "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

    /// An expression that is nested no deeper than it may be.
    private func made(_ node: ExpressionNode, at position: Int) throws(ExpressionProblem) -> Expression {
        let result = Expression(node, at: position)
        if result.depth > ExpressionProblem.maximumDepth { throw Self.tooDeep }
        return result
    }

    private static let tooDeep = ExpressionProblem(
        position: -1, message: "expression recursion limit exceeded: \(ExpressionProblem.maximumDepth)")

    private mutating func conditional() throws(ExpressionProblem) -> Expression {
        depth += 1
        defer { depth -= 1 }
        if depth > ExpressionProblem.maximumDepth { throw Self.tooDeep }
        let condition = try binary(0)
        let position = token.position
        guard accept("?") else { return condition }
        let first = try binary(0)
        try expect(":")
        let second = try conditional()
        return try made(.conditional(condition, first, second), at: position)
    }

    /// Operators with how strongly they bind and the names of their functions.
    private static let operators: [String: (level: Int, name: String)] = [
        "||": (0, "||"), "&&": (1, "&&"), "<": (2, "_<_"), "<=": (2, "_<=_"), ">": (2, "_>_"), ">=": (2, "_>=_"),
        "==": (2, "_==_"), "!=": (2, "_!=_"), "in": (2, "@in"), "+": (3, "_+_"), "-": (3, "_-_"), "*": (4, "_*_"),
        "/": (4, "_/_"), "%": (4, "_%_"),
    ]

    private mutating func binary(_ least: Int) throws(ExpressionProblem) -> Expression {
        var left = try unary()
        while case .symbol(let symbol) = token.kind, let found = Self.operators[symbol], found.level >= least {
            let position = token.position
            if found.level < 2 {
                // One node for a whole chain, which may be long and should not count as deep.
                var sides = [left]
                while accept(symbol) { sides.append(try binary(found.level + 1)) }
                left = try made(.logical(isAnd: symbol == "&&", sides), at: position)
            } else {
                index += 1
                let right = try binary(found.level + 1)
                left = try made(.call(target: nil, name: found.name, arguments: [left, right]), at: position)
            }
        }
        return left
    }

    private mutating func unary() throws(ExpressionProblem) -> Expression {
        var marks: [(name: String, position: Int)] = []
        while isAt("!") || isAt("-") {
            if marks.count > ExpressionProblem.maximumDepth { throw Self.tooDeep }
            marks.append((isAt("!") ? "!_" : "-_", token.position))
            index += 1
        }
        var result = try member()
        while let mark = marks.popLast() {
            if mark.name == "-_", case .literal(let value) = result.node, let negated = Self.negated(value) {
                result = Expression(.literal(negated), at: mark.position)
            } else {
                result = try made(.call(target: nil, name: mark.name, arguments: [result]), at: mark.position)
            }
        }
        if case .literal(.uint(let value)) = result.node, value > UInt64(Int64.max),
            tokens[index - 1].text.last?.isNumber == true
        {
            throw ExpressionProblem(position: result.position, message: "invalid int literal")
        }
        return result
    }

    private static func negated(_ value: ExpressionValue) -> ExpressionValue? {
        switch value {
        case .int(let number) where number >= 0: .int(-number)
        case .double(let number): .double(-number)
        // What the lexer keeps for the least integer.
        case .uint(let number) where number == UInt64(Int64.max) + 1: .int(.min)
        default: nil
        }
    }

    private mutating func member() throws(ExpressionProblem) -> Expression {
        var result = try primary()
        while true {
            let position = token.position
            if accept(".") {
                let isOptional = accept("?")
                let name = try fieldName()
                if !isOptional, isAt("(") {
                    let opening = token.position
                    let arguments = try self.arguments()
                    result = try made(
                        try ExpressionMacros.call(result, name, arguments, at: opening), at: opening)
                } else {
                    result = try made(.select(result, field: name, isOptional: isOptional), at: position)
                }
            } else if accept("[") {
                let isOptional = accept("?")
                let key = try conditional()
                try expect("]")
                result = try made(
                    .call(target: nil, name: isOptional ? "_[?_]" : "_[_]", arguments: [result, key]), at: position)
            } else {
                return result
            }
        }
    }

    private mutating func fieldName() throws(ExpressionProblem) -> String {
        switch token.kind {
        case .identifier(let name), .quotedField(let name):
            index += 1
            return name
        default: throw mismatch("IDENTIFIER")
        }
    }

    private mutating func arguments() throws(ExpressionProblem) -> [Expression] {
        try expect("(")
        var result: [Expression] = []
        if accept(")") { return result }
        repeat { result.append(try conditional()) } while accept(",")
        try expect(")")
        return result
    }

    /// Words that are no names, though fields may be called so.
    static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    ]

    private mutating func primary() throws(ExpressionProblem) -> Expression {
        let start = token
        switch start.kind {
        case .literal(let value):
            index += 1
            return Expression(.literal(value), at: start.position)
        case .identifier(let name):
            index += 1
            if Self.reserved.contains(name) {
                throw ExpressionProblem(position: start.position, message: "reserved identifier: \(name)")
            }
            guard isAt("(") else { return Expression(.identifier(name), at: start.position) }
            let opening = token.position
            let arguments = try self.arguments()
            return try made(try ExpressionMacros.call(nil, name, arguments, at: opening), at: opening)
        case .symbol("."):
            index += 1
            return try primary()
        case .symbol("("):
            index += 1
            let inner = try conditional()
            try expect(")")
            return inner
        case .symbol("["):
            index += 1
            var elements: [(value: Expression, isOptional: Bool)] = []
            while !isAt("]") {
                let isOptional = accept("?")
                elements.append((try conditional(), isOptional))
                if !accept(",") { break }
            }
            try expect("]")
            return try made(.list(elements), at: start.position)
        case .symbol("{"):
            index += 1
            var entries: [(key: Expression, value: Expression, isOptional: Bool)] = []
            while !isAt("}") {
                let isOptional = accept("?")
                let key = try conditional()
                try expect(":")
                entries.append((key, try conditional(), isOptional))
                if !accept(",") { break }
            }
            try expect("}")
            return try made(.map(entries), at: start.position)
        default: throw mismatch(Self.beginnings)
        }
    }
}
