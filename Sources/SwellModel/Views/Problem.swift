/// An error as the operator API tells it: RFC 9457's `application/problem+json`.
public struct Problem: Error, Sendable, Hashable, Codable {
    /// A URN that tells the kind of problem: `urn:swell:problem:not-found`.
    public var type: String
    public var title: String
    /// The HTTP status.
    public var status: Int
    public var detail: String
    /// Each mistake with its place, where there are several.
    public var errors: [Item]?
    /// Of what takes a person's word: what the word is for, to be sent back with it, so that nothing else is done by it.
    public var digest: ContentDigest?

    public init(
        code: String, title: String, status: Int, detail: String, errors: [Item]? = nil, digest: ContentDigest? = nil
    ) {
        self.type = "urn:swell:problem:\(code)"
        self.title = title
        self.status = status
        self.detail = detail
        self.errors = errors
        self.digest = digest
    }

    /// One mistake.
    public struct Item: Sendable, Hashable, Codable {
        public var file: String?
        public var line: Int?
        public var path: String?
        public var message: String

        public init(_ error: ModelError) {
            self.file = error.file
            self.line = error.line
            self.path = error.path
            self.message = error.message
        }

        /// `file:line: path: message`.
        public var text: String {
            ModelError(code: .invalidValue, message: message, file: file, line: line, path: path).description
        }
    }
}
