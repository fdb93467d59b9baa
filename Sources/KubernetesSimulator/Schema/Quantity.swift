internal import KubernetesObjects

/// Resource quantities in the server's canonical spelling: `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`.
enum Quantity {
    private static let decimal: [(suffix: String, power: Int)] = [
        ("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18),
    ]
    private static let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]

    /// What the server says of a text that is no quantity.
    static let complaint =
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

    /// The canonical spelling; what cannot be read stays as it is.
    static func canonical(_ value: JSONValue) -> JSONValue {
        switch value {
        case .integer(let number): return .string(canonical("\(number)") ?? "\(number)")
        case .number(let number): return .string(canonical("\(number)") ?? "\(number)")
        case .string(let text): return .string(canonical(text) ?? text)
        default: return value
        }
    }

    /// Whether a value is a quantity at all.
    static func isReadable(_ value: JSONValue) -> Bool {
        switch value {
        case .integer, .number: true
        case .string(let text): amount(.string(text)) != nil
        default: false
        }
    }

    /// The amount as a number, good enough to compare by.
    static func amount(_ value: JSONValue) -> Double? {
        if let number = value.doubleValue { return number }
        guard let text = value.stringValue else { return nil }
        let digits = text.prefix { "+-0123456789.".contains($0) }
        guard let number = Double(digits), digits.last != "." || digits.count > 1 else { return nil }
        let suffix = String(text.dropFirst(digits.count))
        if let index = binary.firstIndex(of: suffix) {
            return (0...index).reduce(number) { result, _ in result * 1024 }
        }
        if let unit = decimal.first(where: { $0.suffix == suffix }) { return number * power(of: unit.power) }
        guard let mark = suffix.first, mark == "e" || mark == "E", let exponent = Int(suffix.dropFirst()),
            (-24...24).contains(exponent)
        else { return nil }
        return number * power(of: exponent)
    }

    private static func power(of exponent: Int) -> Double {
        (0..<abs(exponent)).reduce(1) { result, _ in exponent > 0 ? result * 10 : result / 10 }
    }

    static func canonical(_ text: String) -> String? {
        let digits = text.prefix { "+-0123456789.".contains($0) }
        let suffix = String(text.dropFirst(digits.count))
        if let index = binary.firstIndex(of: suffix) { return binaryForm(String(digits), index) }
        if let mark = suffix.first, mark == "e" || mark == "E", suffix.count > 1 {
            return exponentForm(String(digits), Int(suffix.dropFirst()))
        }
        guard let unit = decimal.first(where: { $0.suffix == suffix }),
            var (number, power) = scaled(String(digits), power: unit.power)
        else { return nil }
        if number == 0 { return "0" }
        while number % 10 == 0 {
            number /= 10
            power += 1
        }
        while power % 3 != 0 {
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            number = product
            power -= 1
        }
        // Nothing is finer than a billionth; the rest is rounded up.
        while power < -9 {
            number = number / 1000 + (number % 1000 == 0 ? 0 : 1)
            power += 3
        }
        while power > 18 {
            let (product, overflow) = number.multipliedReportingOverflow(by: 1000)
            guard !overflow else { return nil }
            number = product
            power -= 3
        }
        guard let spelled = decimal.first(where: { $0.power == power }) else { return nil }
        return "\(number)\(spelled.suffix)"
    }

    /// Digits as a whole number and a power of ten.
    private static func scaled(_ digits: String, power: Int) -> (Int64, Int)? {
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first else { return nil }
        var fraction = parts.count > 1 ? String(parts[1]) : ""
        while fraction.last == "0" { fraction.removeLast() }
        guard fraction.count <= 12, let number = Int64(whole + fraction) else { return nil }
        return (number, power - fraction.count)
    }

    /// A fraction of a binary unit is written in a smaller one: `1.5Gi` is `1536Mi`.
    private static func binaryForm(_ digits: String, _ index: Int) -> String? {
        guard var (number, power) = scaled(digits, power: 0) else { return nil }
        var unit = index
        while power < 0, unit >= 0 {
            let (product, overflow) = number.multipliedReportingOverflow(by: 1024)
            guard !overflow else { return nil }
            number = product
            unit -= 1
            while power < 0, number % 10 == 0 {
                number /= 10
                power += 1
            }
        }
        if power < 0 {
            for _ in power..<0 { number = number / 10 + (number % 10 == 0 ? 0 : 1) }
        }
        if number == 0 { return "0" }
        while number % 1024 == 0, unit + 1 < binary.count {
            number /= 1024
            unit += 1
        }
        return unit < 0 ? "\(number)" : "\(number)\(binary[unit])"
    }

    /// An exponent stays one, and becomes a multiple of three. None is of more digits than the server reads.
    private static func exponentForm(_ digits: String, _ exponent: Int?) -> String? {
        guard let exponent, abs(Double(exponent)) < 1e9, var (number, power) = scaled(digits, power: exponent)
        else { return nil }
        if number == 0 { return "0" }
        while number % 10 == 0 {
            number /= 10
            power += 1
        }
        while power % 3 != 0 {
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            number = product
            power -= 1
        }
        return power == 0 ? "\(number)" : "\(number)e\(power)"
    }
}
