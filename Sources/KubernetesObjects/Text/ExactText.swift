/// A text that is equal to another only where their bytes are.
///
/// Swift's `==` takes two spellings of one letter for the same (`é` as one scalar, or as `e` and an accent: NFC and NFD).
/// Kubernetes, file systems and digests tell them apart, so whatever identifies or decides by text compares this.
public struct ExactText: Sendable, Hashable, Comparable {
    /// The text.
    public let text: String

    /// Wraps a text.
    public init(_ text: String) {
        self.text = text
    }

    public static func == (left: Self, right: Self) -> Bool { left.text.isExactly(right.text) }

    /// By bytes, so that a memory that is a hash tells spellings apart.
    public func hash(into hasher: inout Hasher) { text.hashExactly(into: &hasher) }

    /// By bytes.
    public static func < (left: Self, right: Self) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
}

extension String {
    /// Whether two texts have the same bytes. Texts that differ in bytes only hash alike, so a key may use this beside the
    /// hash that Swift gives.
    public func isExactly(_ other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }

    /// Feeds the bytes of the text, where Swift feeds a form that all spellings have in common.
    func hashExactly(into hasher: inout Hasher) {
        var text = self
        hasher.combine(text.utf8.count)
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension [String: JSONValue] {
    /// The member of a key with these very bytes.
    public func exactly(_ key: String) -> JSONValue? {
        guard let index = index(forKey: key), self[index].key.isExactly(key) else { return nil }
        return self[index].value
    }

    /// Sets the member of a key with these very bytes, or removes it with nil. A dictionary has room for one spelling of a key:
    /// what is set takes the place of another one.
    mutating func setExactly(_ key: String, _ value: JSONValue?) {
        if let index = index(forKey: key), !self[index].key.isExactly(key) {
            if value == nil { return }
            remove(at: index)
        }
        self[key] = value
    }
}

extension String? {
    func isExactly(_ other: String?) -> Bool {
        switch (self, other) {
        case (nil, nil): true
        case (.some(let left), .some(let right)): left.isExactly(right)
        default: false
        }
    }
}
