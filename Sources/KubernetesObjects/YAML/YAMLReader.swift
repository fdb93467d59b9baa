/// Reads YAML streams of one or more documents, strictly and within limits.
public enum YAMLReader {
    /// The documents of a stream; empty documents are left out.
    ///
    /// Refused: a key written twice, tags other than YAML's own, keys that are not scalars, anchors that expand to more
    /// than the limits allow, infinities. A byte order mark may begin a document. JSON objects may follow each other without a mark.
    ///
    /// - Parameters:
    ///   - text: The YAML text. JSON is YAML too.
    ///   - file: The name that errors should give.
    ///   - limits: What to accept at most.
    ///   - duplicateKeys: What to do about a key that one mapping has twice; where the last is kept, the document tells of it.
    /// - Throws: ``KubernetesObjectError`` naming file, line, column and path.
    public static func documents(
        in text: String, file: String? = nil, limits: ReadingLimits = .documents,
        duplicateKeys: JSONValue.DuplicateKeys = .refuse
    ) throws -> [YAMLDocument] {
        let size = text.utf8.count
        guard size <= limits.maximumBytes else {
            let place = file.map { "\($0): " } ?? ""
            throw KubernetesObjectError(
                code: .limitExceeded,
                message: "\(place)YAML of \(size) bytes is larger than the \(limits.maximumBytes) allowed")
        }
        var composer = YAMLComposer(
            events: YAMLEvents(text, file: file), file: file, limits: limits, duplicateKeys: duplicateKeys)
        var documents: [YAMLDocument] = []
        while let document = try composer.nextDocument() {
            if document.root.scalar != .null { documents.append(document) }
        }
        return documents
    }

    /// The documents of a stream of UTF-8 bytes. See ``documents(in:file:limits:)-(String,_,_)``.
    public static func documents(
        in bytes: some Collection<UInt8>, file: String? = nil, limits: ReadingLimits = .documents
    ) throws -> [YAMLDocument] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw KubernetesObjectError(
                code: .invalidYAML, message: "\(location(file: file, line: 1, column: 1)): the text is not UTF-8")
        }
        return try documents(in: text, file: file, limits: limits)
    }

    /// The only document of a stream.
    ///
    /// - Throws: ``KubernetesObjectError`` when there is none, or more than one.
    public static func document(
        in text: String, file: String? = nil, limits: ReadingLimits = .documents
    ) throws -> YAMLDocument {
        let documents = try documents(in: text, file: file, limits: limits)
        guard let first = documents.first else {
            throw KubernetesObjectError(
                code: .invalidYAML,
                message: "\(location(file: file, line: 1, column: 1)): expected a document, found none")
        }
        guard documents.count == 1 else {
            throw KubernetesObjectError(
                code: .invalidYAML,
                message: "\(documents[1].location(of: documents[1].root)): expected one document, found another")
        }
        return first
    }

    static func location(file: String?, line: Int, column: Int) -> String {
        if let file { return "\(file):\(line):\(column)" }
        return "line \(line), column \(column)"
    }
}
