/// A document's content as it is stored where others may read it.
public struct SealedDocument: Sendable, Hashable {
    /// Which key the content's own key is sealed with.
    public var keyID: String
    /// The content's own key, sealed.
    public var sealedKey: [UInt8]
    /// The content, sealed with its own key.
    public var content: [UInt8]

    public init(keyID: String, sealedKey: [UInt8], content: [UInt8]) {
        self.keyID = keyID
        self.sealedKey = sealedKey
        self.content = content
    }
}

/// Seals documents, and opens what was sealed. Both are bound to the document's digest: what was sealed as one opens as no other.
public protocol DocumentSealing: Sendable {
    /// The key that seals; others only open.
    var sealingKey: String { get }
    /// All keys that open, the one that seals first.
    var openingKeys: [String] { get }

    func seal(_ content: [UInt8], as digest: ContentDigest) throws -> SealedDocument

    /// - Throws: Where no key is of that id, or what was sealed has been changed, cut short, or was sealed as another document.
    func open(_ sealed: SealedDocument, as digest: ContentDigest) throws -> [UInt8]

    /// The same document under the key that seals, its content as it was. Nil where it is already.
    func rekeyed(_ sealed: SealedDocument, as digest: ContentDigest) throws -> SealedDocument?
}
