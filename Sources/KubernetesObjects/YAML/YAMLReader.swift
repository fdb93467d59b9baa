private import Yams

/// Reads YAML streams of one or more documents, strictly and within limits.
public enum YAMLReader {
    /// The documents of a stream; empty documents are left out.
    ///
    /// Refused: a key written twice, tags other than YAML's own, keys that are not scalars, anchors that expand to more
    /// than the limits allow, infinities.
    ///
    /// - Parameters:
    ///   - text: The YAML text. JSON is YAML too.
    ///   - file: The name that errors should give.
    ///   - limits: What to accept at most.
    /// - Throws: ``KubernetesObjectError`` naming file, line, column and path.
    public static func documents(
        in text: String, file: String? = nil, limits: ReadingLimits = .documents
    ) throws -> [YAMLDocument] {
        let size = text.utf8.count
        guard size <= limits.maximumBytes else {
            let place = file.map { "\($0): " } ?? ""
            throw KubernetesObjectError(
                code: .limitExceeded,
                message: "\(place)YAML of \(size) bytes is larger than the \(limits.maximumBytes) allowed")
        }
        try refuseExpandingKeys(in: text, file: file)
        var expansion = Expansion(file: file, limits: limits)
        var documents: [YAMLDocument] = []
        do {
            let parser = try Yams.Parser(yaml: text, resolver: .basic, encoding: .utf8)
            while let root = try parser.nextRoot() {
                let node = try expansion.node(root, depth: 0)
                if node.scalar == .null { continue }
                documents.append(YAMLDocument(file: file, root: node))
            }
        } catch let error as YamlError {
            throw translated(error, file: file)
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

    private static func translated(_ error: YamlError, file: String?) -> KubernetesObjectError {
        func failure(
            _ mark: Mark, _ what: String, code: KubernetesObjectError.Code = .invalidYAML
        ) -> KubernetesObjectError {
            let place = location(file: file, line: mark.line, column: mark.column)
            return KubernetesObjectError(code: code, message: "\(place): \(what)")
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let nested = problem.contains("nesting level")
            let text = context.map { "\($0.text), " } ?? ""
            return failure(mark, text + problem, code: nested ? .limitExceeded : .invalidYAML)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
            return failure(context.mark, "key \(keys) is there twice in one mapping", code: .duplicateKey)
        default:
            let place = file.map { "\($0): " } ?? ""
            return KubernetesObjectError(code: .invalidYAML, message: "\(place)\(error)")
        }
    }

    /// Refuses text whose anchors could blow up while the composer hashes mapping keys, before the limits below can act.
    ///
    /// That needs a key that is itself a collection, anchors, and aliases in number; manifests have the first never.
    private static func refuseExpandingKeys(in text: String, file: String?) throws {
        let bytes = Array(text.utf8)
        var anchors = 0
        var aliases = 0
        var collectionKeys = 0
        var previous: UInt8 = 0x0A
        for (index, byte) in bytes.enumerated() {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0x0A
            let starts =
                previous <= 0x20 || previous == UInt8(ascii: "[") || previous == UInt8(ascii: ",")
                || previous == UInt8(ascii: "{")
            switch byte {
            case UInt8(ascii: "&") where starts && next > 0x20: anchors += 1
            case UInt8(ascii: "*") where starts && next > 0x20: aliases += 1
            case UInt8(ascii: "?") where starts && next <= 0x20: collectionKeys += 1
            case UInt8(ascii: ":")
            where previous <= 0x20 || previous == UInt8(ascii: "]") || previous == UInt8(ascii: "}"):
                collectionKeys += 1
            default: break
            }
            previous = byte
        }
        if anchors > 0, aliases > 24, collectionKeys > 0 {
            let place = file.map { "\($0): " } ?? ""
            throw KubernetesObjectError(
                code: .limitExceeded, message: "\(place)anchors together with keys that are not plain words are refused"
            )
        }
    }
}

/// Makes a plain tree of composed nodes, counting what aliases expand to.
private struct Expansion {
    let file: String?
    let limits: ReadingLimits
    private var count = 0
    private var textSize = 0
    private var path = FieldPath.root

    init(file: String?, limits: ReadingLimits) {
        self.file = file
        self.limits = limits
    }

    private func failure(
        _ node: Node, _ what: String, code: KubernetesObjectError.Code = .invalidYAML
    ) -> KubernetesObjectError {
        let place = YAMLReader.location(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        return KubernetesObjectError(code: code, message: "\(place): \(path): \(what)")
    }

    mutating func node(_ node: Node, depth: Int) throws -> YAMLNode {
        count += 1
        guard count <= limits.maximumNodes else {
            throw failure(node, "expands to more than \(limits.maximumNodes) values", code: .limitExceeded)
        }
        guard depth <= limits.maximumDepth else {
            throw failure(node, "is nested deeper than \(limits.maximumDepth)", code: .limitExceeded)
        }
        let line = node.mark?.line ?? 1
        let column = node.mark?.column ?? 1
        switch node {
        case .scalar(let scalar):
            try countText(scalar.string, node)
            let tag = scalar.tag.rawValue
            let isWritten = !tag.isEmpty && !(scalar.style != .plain && tag == YAMLTags.string)
            return YAMLNode(
                line: line, column: column, tag: isWritten ? tag : nil,
                content: .scalar(try value(of: scalar, node), text: scalar.string))
        case .sequence(let sequence):
            var elements: [YAMLNode] = []
            elements.reserveCapacity(sequence.count)
            for (index, element) in sequence.enumerated() {
                path.components.append(.index(index))
                elements.append(try self.node(element, depth: depth + 1))
                path.components.removeLast()
            }
            return YAMLNode(line: line, column: column, content: .sequence(elements))
        case .mapping(let mapping):
            return YAMLNode(line: line, column: column, content: .mapping(try entries(of: mapping, depth: depth)))
        case .alias:
            throw failure(node, "an alias was left unexpanded")
        }
    }

    /// Aliases of one long text are as much of a bomb as aliases of many values.
    private mutating func countText(_ text: String, _ node: Node) throws {
        textSize += text.utf8.count
        guard textSize <= 2 * limits.maximumBytes else {
            throw failure(
                node, "expands to more than \(2 * limits.maximumBytes) bytes of text", code: .limitExceeded)
        }
    }

    private mutating func entries(of mapping: Node.Mapping, depth: Int) throws -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var merges: [(Node, Node)] = []
        var seen: Set<String> = []
        for (keyNode, valueNode) in mapping {
            if case .scalar(let scalar) = keyNode, scalar.style == .plain, scalar.string == "<<" {
                merges.append((keyNode, valueNode))
                continue
            }
            let key = try key(keyNode)
            try countText(key, keyNode)
            guard seen.insert(key).inserted else {
                throw failure(keyNode, "key \"\(key)\" is there twice", code: .duplicateKey)
            }
            path.components.append(.key(key))
            let value = try node(valueNode, depth: depth + 1)
            path.components.removeLast()
            entries.append(
                YAMLNode.Entry(
                    key: key, line: keyNode.mark?.line ?? 1, column: keyNode.mark?.column ?? 1, value: value))
        }
        // Keys written beside a merge win over merged ones; of several merged mappings the first wins.
        for (keyNode, valueNode) in merges {
            let merged = try node(valueNode, depth: depth + 1)
            let sources = merged.elements ?? [merged]
            for source in sources {
                guard let sourceEntries = source.entries else {
                    throw failure(keyNode, "<< merges mappings only, here is a \(source.kind)")
                }
                for entry in sourceEntries where seen.insert(entry.key).inserted {
                    entries.append(entry)
                }
            }
        }
        return entries
    }

    private func key(_ node: Node) throws -> String {
        guard case .scalar(let scalar) = node else {
            throw failure(node, "a key must be a scalar")
        }
        guard scalar.style == .plain else { return scalar.string }
        switch YAMLScalars.resolve(plain: scalar.string) {
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .number, .string: return scalar.string
        default: throw failure(node, "\"\(scalar.string)\" cannot be a key; quote it")
        }
    }

    private func value(of scalar: Node.Scalar, _ node: Node) throws -> JSONValue {
        let tag = scalar.tag.rawValue
        if scalar.style != .plain, tag.isEmpty || tag == YAMLTags.string { return .string(scalar.string) }
        let resolved = YAMLScalars.resolve(plain: scalar.string)
        let fits: Bool
        switch (tag, resolved) {
        case (_, nil):
            throw failure(node, "\(scalar.string) is no number that Kubernetes can hold")
        case ("", .some(let value)):
            return value
        case (YAMLTags.string, _), (YAMLTags.timestamp, _):
            return .string(scalar.string)
        case (YAMLTags.integer, .integer), (YAMLTags.boolean, .bool), (YAMLTags.null, .null), (YAMLTags.float, .number),
            (YAMLTags.float, .integer):
            fits = true
        case (YAMLTags.integer, _), (YAMLTags.boolean, _), (YAMLTags.null, _), (YAMLTags.float, _):
            fits = false
        default:
            throw failure(node, "tag \(tag) is unknown; YAML's own (!!str, !!int …) are accepted")
        }
        guard fits, let resolved else {
            throw failure(node, "\"\(scalar.string)\" does not fit its tag \(tag)")
        }
        return resolved
    }
}

/// The long forms of YAML's own tags.
private enum YAMLTags {
    static let string = "tag:yaml.org,2002:str"
    static let integer = "tag:yaml.org,2002:int"
    static let float = "tag:yaml.org,2002:float"
    static let boolean = "tag:yaml.org,2002:bool"
    static let null = "tag:yaml.org,2002:null"
    static let timestamp = "tag:yaml.org,2002:timestamp"
}
