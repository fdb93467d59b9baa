/// Texts: the language's own methods and those of its string extension. Places are counted in characters (code points).
extension FunctionLibrary {
    static let strings: [String: [FunctionOverload]] = [
        "contains": [test { left, right in left.firstPlace(of: right, from: 0) != nil }],
        "startsWith": [test { left, right in left.starts(with: right) }],
        "endsWith": [test { left, right in left.reversed().starts(with: right.reversed()) }],
        "lowerAscii": [change { String(String.UnicodeScalarView($0.unicodeScalars.map(\.loweredASCII))) }],
        "upperAscii": [change { String(String.UnicodeScalarView($0.unicodeScalars.map(\.raisedASCII))) }],
        "trim": [
            change { text in
                let scalars = Array(text.unicodeScalars)
                guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
                    let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
                else { return "" }
                return String(String.UnicodeScalarView(scalars[first...last]))
            }
        ],
        "charAt": [
            method([.string, .int], .string) { arguments throws(ExpressionError) in
                let scalars = Array(try arguments[0].text().unicodeScalars)
                let place = try arguments[1].int()
                guard place >= 0, place <= scalars.count else { throw .evaluation("index out of range: \(place)") }
                return .string(place == scalars.count ? "" : String(Character(scalars[Int(place)])))
            }
        ],
        "indexOf": [
            method([.string, .string], .int) { arguments throws(ExpressionError) in
                try place(arguments, from: 0)
            },
            method([.string, .string, .int], .int) { arguments throws(ExpressionError) in
                try place(arguments, from: try arguments[2].int())
            },
        ],
        "lastIndexOf": [
            method([.string, .string], .int) { arguments throws(ExpressionError) in
                try lastPlace(arguments, from: nil)
            },
            method([.string, .string, .int], .int) { arguments throws(ExpressionError) in
                try lastPlace(arguments, from: try arguments[2].int())
            },
        ],
        "substring": [
            method([.string, .int], .string) { arguments throws(ExpressionError) in
                try part(of: arguments[0], from: try arguments[1].int(), to: nil)
            },
            method([.string, .int, .int], .string) { arguments throws(ExpressionError) in
                try part(of: arguments[0], from: try arguments[1].int(), to: try arguments[2].int())
            },
        ],
        "replace": [
            method([.string, .string, .string], .string) { arguments throws(ExpressionError) in
                try replaced(arguments, most: -1)
            },
            method([.string, .string, .string, .int], .string) { arguments throws(ExpressionError) in
                try replaced(arguments, most: try arguments[3].int())
            },
        ],
        "split": [
            method([.string, .string], .list(.string)) { arguments throws(ExpressionError) in
                try parts(arguments, most: -1)
            },
            method([.string, .string, .int], .list(.string)) { arguments throws(ExpressionError) in
                try parts(arguments, most: try arguments[2].int())
            },
        ],
        "join": [
            method([.list(.string)], .string) { arguments throws(ExpressionError) in
                try joined(arguments[0], by: "")
            },
            method([.list(.string), .string], .string) { arguments throws(ExpressionError) in
                try joined(arguments[0], by: try arguments[1].text())
            },
        ],
        "strings.quote": [
            function([.string], .string) { arguments throws(ExpressionError) in
                .string("\"" + (try arguments[0].text()) + "\"")
            }
        ],
    ]

    private static func test(_ holds: @escaping @Sendable ([Unicode.Scalar], [Unicode.Scalar]) -> Bool)
        -> FunctionOverload
    {
        method([.string, .string], .bool) { arguments throws(ExpressionError) in
            .bool(holds(Array(try arguments[0].text().unicodeScalars), Array(try arguments[1].text().unicodeScalars)))
        }
    }

    private static func change(_ change: @escaping @Sendable (String) -> String) -> FunctionOverload {
        method([.string], .string) { arguments throws(ExpressionError) in .string(change(try arguments[0].text())) }
    }

    private static func place(_ arguments: [ExpressionValue], from start: Int64) throws(ExpressionError)
        -> ExpressionValue
    {
        let scalars = Array(try arguments[0].text().unicodeScalars)
        let wanted = Array(try arguments[1].text().unicodeScalars)
        guard start >= 0, start <= scalars.count else { throw .evaluation("index out of range: \(start)") }
        return .int(Int64(scalars.firstPlace(of: wanted, from: Int(start)) ?? -1))
    }

    private static func lastPlace(_ arguments: [ExpressionValue], from start: Int64?) throws(ExpressionError)
        -> ExpressionValue
    {
        let scalars = Array(try arguments[0].text().unicodeScalars)
        let wanted = Array(try arguments[1].text().unicodeScalars)
        let start = start ?? Int64(scalars.count)
        guard start >= 0, start <= scalars.count else { throw .evaluation("index out of range: \(start)") }
        var place = min(Int(start), scalars.count - wanted.count)
        while place >= 0 {
            if scalars[place...].starts(with: wanted) { return .int(Int64(place)) }
            place -= 1
        }
        return .int(-1)
    }

    private static func part(of text: ExpressionValue, from start: Int64, to end: Int64?) throws(ExpressionError)
        -> ExpressionValue
    {
        let scalars = Array(try text.text().unicodeScalars)
        let end = end ?? Int64(scalars.count)
        guard start >= 0, start <= scalars.count else { throw .evaluation("index out of range: \(start)") }
        guard end >= 0, end <= scalars.count else { throw .evaluation("index out of range: \(end)") }
        guard start <= end else {
            throw .evaluation("invalid substring range. start: \(start), end: \(end)")
        }
        return .string(String(String.UnicodeScalarView(scalars[Int(start)..<Int(end)])))
    }

    /// Splits as Go's `strings.SplitN` does: an empty separator splits between all characters.
    private static func pieces(_ text: String, by separator: String, most: Int64) -> [String] {
        let scalars = Array(text.unicodeScalars)
        let wanted = Array(separator.unicodeScalars)
        if most == 0 { return [] }
        let limit = most < 0 ? Int.max : Int(clamping: most)
        var result: [String] = []
        var start = 0
        func piece(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(scalars[range])) }
        if wanted.isEmpty {
            while start < scalars.count, result.count + 1 < limit {
                result.append(piece(start..<start + 1))
                start += 1
            }
            if start < scalars.count { result.append(piece(start..<scalars.count)) }
            return result
        }
        while result.count + 1 < limit, let place = scalars.firstPlace(of: wanted, from: start) {
            result.append(piece(start..<place))
            start = place + wanted.count
        }
        return result + [piece(start..<scalars.count)]
    }

    private static func parts(_ arguments: [ExpressionValue], most: Int64) throws(ExpressionError) -> ExpressionValue {
        let pieces = pieces(try arguments[0].text(), by: try arguments[1].text(), most: most)
        return .ordered(pieces.map { .string($0) })
    }

    private static func replaced(_ arguments: [ExpressionValue], most: Int64) throws(ExpressionError) -> ExpressionValue
    {
        let (text, old, new) = (try arguments[0].text(), try arguments[1].text(), try arguments[2].text())
        if most == 0 { return .string(text) }
        if old.isEmpty {
            // Go sets the new text before every character and after the last.
            let characters = text.unicodeScalars.map { String(Character($0)) }
            let limit = most < 0 ? characters.count + 1 : Int(clamping: most)
            var result = ""
            for (index, character) in characters.enumerated() { result += (index < limit ? new : "") + character }
            return .string(result + (characters.count < limit ? new : ""))
        }
        let pieces = pieces(text, by: old, most: most < 0 ? -1 : most.addingReportingOverflow(1).partialValue)
        let room = pieces.reduce(0) { $0 + $1.utf8.count } + new.utf8.count * (pieces.count - 1)
        if room > maximumText { throw .costExceeded }
        return .string(pieces.joined(separator: new))
    }

    /// The longest text that a function makes, in bytes.
    static let maximumText = 10_000_000

    private static func joined(_ list: ExpressionValue, by separator: String) throws(ExpressionError) -> ExpressionValue
    {
        var texts: [String] = []
        for element in try list.elements() { texts.append(try element.text()) }
        if texts.reduce(0, { $0 + $1.utf8.count }) + separator.utf8.count * texts.count > maximumText {
            throw .costExceeded
        }
        return .string(texts.joined(separator: separator))
    }
}

extension [Unicode.Scalar] {
    fileprivate func firstPlace(of wanted: [Unicode.Scalar], from start: Int) -> Int? {
        guard wanted.count <= count, start <= count - wanted.count else { return nil }
        return (start...count - wanted.count).first { self[$0...].starts(with: wanted) }
    }
}

extension Unicode.Scalar {
    fileprivate var loweredASCII: Unicode.Scalar {
        ("A"..."Z").contains(self) ? Unicode.Scalar(UInt8(value + 32)) : self
    }
    fileprivate var raisedASCII: Unicode.Scalar {
        ("a"..."z").contains(self) ? Unicode.Scalar(UInt8(value - 32)) : self
    }
}
