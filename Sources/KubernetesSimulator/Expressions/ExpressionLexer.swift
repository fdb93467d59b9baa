/// A word of an expression.
struct ExpressionToken: Sendable {
    enum Kind: Sendable {
        case identifier(String)
        /// A name in backticks, which is allowed as a field only.
        case quotedField(String)
        case literal(ExpressionValue)
        case symbol(String)
        case end
    }

    var kind: Kind
    /// Where it begins, in characters.
    var position: Int
    /// As it is written, for errors.
    var text: String
}

/// Splits an expression into its words.
struct ExpressionLexer {
    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ source: String) { scalars = Array(source.unicodeScalars) }

    static func tokens(of source: String) throws(ExpressionProblem) -> [ExpressionToken] {
        var lexer = ExpressionLexer(source)
        if lexer.scalars.count > ExpressionProblem.maximumLength {
            throw ExpressionProblem(
                position: -1,
                message:
                    "expression code point size exceeds limit: size: \(lexer.scalars.count), limit \(ExpressionProblem.maximumLength)"
            )
        }
        var tokens: [ExpressionToken] = []
        while let token = try lexer.next() { tokens.append(token) }
        tokens.append(ExpressionToken(kind: .end, position: lexer.scalars.count, text: "<EOF>"))
        return tokens
    }

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        position + ahead < scalars.count ? scalars[position + ahead] : nil
    }

    private func text(from start: Int) -> String { String(String.UnicodeScalarView(scalars[start..<position])) }

    private static let symbols = [
        "&&", "||", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "!", "<", ">", "(", ")", "[", "]", "{", "}", ".",
        ",", ":", "?",
    ].map { (text: $0, scalars: Array($0.unicodeScalars)) }

    private mutating func next() throws(ExpressionProblem) -> ExpressionToken? {
        skipSpace()
        guard let first = peek() else { return nil }
        let start = position
        if first.isDigit || (first == "." && peek(1)?.isDigit == true) { return try number() }
        if let token = try quoted() { return token }
        if first.isIdentifierStart {
            while let scalar = peek(), scalar.isIdentifierPart { position += 1 }
            let word = text(from: start)
            let kind: ExpressionToken.Kind =
                switch word {
                case "true": .literal(.bool(true))
                case "false": .literal(.bool(false))
                case "null": .literal(.null)
                case "in": .symbol("in")
                default: .identifier(word)
                }
            return ExpressionToken(kind: kind, position: start, text: word)
        }
        if first == "`" {
            position += 1
            while let scalar = peek(), scalar != "`", scalar != "\n" { position += 1 }
            guard peek() == "`" else { throw unrecognized(start) }
            position += 1
            let word = text(from: start)
            return ExpressionToken(kind: .quotedField(String(word.dropFirst().dropLast())), position: start, text: word)
        }
        for symbol in Self.symbols where scalars[position...].starts(with: symbol.scalars) {
            position += symbol.scalars.count
            return ExpressionToken(kind: .symbol(symbol.text), position: start, text: symbol.text)
        }
        position += 1
        throw unrecognized(start)
    }

    private func unrecognized(_ start: Int) -> ExpressionProblem {
        ExpressionProblem(position: start, message: "Syntax error: token recognition error at: '\(text(from: start))'")
    }

    private mutating func skipSpace() {
        while let scalar = peek() {
            if [" ", "\t", "\n", "\r", "\u{c}"].contains(scalar) {
                position += 1
            } else if scalar == "/", peek(1) == "/" {
                while let inside = peek(), inside != "\n" { position += 1 }
            } else {
                return
            }
        }
    }

    private mutating func number() throws(ExpressionProblem) -> ExpressionToken {
        let start = position
        func token(_ value: ExpressionValue, _ text: String) -> ExpressionToken {
            ExpressionToken(kind: .literal(value), position: start, text: text)
        }
        if peek() == "0", peek(1) == "x" || peek(1) == "X" {
            position += 2
            while let scalar = peek(), scalar.properties.isASCIIHexDigit { position += 1 }
            let digits = String(text(from: start).dropFirst(2))
            if peek() == "u" || peek() == "U" {
                position += 1
                guard let value = UInt64(digits, radix: 16) else { throw invalid("uint", start) }
                return token(.uint(value), text(from: start))
            }
            guard let value = UInt64(digits, radix: 16), value <= UInt64(Int64.max) + 1 else {
                throw invalid("int", start)
            }
            return token(Self.integer(value), text(from: start))
        }
        var isFraction = false
        while let scalar = peek(), scalar.isDigit { position += 1 }
        if peek() == ".", peek(1)?.isDigit == true {
            isFraction = true
            position += 1
            while let scalar = peek(), scalar.isDigit { position += 1 }
        }
        if peek() == "e" || peek() == "E" {
            let signed = peek(1) == "+" || peek(1) == "-"
            if peek(signed ? 2 : 1)?.isDigit == true {
                isFraction = true
                position += signed ? 2 : 1
                while let scalar = peek(), scalar.isDigit { position += 1 }
            }
        }
        let digits = text(from: start)
        if isFraction {
            guard let value = Double(digits) else { throw invalid("double", start) }
            return token(.double(value), digits)
        }
        if peek() == "u" || peek() == "U" {
            position += 1
            guard let value = UInt64(digits) else { throw invalid("uint", start) }
            return token(.uint(value), text(from: start))
        }
        guard let value = UInt64(digits), value <= UInt64(Int64.max) + 1 else { throw invalid("int", start) }
        return token(Self.integer(value), digits)
    }

    /// The least integer is written as a negation of what is none; ``ExpressionParser`` folds the two.
    private static func integer(_ value: UInt64) -> ExpressionValue {
        value > UInt64(Int64.max) ? .uint(value) : .int(Int64(value))
    }

    private func invalid(_ kind: String, _ start: Int) -> ExpressionProblem {
        ExpressionProblem(position: start, message: "invalid \(kind) literal")
    }
}

// MARK: - Texts

extension ExpressionLexer {
    /// A string or bytes, with its prefixes `r` and `b`; nil when there is none here.
    private mutating func quoted() throws(ExpressionProblem) -> ExpressionToken? {
        let start = position
        var ahead = 0
        var isRaw = false
        var isBytes = false
        while let scalar = peek(ahead), ahead < 2 {
            if scalar == "r" || scalar == "R", !isRaw {
                isRaw = true
            } else if scalar == "b" || scalar == "B", !isBytes {
                isBytes = true
            } else {
                break
            }
            ahead += 1
        }
        guard let quote = peek(ahead), quote == "\"" || quote == "'" else { return nil }
        position += ahead + 1
        let isTriple = peek() == quote && peek(1) == quote
        if isTriple { position += 2 }
        var text = String.UnicodeScalarView()
        var bytes: [UInt8] = []
        while true {
            guard let scalar = peek(), isTriple || (scalar != "\n" && scalar != "\r") else { throw unrecognized(start) }
            if scalar == quote, !isTriple || (peek(1) == quote && peek(2) == quote) {
                position += isTriple ? 3 : 1
                break
            }
            position += 1
            if scalar == "\\", isRaw {
                text.append(scalar)
                bytes.append(0x5c)
                // A quote after a backslash does not end a raw text, and both stay.
                guard let following = peek() else { throw unrecognized(start) }
                text.append(following)
                bytes += Array(String(Character(following)).utf8)
                position += 1
            } else if scalar == "\\" {
                let (value, isByte) = try escape(start, isBytes: isBytes)
                if isByte, isBytes { bytes.append(UInt8(truncatingIfNeeded: value)) }
                guard let decoded = Unicode.Scalar(value) else { throw unrecognized(start) }
                text.append(decoded)
                if !isByte || !isBytes { bytes += Array(String(Character(decoded)).utf8) }
            } else {
                text.append(scalar)
                bytes += Array(String(Character(scalar)).utf8)
            }
        }
        let written = self.text(from: start)
        return ExpressionToken(
            kind: .literal(isBytes ? .bytes(bytes) : .string(String(text))), position: start, text: written)
    }

    private mutating func escape(_ start: Int, isBytes: Bool) throws(ExpressionProblem) -> (UInt32, isByte: Bool) {
        guard let mark = peek() else { throw unrecognized(start) }
        position += 1
        switch mark {
        case "a": return (7, false)
        case "b": return (8, false)
        case "f": return (12, false)
        case "n": return (10, false)
        case "r": return (13, false)
        case "t": return (9, false)
        case "v": return (11, false)
        case "\\", "'", "\"", "`", "?": return (mark.value, false)
        case "x", "X": return (try digits(2, radix: 16, start), true)
        case "u": return (try digits(4, radix: 16, start), false)
        case "U": return (try digits(8, radix: 16, start), false)
        case "0"..."3":
            position -= 1
            return (try digits(3, radix: 8, start), true)
        default: throw unrecognized(start)
        }
    }

    private mutating func digits(_ count: Int, radix: Int, _ start: Int) throws(ExpressionProblem) -> UInt32 {
        guard position + count <= scalars.count else { throw unrecognized(start) }
        let text = String(String.UnicodeScalarView(scalars[position..<position + count]))
        guard text.first != "+", text.first != "-", let value = UInt32(text, radix: radix) else {
            throw unrecognized(start)
        }
        position += count
        return value
    }
}

extension Unicode.Scalar {
    fileprivate var isDigit: Bool { ("0"..."9").contains(self) }
    fileprivate var isIdentifierStart: Bool { ("a"..."z").contains(self) || ("A"..."Z").contains(self) || self == "_" }
    fileprivate var isIdentifierPart: Bool { isIdentifierStart || isDigit }
}
