/// The index of a release's content: its objects in order, each by digest, and what rendering needs.
///
/// Its canonical JSON (sorted keys, no white space) is itself a document; that document's digest is the release's digest,
/// so a digest stands for exactly what is applied. The version is not part of it.
public struct Bundle: Sendable, Hashable, Codable {
    /// The application as it was at release time: namespace, strategy, checks, parameters, overrides.
    public var application: Application
    /// The objects' documents (canonical JSON of each manifest), in the order they were given.
    public var documents: [ContentDigest]

    public init(application: Application, documents: [ContentDigest]) {
        self.application = application
        self.documents = documents
    }
}

/// A document stored under its digest.
public struct ContentDocument: Sendable, Hashable {
    public var digest: ContentDigest
    public var content: [UInt8]

    public init(content: [UInt8]) {
        self.digest = ContentDigest(of: content)
        self.content = content
    }
}
