internal import Foundation

/// `format`, and Kubernetes's library of named formats.
extension FunctionLibrary {
    static let formats: [String: [FunctionOverload]] = [
        "format": [
            method([.string, .list(.dyn)], .string) { arguments throws(ExpressionError) in
                .string(try formatted(try arguments[0].text(), try arguments[1].elements()))
            }
        ],
        "format.named": [
            function([.string], .optional(.namedFormat)) { arguments throws(ExpressionError) in
                let name = try arguments[0].text()
                return .optional(rules[name] != nil ? .namedFormat(name) : nil)
            }
        ],
        "validate": [
            method([.namedFormat, .string], .optional(.list(.string))) { arguments throws(ExpressionError) in
                guard case .namedFormat(let name) = arguments[0], let rule = rules[name] else { throw .noSuchOverload }
                let problems = rule(try arguments[1].text())
                return .optional(problems.isEmpty ? nil : .ordered(problems.map { .string($0) }))
            }
        ],
    ].merging(
        rules.keys.map { name in ("format.\(name)", [function([], .namedFormat) { _ in .namedFormat(name) }]) },
        uniquingKeysWith: { first, _ in first })

    private static let rules: [String: @Sendable (String) -> [String]] = [
        "dns1123Label": { NameRules.dnsLabel($0) },
        "dns1123Subdomain": { NameRules.dnsSubdomain($0) },
        "dns1035Label": { NameRules.dns1035Label($0) },
        "qualifiedName": { NameRules.qualifiedName($0) },
        "labelValue": { NameRules.labelValue($0) },
        "uri": { ResourceLocator($0) == nil ? ["invalid URI"] : [] },
        "date": { ExpressionTime("\($0)T00:00:00Z") == nil ? ["invalid date"] : [] },
        "datetime": { ExpressionTime($0) == nil ? ["invalid datetime"] : [] },
        "byte": { Base64.decode($0) == nil ? ["invalid base64"] : [] },
    ]

    /// Fills in the clauses `%s`, `%d`, `%f`, `%b`, `%o`, `%x` and `%X` of a text.
    private static func formatted(_ text: String, _ arguments: [ExpressionValue]) throws(ExpressionError) -> String {
        var result = ""
        var rest = text[...]
        var index = 0
        while let character = rest.popFirst() {
            guard character == "%" else {
                result.append(character)
                continue
            }
            guard var mark = rest.popFirst() else {
                throw .evaluation("could not parse formatting clause: unexpected end of string")
            }
            if mark == "%" {
                result.append("%")
                continue
            }
            var precision = 6
            if mark == "." {
                let digits = rest.prefix { $0.isASCII && $0.isNumber }
                rest = rest.dropFirst(digits.count)
                precision = min(Int(digits) ?? 6, 20)
                guard let following = rest.popFirst() else { throw .unsupported }
                mark = following
            }
            guard index < arguments.count else {
                throw .evaluation("could not parse formatting clause: index \(index) out of range")
            }
            result += try clause(mark, arguments[index], precision)
            index += 1
        }
        return result
    }

    private static func clause(_ mark: Character, _ value: ExpressionValue, _ precision: Int) throws(ExpressionError)
        -> String
    {
        switch (mark, value) {
        case ("s", _): return value.plainText
        case ("d", .int), ("d", .uint): return value.plainText
        case ("f", .double(let number)): return fixed(number, precision)
        case ("f", .int(let number)): return fixed(Double(number), precision)
        case ("b", .bool(let truth)): return truth ? "1" : "0"
        case ("b", .int(let number)): return String(number, radix: 2)
        case ("o", .int(let number)): return String(number, radix: 8)
        case ("x", .int(let number)): return String(number, radix: 16)
        case ("X", .int(let number)): return String(number, radix: 16, uppercase: true)
        case ("x", .string(let text)): return hex(Array(text.utf8))
        case ("X", .string(let text)): return hex(Array(text.utf8)).uppercased()
        case ("x", .bytes(let bytes)): return hex(bytes)
        case ("X", .bytes(let bytes)): return hex(bytes).uppercased()
        case ("d", _):
            throw .evaluation(
                "error during formatting: decimal clause can only be used on integers, was given \(value.typeName)")
        default: throw .unsupported
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func fixed(_ number: Double, _ digits: Int) -> String {
        guard number.isFinite else { return number.isNaN ? "NaN" : (number < 0 ? "-Infinity" : "Infinity") }
        return String(format: "%.\(digits)f", number)
    }
}
