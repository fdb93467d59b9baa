/// A value in a YAML document, with the place where it was written.
///
/// Aliases and merge keys are already expanded, so the tree is as plain as JSON.
public struct YAMLNode: Sendable, Hashable {
    /// What kind of value a node is.
    public enum Kind: Sendable, Hashable {
        /// A string, number, boolean or null.
        case scalar
        /// A list.
        case sequence
        /// Keys and values.
        case mapping
    }

    /// A key of a mapping, with its value.
    public struct Entry: Sendable, Hashable {
        /// The key, as JSON would name it.
        public var key: String
        /// The key as it was written, where that is another: `on`, which YAML 1.1 takes for `true`, or `0x10`; else nil.
        public var written: String?
        /// The line of the key, counted from 1.
        public var line: Int
        /// The column of the key, counted from 1.
        public var column: Int
        /// The value.
        public var value: YAMLNode
    }

    /// What a node holds.
    public enum Content: Sendable, Hashable {
        /// A scalar: its value by Kubernetes' rules, and the text it was written as.
        case scalar(JSONValue, text: String)
        /// A list's elements.
        case sequence([YAMLNode])
        /// A mapping's entries in the order written; keys are unique.
        case mapping([Entry])
    }

    /// The line where the value begins, counted from 1.
    public var line: Int
    /// The column where the value begins, counted from 1 in Unicode scalars.
    public var column: Int
    /// The tag written at the value (`!!str`, in its long form), if any.
    public var tag: String?
    /// What the node holds.
    public var content: Content

    /// Creates a node.
    public init(line: Int, column: Int, tag: String? = nil, content: Content) {
        self.line = line
        self.column = column
        self.tag = tag
        self.content = content
    }

    /// The kind of value.
    public var kind: Kind {
        switch content {
        case .scalar: .scalar
        case .sequence: .sequence
        case .mapping: .mapping
        }
    }

    /// The entries, if this is a mapping.
    public var entries: [Entry]? {
        if case .mapping(let entries) = content { return entries }
        return nil
    }

    /// The elements, if this is a sequence.
    public var elements: [YAMLNode]? {
        if case .sequence(let elements) = content { return elements }
        return nil
    }

    /// The value of a scalar.
    public var scalar: JSONValue? {
        if case .scalar(let value, _) = content { return value }
        return nil
    }

    /// The text of a scalar, as written, quotes and escapes resolved.
    public var text: String? {
        if case .scalar(_, let text) = content { return text }
        return nil
    }

    /// The value under a key of a mapping.
    public subscript(key: String) -> YAMLNode? {
        entries?.first { $0.key == key }?.value
    }

    /// The element of a sequence.
    public subscript(index: Int) -> YAMLNode? {
        guard let elements, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The node at a path, or nil when a step is missing.
    public func node(at path: FieldPath) -> YAMLNode? {
        var current = self
        for component in path.components {
            let next: YAMLNode?
            switch component {
            case .key(let key): next = current[key]
            case .index(let index): next = current[index]
            }
            guard let next else { return nil }
            current = next
        }
        return current
    }

    /// The value without its positions.
    public var json: JSONValue {
        switch content {
        case .scalar(let value, _): value
        case .sequence(let elements): .array(elements.map(\.json))
        case .mapping(let entries):
            .object(Dictionary(entries.map { ($0.key, $0.value.json) }, uniquingKeysWith: { first, _ in first }))
        }
    }
}

/// One document of a YAML stream.
public struct YAMLDocument: Sendable, Hashable {
    /// The file's name, as errors should give it.
    public var file: String?
    /// The document's value.
    public var root: YAMLNode
    /// Keys that were written more than once in one mapping, where the reader was told to keep the last.
    public var repeatedKeys: [RepeatedKey]

    /// A key of which an earlier value was dropped.
    public struct RepeatedKey: Sendable, Hashable {
        /// The key's place in the document.
        public var path: FieldPath
        /// The line of the one that was kept, counted from 1.
        public var line: Int
    }

    /// Creates a document.
    public init(file: String? = nil, root: YAMLNode, repeatedKeys: [RepeatedKey] = []) {
        self.file = file
        self.root = root
        self.repeatedKeys = repeatedKeys
    }

    /// The place of a node in the form that editors understand: `app.yaml:12:5`.
    public func location(of node: YAMLNode) -> String {
        YAMLReader.location(file: file, line: node.line, column: node.column)
    }
}
