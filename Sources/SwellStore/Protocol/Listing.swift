/// What a list has, and what of it cannot be read: one stored document that was changed by hand, or by a newer program, hides no other.
public struct Listing<Element: Sendable>: Sendable {
    public var items: [Element]
    /// In the order in which they would have come.
    public var unreadable: [UnreadableRow]

    public init(items: [Element], unreadable: [UnreadableRow] = []) {
        self.items = items
        self.unreadable = unreadable
    }

    /// All of it, for those who cannot do without any; `corrupt` where something cannot be read, naming it as a `kind`.
    func whole(_ kind: String) throws(StoreError) -> [Element] {
        guard let first = unreadable.first else { return items }
        throw StoreError(code: .corrupt, message: "the stored \(kind) '\(first.name)' cannot be read: \(first.reason)")
    }
}

/// Something stored that cannot be read.
public struct UnreadableRow: Sendable, Hashable {
    /// What it is stored under.
    public var name: String
    /// Why it cannot be read, for people.
    public var reason: String

    public init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }
}
