/// An expression of the Common Expression Language (https://github.com/google/cel-spec), as it was read.
struct Expression: Sendable {
    /// Where it is reported to be: the place of its operator, dot or bracket, in characters from the start.
    let position: Int
    let node: ExpressionNode
    /// How many expressions are nested in one another here, itself included.
    let depth: Int

    init(_ node: ExpressionNode, at position: Int) {
        self.node = node
        self.position = position
        depth = 1 + (node.children.map(\.depth).max() ?? 0)
    }
}

indirect enum ExpressionNode: Sendable {
    case literal(ExpressionValue)
    case identifier(String)
    case select(Expression, field: String, isOptional: Bool)
    /// `has(e.f)`.
    case presence(Expression, field: String)
    /// A function, a method or an operator; operators are called as the specification names them: `_+_`, `!_`, `@in`.
    case call(target: Expression?, name: String, arguments: [Expression])
    /// A chain of `&&` or `||`, which absorbs errors where another side decides.
    case logical(isAnd: Bool, [Expression])
    case conditional(Expression, Expression, Expression)
    case list([(value: Expression, isOptional: Bool)])
    case map([(key: Expression, value: Expression, isOptional: Bool)])
    case comprehension(Comprehension)

    struct Comprehension: Sendable {
        enum Kind: Sendable {
            case all, exists, existsOne, map, filter, transformList, transformMap, bind, optMap, optFlatMap
        }
        var kind: Kind
        var range: Expression
        /// One name for elements or keys; two for places and elements, or keys and values.
        var variables: [String]
        var condition: Expression?
        var body: Expression
    }

    var children: [Expression] {
        switch self {
        case .literal, .identifier: []
        case .select(let operand, _, _), .presence(let operand, _): [operand]
        case .call(let target, _, let arguments): (target.map { [$0] } ?? []) + arguments
        case .logical(_, let sides): sides
        case .conditional(let condition, let first, let second): [condition, first, second]
        case .list(let elements): elements.map(\.value)
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .comprehension(let loop): [loop.range, loop.body] + (loop.condition.map { [$0] } ?? [])
        }
    }
}

extension Expression {
    /// Whether a name is spoken of anywhere in it.
    func mentions(_ name: String) -> Bool {
        if case .identifier(name) = node { return true }
        return node.children.contains { $0.mentions(name) }
    }
}

/// Why an expression cannot be read or fits no schema, with the place.
struct ExpressionProblem: Error, Hashable {
    /// The most characters that an expression may have, and the deepest that one may be nested.
    static let maximumLength = 100_000
    static let maximumDepth = 250

    var position: Int
    var message: String

    /// The problems as the server prints them, each with its line and a mark under the place.
    static func report(_ problems: [ExpressionProblem], in source: String) -> String {
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
        return problems.map { problem in
            var column = problem.position
            guard column >= 0 else { return "ERROR: <input>:-1:0: \(problem.message)" }
            var row = 0
            while row + 1 < lines.count, column > lines[row].count {
                column -= lines[row].count + 1
                row += 1
            }
            let line = String(String.UnicodeScalarView(lines[row]))
            let mark = String(repeating: ".", count: column) + "^"
            return "ERROR: <input>:\(row + 1):\(column + 1): \(problem.message)\n | \(line)\n | \(mark)"
        }.joined(separator: "\n")
    }
}

/// Why an expression has no value.
enum ExpressionError: Error, Hashable {
    /// An error of the language, in the words of the reference implementation (cel-go).
    case evaluation(String)
    /// The budget for one expression is used up.
    case costExceeded
    /// The server knows how to go on and the simulator does not; nothing can be said of the value.
    case unsupported

    static let noSuchOverload = ExpressionError.evaluation("no such overload")
    static let integerOverflow = ExpressionError.evaluation("integer overflow")
    static let unsignedOverflow = ExpressionError.evaluation("unsigned integer overflow")

    static func conversion(from: String, to: String) -> ExpressionError {
        .evaluation("type conversion error from '\(from)' to '\(to)'")
    }
}
