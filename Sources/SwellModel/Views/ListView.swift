/// Several things of one kind, as the operator API and `-o json` give them.
public struct ListView<Item: Sendable & Codable>: Sendable, Codable {
    public var apiVersion = DocumentKind.apiVersion
    public var kind = "List"
    public var items: [Item]

    public init(items: [Item]) {
        self.items = items
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
