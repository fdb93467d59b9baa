/// What JSON escapes in two halves, written out as the one character that it is.
///
/// Many programs write whatever lies beyond U+FFFF as two escapes, `\ud83d\ude00`. YAML, which otherwise contains JSON, has no halves.
enum JSONEscapes {
    /// The text with its halves joined where it is JSON, as kubectl tells it: it begins with a brace. Lines stay as they are.
    static func joined(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.first(where: { !spaces.contains($0) }) == UInt8(ascii: "{"), mayHaveHalves(bytes) else {
            return bytes
        }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var isInString = false
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if isInString, byte == backslash, index + 1 < bytes.count {
                if let character = character(of: bytes, at: index) {
                    result.append(contentsOf: String(character).utf8)
                    index += 12
                } else {
                    result.append(contentsOf: [byte, bytes[index + 1]])
                    index += 2
                }
                continue
            }
            // Only YAML has these quotes, and takes what is in them as it stands.
            if !isInString, byte == UInt8(ascii: "'") { return bytes }
            if byte == UInt8(ascii: "\"") { isInString.toggle() }
            result.append(byte)
            index += 1
        }
        return result
    }

    private static let backslash = UInt8(ascii: "\\")
    private static let spaces: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]

    /// Most texts have none, and are not gone through byte by byte.
    private static func mayHaveHalves(_ bytes: [UInt8]) -> Bool {
        bytes.indices.contains { half(bytes, at: $0, 0xD800...0xDBFF) != nil }
    }

    private static func character(of bytes: [UInt8], at index: Int) -> Unicode.Scalar? {
        guard let high = half(bytes, at: index, 0xD800...0xDBFF), let low = half(bytes, at: index + 6, 0xDC00...0xDFFF)
        else {
            return nil
        }
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    }

    /// The number of an escape, where one of these stands there.
    private static func half(_ bytes: [UInt8], at index: Int, _ range: ClosedRange<UInt32>) -> UInt32? {
        guard index + 6 <= bytes.count, bytes[index] == backslash, bytes[index + 1] == UInt8(ascii: "u"),
            let value = UInt32(String(decoding: bytes[(index + 2)..<(index + 6)], as: UTF8.self), radix: 16)
        else { return nil }
        return range.contains(value) ? value : nil
    }
}
