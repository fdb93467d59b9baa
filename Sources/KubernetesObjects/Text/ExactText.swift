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
