internal import SwellModel

/// A sealed document as a file: a line that says so, the id of the key, the length of the document's own key, that key, the content.
enum SealedFile {
    private static let head = Array("swell sealed 1\n".utf8)

    static func bytes(_ sealed: SealedDocument) -> [UInt8] {
        head + Array("\(sealed.keyID) \(sealed.sealedKey.count)\n".utf8) + sealed.sealedKey + sealed.content
    }

    /// Whether a file is sealed. JSON, which documents are, never begins like that.
    static func isSealed(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: head) }

    /// Bytes of a file's beginning that say with which key it is sealed.
    static let headSize = 128

    /// The key that a file is sealed with, by its beginning; nil where it is in clear.
    static func keyID(ofHead bytes: [UInt8]) -> String? {
        guard isSealed(bytes) else { return nil }
        return String(decoding: bytes.dropFirst(head.count).prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
    }

    /// The document; nil where the file is damaged.
    static func sealed(_ bytes: [UInt8]) -> SealedDocument? {
        let rest = bytes.dropFirst(head.count)
        guard isSealed(bytes), let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let words = String(decoding: rest[..<end], as: UTF8.self).split(separator: " ")
        let body = rest[(end + 1)...]
        guard words.count == 2, let length = Int(words[1]), (0...body.count).contains(length) else { return nil }
        return SealedDocument(
            keyID: String(words[0]), sealedKey: Array(body.prefix(length)), content: Array(body.dropFirst(length)))
    }
}
