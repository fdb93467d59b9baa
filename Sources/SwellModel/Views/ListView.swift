/// Several things of one kind, as the operator API and `-o json` give them.
public struct ListView<Item: Sendable & Codable>: Sendable, Codable {
    public var apiVersion = DocumentKind.apiVersion
    public var kind = "List"
    public var items: [Item]
    /// What is stored and cannot be read, so that it is not among them; nil where all can.
    public var unreadable: [UnreadableView]?

    public init(items: [Item], unreadable: [UnreadableView] = []) {
        self.items = items
        self.unreadable = unreadable.isEmpty ? nil : unreadable
    }
}

/// Something stored that cannot be read.
public struct UnreadableView: Sendable, Hashable, Codable {
    public var name: String
    public var reason: String

    public init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }
}

/// The metadata of a view.
public struct MetadataView: Sendable, Hashable, Codable {
    public var name: String
    public var labels: [String: String]?
    public var createdAt: Timestamp?
    public var createdBy: String?

    public init(
        name: String, labels: [String: String]? = nil, createdAt: Timestamp? = nil, createdBy: String? = nil
    ) {
        self.name = name
        self.labels = labels
        self.createdAt = createdAt
        self.createdBy = createdBy
    }
}
