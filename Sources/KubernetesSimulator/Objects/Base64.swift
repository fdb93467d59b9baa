internal import Foundation

/// Base64 (RFC 4648) as Secrets use it.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ text: String) -> String { encode(Array(text.utf8)) }

    static func encode(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits = 0
            for byte in group { bits = bits << 8 | Int(byte) }
            bits <<= 8 * (3 - group.count)
            for place in 0..<4 {
                result.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Where a text stops being Base64, as Go's decoder says it; nil where it does not. Line breaks are passed over.
    static func flaw(in text: String) -> Int? {
        let input = Array(text.utf8)
        let pad = UInt8(ascii: "=")
        var place = 0
        func skipBreaks() {
            while place < input.count, input[place] == 10 || input[place] == 13 { place += 1 }
        }
        while true {
            var digits = 0
            while digits < 4 {
                guard place < input.count else { return digits == 0 ? nil : place - digits }
                let byte = input[place]
                place += 1
                if alphabet.contains(byte) {
                    digits += 1
                } else if byte == pad {
                    guard digits >= 2 else { return place - 1 }
                    if digits == 2 {
                        skipBreaks()
                        guard place < input.count else { return input.count }
                        guard input[place] == pad else { return place - 1 }
                        place += 1
                    }
                    skipBreaks()
                    return place < input.count ? place : nil
                } else if byte != 10, byte != 13 {
                    return place - 1
                }
            }
        }
    }

    /// The bytes of a text; nil when it is no Base64.
    static func decode(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map { Array($0) } }
}
