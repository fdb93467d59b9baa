internal import Crypto

/// The name of a piece of content: `sha256:` and 64 hexadecimal digits.
public struct ContentDigest: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let rawValue: String

    /// Takes in a digest that somebody else computed.
    public init(_ text: String) throws(ModelError) {
        let hex = text.dropFirst(7)
        guard text.hasPrefix("sha256:"), hex.utf8.count == 64,
            hex.utf8.allSatisfy({ ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) })
        else {
            throw ModelError(
                code: .invalidValue,
                message: "'\(text.prefix(80))' is not a digest: write sha256: and 64 lower-case hexadecimal digits")
        }
        self.rawValue = text
    }

    /// The digest of these bytes.
    public init(of content: some Collection<UInt8>) {
        var hasher = SHA256()
        if content.withContiguousStorageIfAvailable({ hasher.update(bufferPointer: UnsafeRawBufferPointer($0)) }) == nil
        {
            hasher.update(data: Array(content))
        }
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("sha256:".utf8)
        for byte in hasher.finalize() {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        self.rawValue = String(decoding: text, as: UTF8.self)
    }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    public var description: String { rawValue }
    /// The first twelve hexadecimal digits, for people.
    public var short: String { String(rawValue.dropFirst(7).prefix(12)) }
}

extension ContentDigest: Codable {
    public init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
