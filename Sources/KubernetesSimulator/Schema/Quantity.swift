internal import KubernetesObjects

/// Resource quantities in the server's canonical spelling: `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`.
enum Quantity {
    private static let decimal: [(suffix: String, power: Int)] = [
        ("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18),
    ]
    private static let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]

    /// The canonical spelling; what cannot be read stays as it is.
    static func canonical(_ value: JSONValue) -> JSONValue {
        switch value {
        case .integer(let number): return .string(canonical("\(number)") ?? "\(number)")
        case .number(let number): return .string(canonical("\(number)") ?? "\(number)")
        case .string(let text): return .string(canonical(text) ?? text)
        default: return value
        }
    }

    static func canonical(_ text: String) -> String? {
        let digits = text.prefix { "+-0123456789.".contains($0) }
        let suffix = String(text.dropFirst(digits.count))
        if let index = binary.firstIndex(of: suffix) {
            guard var number = Int64(digits) else { return nil }
            var power = index
            while number != 0, number % 1024 == 0, power + 1 < binary.count {
                number /= 1024
                power += 1
            }
            return "\(number)\(binary[power])"
        }
        guard let unit = decimal.first(where: { $0.suffix == suffix }) else { return nil }
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first else { return nil }
        var fraction = parts.count > 1 ? String(parts[1]) : ""
        while fraction.last == "0" { fraction.removeLast() }
        guard fraction.count <= 9, var number = Int64(whole + fraction) else { return nil }
        if number == 0 { return "0" }
        var power = unit.power - fraction.count
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
        if power < -9 { return nil }
        while power > 18 {
            let (product, overflow) = number.multipliedReportingOverflow(by: 1000)
            guard !overflow else { return nil }
            number = product
            power -= 3
        }
        guard let spelled = decimal.first(where: { $0.power == power }) else { return nil }
        return "\(number)\(spelled.suffix)"
    }
}
