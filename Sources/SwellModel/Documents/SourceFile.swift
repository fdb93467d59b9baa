/// A text as a user handed it in, under the name by which errors speak of it.
public struct SourceFile: Sendable, Hashable, Codable {
    /// The path as the user wrote it, or `-` for what came through a pipe.
    public var name: String
    public var content: String

    public init(name: String, content: String) {
        self.name = name
        self.content = content
    }
}

/// Every mistake found in a set of documents: the set is refused as a whole, so all of them are told at once.
public struct DocumentErrors: Error, Sendable, Hashable, CustomStringConvertible {
    /// At most this many are told; a text that is not meant for us has no end of them.
    public static let maximumCount = 100

    /// In the order of the files and lines; never empty.
    public var errors: [ModelError]

    public init(_ errors: [ModelError]) {
        self.errors = errors
    }

    /// One mistake a line.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// A value with the place where its document begins.
public struct Located<Value: Sendable & Hashable>: Sendable, Hashable {
    public var value: Value
    public var file: String
    public var line: Int
    /// The lines of fields, by their path; those of list elements and mappings among them.
    var lines: [String: Int] = [:]

    public init(_ value: Value, file: String, line: Int) {
        self.value = value
        self.file = file
        self.line = line
    }

    /// The line of a field, or of the document where the field is not written.
    func line(of path: String) -> Int { lines[path] ?? line }
}
