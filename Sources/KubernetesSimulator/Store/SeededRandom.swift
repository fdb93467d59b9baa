/// A seeded generator (SplitMix64): the same seed gives the same names, UIDs and latencies.
struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Letters and digits that spell no words, as Kubernetes makes name suffixes of.
    static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")

    mutating func suffix(_ length: Int) -> String {
        String((0..<length).map { _ in Self.alphabet[Int(next() % UInt64(Self.alphabet.count))] })
    }

    /// A version 4 UUID.
    mutating func uuid() -> String {
        let high = (next() & ~0xF000) | 0x4000
        let low = (next() & ~(UInt64(3) << 62)) | (UInt64(2) << 62)
        let digits = Self.hex(high) + Self.hex(low)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { result += "-" }
            result.append(digit)
        }
        return result
    }

    private static func hex(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    /// A hash of a text (FNV-1a) that is the same in every run.
    static func hash(_ text: String) -> UInt64 {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return value
    }

    /// A hash of a text in the letters of name suffixes, nine or ten of them, as a pod template's hash looks.
    static func nameHash(_ text: String) -> String {
        let number = String(UInt32(truncatingIfNeeded: hash(text) ^ (hash(text) >> 32)))
        return String(number.utf8.map { alphabet[Int($0) % alphabet.count] })
    }
}
