/// What a plain YAML scalar means to Kubernetes.
///
/// The rules are those of Go's `sigs.k8s.io/yaml`, which kubectl and the API server read manifests with: YAML 1.1's
/// words for booleans, C's prefixes for integers (so `0644` is 420), no base-60 numbers, timestamps stay strings.
enum YAMLScalars {
    private static let words: [String: JSONValue] = {
        var words: [String: JSONValue] = [:]
        for word in ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"] { words[word] = true }
        for word in ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"] { words[word] = false }
        for word in ["", "~", "null", "Null", "NULL"] { words[word] = .null }
        return words
    }()

    private static let notFinite: Set<String> = [
        ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
    ]

    /// The value of an unquoted scalar without a tag; nil for a number that JSON cannot hold (`.inf`, `.nan`).
    static func resolve(plain text: String) -> JSONValue? {
        if let word = words[text] { return word }
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            if notFinite.contains(text) { return nil }
            if let number = number(text) { return number }
            return .string(text)
        default:
            return .string(text)
        }
    }

    private static func number(_ text: String) -> JSONValue? {
        if let integer = integer(withoutMarks(text)) { return .integer(integer) }
        guard let number = float(text) else { return nil }
        // Go writes a whole float without a fraction, so that `1e3` is good enough for an integer field.
        if let whole = Int64(exactly: number) { return .integer(whole) }
        return .number(number)
    }

    /// Without what YAML 1.1 lets stand between digits.
    private static func withoutMarks(_ text: String) -> String {
        text.utf8.contains(UInt8(ascii: "_")) ? text.filter { $0 != "_" } : text
    }

    /// The value of what is written as a number and as no integer.
    static func float(_ text: String) -> Double? {
        let plain = withoutMarks(text)
        guard integer(plain) == nil, isFloat(plain), let number = Double(plain), number.isFinite else { return nil }
        return number
    }

    private static func integer(_ text: String) -> Int64? {
        var digits = Substring(text)
        var sign = ""
        if digits.hasPrefix("-") || digits.hasPrefix("+") { sign = String(digits.removeFirst()) }
        guard let first = digits.utf8.first, first >= 0x30, first <= 0x39 else { return nil }
        var radix = 10
        if digits.utf8.count > 1, first == 0x30 {
            let lowered = digits.prefix(2).lowercased()
            switch lowered {
            case "0x": radix = 16
            case "0o": radix = 8
            case "0b": radix = 2
            default: radix = 8
            }
            digits = digits.dropFirst(["0x", "0o", "0b"].contains(lowered) ? 2 : 1)
            guard let next = digits.utf8.first, next != UInt8(ascii: "-"), next != UInt8(ascii: "+") else { return nil }
        }
        return Int64(sign + digits, radix: radix)
    }

    /// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
    private static func isFloat(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            fraction = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(fraction)
        }
        guard !whole.isEmpty || fraction > 0 else { return false }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
            let exponent = rest.prefix(while: isDigit).count
            guard exponent > 0 else { return false }
            rest = rest.dropFirst(exponent)
        }
        return rest.isEmpty
    }
}
