/// A version of an application by its content: what a rollout carries and what agents prove.
public struct ReleaseReference: Sendable, Hashable, Codable {
    /// The version as the team names it, such as `1.4.2`.
    public var version: String
    /// The digest of the bundle's index, which names every document in it.
    public var digest: ContentDigest

    public init(version: String, digest: ContentDigest) {
        self.version = version
        self.digest = digest
    }
}

/// An immutable version of an application, with where it came from.
public struct Release: Sendable, Hashable, Codable {
    public var application: ApplicationName
    public var reference: ReleaseReference
    public var createdBy: String
    public var createdAt: Timestamp
    /// The commit it was made from, if told.
    public var commit: String?
    public var message: String?
    /// How many objects, and the bytes of all documents.
    public var objectCount: Int
    public var size: Int

    public init(
        application: ApplicationName, reference: ReleaseReference, createdBy: String, createdAt: Timestamp,
        commit: String? = nil, message: String? = nil, objectCount: Int, size: Int
    ) {
        self.application = application
        self.reference = reference
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.commit = commit
        self.message = message
        self.objectCount = objectCount
        self.size = size
    }
}
