/// Which texts a server reads as more than text.
enum FieldTexts {
    private static let quantitySuffixes: Set<String> = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ]

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Whether a server reads a text as a quantity, blanks around it left aside. Other white space is written with a
    /// backslash in JSON, where it is looked for.
    static func isQuantity(_ text: String) -> Bool {
        let text = text.drop { $0 == " " }
        let digits = text.prefix { "+-0123456789.".contains($0) }
        let unsigned = digits.first == "+" || digits.first == "-" ? digits.dropFirst() : digits
        guard unsigned.utf8.contains(where: isDigit), unsigned.utf8.allSatisfy({ isDigit($0) || $0 == 0x2E }),
            unsigned.utf8.count(where: { $0 == 0x2E }) <= 1
        else { return false }
        var suffix = text.dropFirst(digits.count)
        while suffix.last == " " { suffix.removeLast() }
        if quantitySuffixes.contains(String(suffix)) { return true }
        guard suffix.first == "e" || suffix.first == "E" else { return false }
        let exponent = suffix.dropFirst()
        let power = exponent.first == "-" || exponent.first == "+" ? exponent.dropFirst() : exponent
        return !power.isEmpty && power.utf8.allSatisfy(isDigit)
    }

    /// The quantity that a text was meant to be, where it is one but for white space in it and a `B` for bytes; else nil.
    static func quantity(meantBy text: String) -> String? {
        let dense = text.filter { !$0.isWhitespace }
        let candidates = dense.last == "B" || dense.last == "b" ? [dense, String(dense.dropLast())] : [dense]
        return candidates.first(where: isQuantity)
    }

    /// The share that a fraction was meant to be: `25%` for 0.25; nil for what is none.
    static func percentage(meantBy number: Double) -> String? {
        guard number > 0, number < 1 else { return nil }
        let percent = (number * 100).rounded()
        return abs(percent - number * 100) < 1e-9 ? "\(Int(percent))%" : nil
    }

    /// Whether a server reads a text as base64: of the standard alphabet, filled up with `=`, with line ends anywhere.
    static func isBase64(_ text: String) -> Bool {
        var count = 0
        var filled = 0
        for byte in text.utf8 {
            switch byte {
            case 0x0A, 0x0D: continue
            case 0x3D: filled += 1
            case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, 0x2B, 0x2F:
                guard filled == 0 else { return false }
            default: return false
            }
            count += 1
        }
        return count % 4 == 0 && filled <= 2
    }
}
