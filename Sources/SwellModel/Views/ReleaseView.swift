/// A release: an immutable version of an application.
public struct ReleaseView: Sendable, Hashable, Codable {
    public var apiVersion = DocumentKind.apiVersion
    public var kind = "Release"
    public var metadata: MetadataView
    public var spec: Spec
    public var status: Status

    public init(_ release: Release, warnings: [String]? = nil) {
        self.metadata = MetadataView(
            name: "\(release.application)-\(release.reference.version)", createdAt: release.createdAt,
            createdBy: release.createdBy)
        self.spec = Spec(
            application: release.application, version: release.reference.version, commit: release.commit,
            message: release.message)
        self.status = Status(
            digest: release.reference.digest, objects: release.objectCount, size: release.size, warnings: warnings)
    }

    public struct Spec: Sendable, Hashable, Codable {
        public var application: ApplicationName
        public var version: String
        public var commit: String?
        public var message: String?
    }

    public struct Status: Sendable, Hashable, Codable {
        public var digest: ContentDigest
        public var objects: Int
        /// Bytes of all documents.
        public var size: Int
        /// What is probably a mistake; told once, when the release is created.
        public var warnings: [String]?
    }
}
