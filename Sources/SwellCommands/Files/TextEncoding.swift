/// Which encoding a text is probably of that is no UTF-8. kubectl reads no other one either.
enum TextEncoding {
    /// How to convert a file, naming what it is in; empty where nobody knows.
    static func advice(for bytes: [UInt8], file: String?) -> String {
        guard let name = name(of: bytes) else { return "" }
        let source = file.map { " \(ShellWord.quoted($0))" } ?? ""
        return " but \(name); convert it with `iconv -f \(name) -t UTF-8\(source)`"
    }

    private static func name(of bytes: [UInt8]) -> String? {
        if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) { return "UTF-32" }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return "UTF-16" }
        // Without a mark: of ASCII in two bytes each, one is always zero.
        let sample = bytes.prefix(64)
        guard sample.count >= 4 else { return nil }
        let pairs = stride(from: 0, to: sample.count - 1, by: 2).map { (bytes[$0], bytes[$0 + 1]) }
        if pairs.allSatisfy({ $0.1 == 0 && $0.0 != 0 }) { return "UTF-16LE" }
        return pairs.allSatisfy { $0.0 == 0 && $0.1 != 0 } ? "UTF-16BE" : nil
    }
}
