/// Reads ``FieldExpression``s by recursive descent.
struct FieldExpressionParser {
    private typealias Node = FieldExpression.Node

    private static let maximumDepth = 50

    private let text: [Character]
    private var position = 0
    private var depth = 0

    init(_ text: String) throws {
        self.text = Array(text)
        guard self.text.count <= FieldExpression.maximumLength else {
            throw KubernetesObjectError(
                code: .invalidExpression,
                message:
                    "an expression of \(self.text.count) characters is longer than \(FieldExpression.maximumLength)")
        }
    }

    mutating func parse() throws -> FieldExpression.Node {
        let node = try either()
        skipSpace()
        guard position == text.count else { throw failure("expected an operator or the end") }
        return node
    }

    private func failure(_ what: String) -> KubernetesObjectError {
        KubernetesObjectError(
            code: .invalidExpression, message: "expression \"\(String(text))\", column \(position + 1): \(what)")
    }

    private mutating func skipSpace() {
        while position < text.count, text[position].isWhitespace { position += 1 }
    }

    private mutating func take(_ token: String) -> Bool {
        skipSpace()
        guard text[position...].starts(with: token) else { return false }
        position += token.count
        return true
    }

    private mutating func either() throws -> Node {
        var node = try both()
        while take("||") { node = .or(node, try both()) }
        return node
    }

    private mutating func both() throws -> Node {
        var node = try negation()
        while take("&&") { node = .and(node, try negation()) }
        return node
    }

    private mutating func negation() throws -> Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= FieldExpressionParser.maximumDepth else { throw failure("nested too deep") }
        skipSpace()
        if position < text.count, text[position] == "!", position + 1 >= text.count || text[position + 1] != "=" {
            position += 1
            return .not(try negation())
        }
        let left = try operand()
        for comparison in [FieldExpression.Comparison.equal, .notEqual, .atMost, .atLeast, .less, .greater]
        where take(comparison.rawValue) {
            return .compare(left, comparison, try operand())
        }
        skipSpace()
        if position < text.count, text[position] == "=" { throw failure("= is no operator; == compares") }
        return left
    }

    private mutating func operand() throws -> Node {
        skipSpace()
        guard position < text.count else { throw failure("expected a field, a value or (") }
        let character = text[position]
        switch character {
        case "(":
            position += 1
            let inner = try either()
            guard take(")") else { throw failure("expected )") }
            return inner
        case "\"", "'":
            return .literal(.string(try quoted()))
        case "-", "0"..."9":
            return .literal(try number())
        default:
            guard isNamePart(character) || character == "." else { throw failure("expected a field, a value or (") }
            return try field()
        }
    }

    private mutating func quoted() throws -> String {
        let quote = text[position]
        var result = ""
        var index = position + 1
        while index < text.count, text[index] != quote {
            if text[index] == "\\", index + 1 < text.count { index += 1 }
            result.append(text[index])
            index += 1
        }
        guard index < text.count else { throw failure("the quote is not closed") }
        position = index + 1
        return result
    }

    private mutating func number() throws -> JSONValue {
        let start = position
        if text[position] == "-" { position += 1 }
        while position < text.count, text[position].isNumber || text[position] == "." { position += 1 }
        let word = String(text[start..<position])
        if let integer = Int64(word) { return .integer(integer) }
        if let number = Double(word), number.isFinite { return .number(number) }
        position = start
        throw failure("\"\(word)\" is no number")
    }

    private func isNamePart(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_" || character == "-"
    }

    private mutating func name() throws -> String {
        let start = position
        while position < text.count, isNamePart(text[position]) { position += 1 }
        guard start < position else { throw failure("expected a field name") }
        return String(text[start..<position])
    }

    private mutating func field() throws -> Node {
        if text[position] == "." { position += 1 }
        let first = try name()
        let isAlone = position == text.count || (text[position] != "." && text[position] != "[")
        if isAlone {
            switch first {
            case "true": return .literal(true)
            case "false": return .literal(false)
            case "null": return .literal(.null)
            default: break
            }
        }
        var steps: [FieldExpression.Step] = [.key(first)]
        while position < text.count {
            if text[position] == "." {
                position += 1
                steps.append(.key(try name()))
            } else if text[position] == "[" {
                position += 1
                steps.append(try bracket())
            } else {
                break
            }
        }
        return .field(steps)
    }

    /// What follows `[`: an index, a quoted key, or `key=value`.
    private mutating func bracket() throws -> FieldExpression.Step {
        skipSpace()
        let step: FieldExpression.Step
        if position < text.count, text[position] == "\"" || text[position] == "'" {
            step = .key(try quoted())
        } else {
            let word = try name()
            if take("=") {
                _ = take("=")
                skipSpace()
                let isQuoted = position < text.count && (text[position] == "\"" || text[position] == "'")
                step = .first(key: word, value: try isQuoted ? quoted() : name())
            } else if let index = Int(word), index >= 0 {
                step = .index(index)
            } else {
                throw failure("expected an index, a quoted key or key=value in brackets")
            }
        }
        guard take("]") else { throw failure("expected ]") }
        return step
    }
}
