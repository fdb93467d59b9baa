/// What a plain YAML scalar is as a key of JSON: the rules of Go's `sigs.k8s.io/yaml`.
extension YAMLScalars {
    /// A key; nil for what cannot be one. A number with a fraction is a key as Go writes one of 32 bits: `1.50` is "1.5".
    static func key(plain text: String) -> String? {
        switch resolve(plain: text) {
        case .bool(let value): return value ? "true" : "false"
        case .string(let text): return text
        case .integer(let value):
            guard let float = float(text) else { return String(value) }
            return shortest(Float(float))
        case .number(let value):
            return UInt64(text) == nil ? shortest(Float(value)) : nil
        default: return nil
        }
    }

    /// `strconv.FormatFloat(number, 'g', -1, 32)`.
    private static func shortest(_ number: Float) -> String {
        guard number.isFinite else { return number < 0 ? "-.inf" : ".inf" }
        let sign = number.sign == .minus ? "-" : ""
        guard number != 0 else { return "\(sign)0" }
        let parts = "\(number.magnitude)".split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        var digits = mantissa.joined()[...]
        // Where the point is among the digits.
        var point = mantissa[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        while digits.first == "0" {
            digits.removeFirst()
            point -= 1
        }
        while digits.last == "0" { digits.removeLast() }
        let exponent = point - 1
        guard (-4..<6).contains(exponent) else {
            let size = exponent.magnitude
            return sign + digits.prefix(1) + (digits.count > 1 ? "." + digits.dropFirst() : "")
                + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + String(size)
        }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        if digits.count <= point { return sign + digits + String(repeating: "0", count: point - digits.count) }
        return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }
}
