/// A regular expression as it was read.
indirect enum PatternExpression: Sendable {
    case empty
    case one(PatternClass)
    case hold(PatternAssertion)
    case sequence([PatternExpression])
    case choice([PatternExpression])
    /// At least and at most so many times; nil is without end.
    case repetition(PatternExpression, Int, Int?)

    /// Parts one after another, without those that ask for nothing.
    static func joined(_ parts: [PatternExpression]) -> PatternExpression {
        let asking = parts.filter { if case .empty = $0 { false } else { true } }
        return asking.isEmpty ? .empty : asking.count == 1 ? asking[0] : .sequence(asking)
    }
}

/// Reads the syntax of RE2 (<https://github.com/google/re2/wiki/Syntax>). Every function gives nil for what is none.
struct PatternParser {
    /// How deep groups may nest; each is a few calls here.
    static let maximumDepth = 100
    /// RE2's own limit to a count.
    static let maximumCount = 1_000
    static let maximumLength = 4_096

    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var depth = 0
    private var ignoresCase = false
    private var dotTakesLines = false

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    /// The whole text as one expression.
    mutating func expression() -> PatternExpression? {
        guard scalars.count <= Self.maximumLength, let read = choice(), position == scalars.count else { return nil }
        return read
    }

    private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ text: String) -> Bool {
        let wanted = text.unicodeScalars
        guard scalars[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    private mutating func takeAny() -> Unicode.Scalar? {
        guard let scalar = next else { return nil }
        position += 1
        return scalar
    }

    private mutating func choice() -> PatternExpression? {
        var choices: [PatternExpression] = []
        repeat {
            var parts: [PatternExpression] = []
            while let scalar = next, scalar != "|", scalar != ")" {
                guard let part = repeated() else { return nil }
                parts.append(part)
            }
            choices.append(.joined(parts))
        } while take("|")
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    private mutating func repeated() -> PatternExpression? {
        guard let inner = atom() else { return nil }
        guard let (least, most) = count() else { return inner }
        _ = take("?")
        // RE2 takes no count of a count.
        guard count() == nil, least <= Self.maximumCount, most.map({ $0 >= least && $0 <= Self.maximumCount }) ?? true
        else { return nil }
        if case .empty = inner { return .empty }
        return .repetition(inner, least, most)
    }

    /// How often; nil, and nothing taken, where no count stands here. Braces that hold no count are plain characters.
    private mutating func count() -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let start = position
        if take("{"), let least = number() {
            if take("}") { return (least, least) }
            if take(",") {
                if take("}") { return (least, nil) }
                if let most = number(), take("}") { return (least, most) }
            }
        }
        position = start
        return nil
    }

    private mutating func number() -> Int? {
        let start = position
        while let scalar = next, ("0"..."9").contains(scalar), position - start < 6 { position += 1 }
        return Int(String(String.UnicodeScalarView(scalars[start..<position])))
    }

    private mutating func atom() -> PatternExpression? {
        guard let scalar = takeAny() else { return nil }
        switch scalar {
        case "(": return group()
        case "[": return bracket().map { .one($0) }
        case ".": return .one(dotTakesLines ? .all : .notNewline)
        case "^": return .hold(.start)
        case "$": return .hold(.end)
        case "*", "+", "?": return nil
        case "\\":
            if take("A") { return .hold(.start) }
            if take("z") { return .hold(.end) }
            if take("b") { return .hold(.wordBoundary(true)) }
            if take("B") { return .hold(.wordBoundary(false)) }
            return escape().map { .one(cased($0)) }
        default: return .one(cased(.single(scalar)))
        }
    }

    private func cased(_ wanted: PatternClass) -> PatternClass { ignoresCase ? wanted.inEitherCase : wanted }

    private mutating func group() -> PatternExpression? {
        let outer = (ignoresCase, dotTakesLines)
        if take("?"), !take(":") {
            if take("P<") || take("<") {
                while let scalar = takeAny(), scalar != ">" {
                    guard PatternClass.word.contains(scalar.value) else { return nil }
                }
            } else {
                guard let end = flags() else { return nil }
                // Flags alone hold to the end of the group around them.
                if end == ")" { return .empty }
            }
        }
        depth += 1
        defer {
            depth -= 1
            (ignoresCase, dotTakesLines) = outer
        }
        guard depth <= Self.maximumDepth, let inner = choice(), take(")") else { return nil }
        return inner
    }

    /// Takes flags with the colon or the bracket after them, which it returns.
    private mutating func flags() -> Unicode.Scalar? {
        var isOn = true
        while let scalar = takeAny() {
            switch scalar {
            case "i": ignoresCase = isOn
            case "s": dotTakesLines = isOn
            case "U": break
            case "-" where isOn: isOn = false
            case ":", ")": return scalar
            default: return nil
            }
        }
        return nil
    }

    /// What stands after a backslash: a character or a class.
    private mutating func escape() -> PatternClass? {
        guard let scalar = takeAny() else { return nil }
        switch scalar {
        case "d": return .digit
        case "D": return PatternClass.digit.negated
        case "s": return .space
        case "S": return PatternClass.space.negated
        case "w": return .word
        case "W": return PatternClass.word.negated
        case "a": return .single("\u{7}")
        case "f": return .single("\u{C}")
        case "n": return .single("\n")
        case "r": return .single("\r")
        case "t": return .single("\t")
        case "v": return .single("\u{B}")
        case "x": return hexadecimal().map { .single($0) }
        case "0"..."9", "a"..."z", "A"..."Z": return nil
        default: return scalar.isASCII ? .single(scalar) : nil
        }
    }

    private mutating func hexadecimal() -> Unicode.Scalar? {
        var digits = ""
        if take("{") {
            while let scalar = takeAny(), scalar != "}" { digits.unicodeScalars.append(scalar) }
        } else {
            for _ in 0..<2 { if let scalar = takeAny() { digits.unicodeScalars.append(scalar) } }
        }
        guard (1...6).contains(digits.utf8.count), digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }) else {
            return nil
        }
        return UInt32(digits, radix: 16).flatMap { Unicode.Scalar($0) }
    }

    /// What stands in square brackets.
    private mutating func bracket() -> PatternClass? {
        let isNegated = take("^")
        var result = PatternClass([])
        var isFirst = true
        while let scalar = next, isFirst || scalar != "]" {
            isFirst = false
            if take("[:") {
                guard let named = named() else { return nil }
                result.formUnion(named)
                continue
            }
            guard let low = bracketed() else { return nil }
            // A minus at the end is a character, and a class such as \d begins no range.
            if next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
                position += 1
                guard let first = low.only, let last = bracketed()?.only, first <= last else { return nil }
                result.formUnion(PatternClass([first...last]))
            } else {
                result.formUnion(low)
            }
        }
        guard take("]") else { return nil }
        if ignoresCase { result = result.inEitherCase }
        return isNegated ? result.negated : result
    }

    private mutating func bracketed() -> PatternClass? {
        guard let scalar = takeAny() else { return nil }
        return scalar == "\\" ? escape() : .single(scalar)
    }

    private mutating func named() -> PatternClass? {
        let isNegated = take("^")
        var name = ""
        while let scalar = takeAny(), scalar != ":" { name.unicodeScalars.append(scalar) }
        guard take("]"), let found = PatternClass.named[name] else { return nil }
        return isNegated ? found.negated : found
    }
}
