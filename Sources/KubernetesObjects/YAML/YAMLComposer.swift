/// Makes plain trees of a parser's events, counting what aliases expand to.
struct YAMLComposer {
    private let events: YAMLEvents
    private let file: String?
    private let limits: ReadingLimits
    private let duplicateKeys: JSONValue.DuplicateKeys
    private var count = 0
    private var textSize = 0
    private var path = FieldPath.root
    private var anchors: [ExactText: Anchored] = [:]
    private var repeatedKeys: [YAMLDocument.RepeatedKey] = []

    /// A node with what tells how a scalar was written, and how deep it is.
    private struct Composed {
        var node: YAMLNode
        var isPlain = false
        var height = 0
    }

    /// What an alias stands for, and what it adds to the tree: values and bytes of text.
    private struct Anchored {
        var composed: Composed
        var count: Int
        var textSize: Int
    }

    init(events: YAMLEvents, file: String?, limits: ReadingLimits, duplicateKeys: JSONValue.DuplicateKeys) {
        self.events = events
        self.file = file
        self.limits = limits
        self.duplicateKeys = duplicateKeys
    }

    /// The next document of the stream, or nil at its end.
    mutating func nextDocument() throws -> YAMLDocument? {
        let start = try events.next()
        guard case .documentStart = start.content else { return nil }
        anchors = [:]
        repeatedKeys = []
        let root = try compose(try events.next(), depth: 0).node
        _ = try events.next()
        return YAMLDocument(file: file, root: root, repeatedKeys: repeatedKeys)
    }

    private func failure(
        _ event: YAMLEvents.Event, _ what: String, code: KubernetesObjectError.Code = .invalidYAML
    ) -> KubernetesObjectError {
        let place = YAMLReader.location(file: file, line: event.line, column: event.column)
        return KubernetesObjectError(code: code, message: "\(place): \(path): \(what)")
    }

    /// Aliases of one long text are as much of a bomb as aliases of many values.
    private mutating func add(values: Int, text: Int, depth: Int, _ event: YAMLEvents.Event) throws {
        count += values
        textSize += text
        guard count <= limits.maximumNodes else {
            throw failure(event, "expands to more than \(limits.maximumNodes) values", code: .limitExceeded)
        }
        guard depth <= limits.maximumDepth else {
            throw failure(event, "is nested deeper than \(limits.maximumDepth)", code: .limitExceeded)
        }
        guard textSize <= 2 * limits.maximumBytes else {
            throw failure(
                event, "expands to more than \(2 * limits.maximumBytes) bytes of text", code: .limitExceeded)
        }
    }

    private mutating func compose(_ event: YAMLEvents.Event, depth: Int) throws -> Composed {
        if case .alias(let name) = event.content {
            guard let anchored = anchors[ExactText(name)] else {
                throw failure(event, "found undefined alias \"\(name)\"")
            }
            try add(
                values: anchored.count, text: anchored.textSize, depth: depth + anchored.composed.height, event)
            return anchored.composed
        }
        let (countBefore, textBefore) = (count, textSize)
        try add(values: 1, text: 0, depth: depth, event)
        let composed: Composed
        switch event.content {
        case .scalar(let text, let tag, let isPlain):
            try add(values: 0, text: text.utf8.count, depth: depth, event)
            let isWritten = !tag.isEmpty && (isPlain || tag != YAMLTags.string)
            let value = try value(of: text, tag: tag, isPlain: isPlain, event)
            composed = Composed(
                node: YAMLNode(
                    line: event.line, column: event.column, tag: isWritten ? tag : nil,
                    content: .scalar(value, text: text)),
                isPlain: isPlain)
        case .sequenceStart: composed = try sequence(event, depth: depth)
        default: composed = try mapping(event, depth: depth)
        }
        if let anchor = event.anchor {
            anchors[ExactText(anchor)] = Anchored(
                composed: composed, count: count - countBefore, textSize: textSize - textBefore)
        }
        return composed
    }

    private mutating func sequence(_ start: YAMLEvents.Event, depth: Int) throws -> Composed {
        var elements: [YAMLNode] = []
        var height = 0
        while true {
            let event = try events.next()
            if case .sequenceEnd = event.content { break }
            path.components.append(.index(elements.count))
            let element = try compose(event, depth: depth + 1)
            path.components.removeLast()
            height = max(height, element.height + 1)
            elements.append(element.node)
        }
        return Composed(
            node: YAMLNode(line: start.line, column: start.column, content: .sequence(elements)), height: height)
    }

    private mutating func mapping(_ start: YAMLEvents.Event, depth: Int) throws -> Composed {
        var entries: [YAMLNode.Entry] = []
        var merges: [(event: YAMLEvents.Event, node: YAMLNode)] = []
        // Where each key stands among the entries. Two spellings of the same letters are one key here.
        var places: [String: Int] = [:]
        var height = 0
        while true {
            let event = try events.next()
            if case .mappingEnd = event.content { break }
            if case .scalar("<<", _, true) = event.content {
                let merged = try compose(try events.next(), depth: depth + 1)
                height = max(height, merged.height)
                merges.append((event, merged.node))
                continue
            }
            let (key, written) = try key(event)
            if let place = places[key] { try checkRepeated(key, entries[place].key, event) }
            path.components.append(.key(key))
            let value = try compose(try events.next(), depth: depth + 1)
            if places[key] != nil { repeatedKeys.append(.init(path: path, line: event.line)) }
            path.components.removeLast()
            height = max(height, value.height + 1)
            let entry = YAMLNode.Entry(
                key: key, written: written, line: event.line, column: event.column, value: value.node)
            if let place = places[key] {
                entries[place] = entry
            } else {
                places[key] = entries.count
                entries.append(entry)
            }
        }
        // Keys written beside a merge win over merged ones; of several merged mappings the first wins.
        for (event, merged) in merges {
            for source in merged.elements ?? [merged] {
                guard let sourceEntries = source.entries else {
                    throw failure(event, "<< merges mappings only, here is a \(source.kind)")
                }
                for entry in sourceEntries where places[entry.key] == nil {
                    places[entry.key] = entries.count
                    entries.append(entry)
                }
            }
        }
        return Composed(
            node: YAMLNode(line: start.line, column: start.column, content: .mapping(entries)), height: height)
    }

    private func checkRepeated(_ key: String, _ first: String, _ event: YAMLEvents.Event) throws {
        guard first.isExactly(key) else {
            throw failure(event, KubernetesObjectError.twoSpellings(key), code: .duplicateKey)
        }
        guard duplicateKeys == .keepLast else {
            throw failure(event, "key \"\(key)\" is there twice", code: .duplicateKey)
        }
    }

    /// A key, as JSON would name it, and as it was written where that is another.
    private mutating func key(_ event: YAMLEvents.Event) throws -> (key: String, written: String?) {
        let text: String
        let isPlain: Bool
        switch event.content {
        case .scalar(let written, _, let plain):
            if event.anchor != nil { _ = try compose(event, depth: 0) }
            (text, isPlain) = (written, plain)
        case .alias:
            let composed = try compose(event, depth: 0)
            guard let written = composed.node.text else { throw failure(event, "a key must be a scalar") }
            (text, isPlain) = (written, composed.isPlain)
        case .mappingStart:
            throw failure(
                event,
                "a key must be a scalar; where {{ … }} stands, this is a template, which Helm has to render: name its "
                    + "chart's folder instead")
        default:
            throw failure(event, "a key must be a scalar")
        }
        try add(values: 0, text: text.utf8.count, depth: 0, event)
        guard isPlain else { return (text, nil) }
        guard let key = YAMLScalars.key(plain: text) else {
            throw failure(event, "\"\(text)\" cannot be a key; quote it")
        }
        return (key, key == text ? nil : text)
    }

    private func value(of text: String, tag: String, isPlain: Bool, _ event: YAMLEvents.Event) throws -> JSONValue {
        if !isPlain, tag.isEmpty || tag == YAMLTags.string { return .string(text) }
        let resolved = YAMLScalars.resolve(plain: text)
        let fits: Bool
        switch (tag, resolved) {
        case (_, nil):
            throw failure(event, "\(text) is no number that Kubernetes can hold")
        case ("", .some(let value)):
            return value
        case (YAMLTags.string, _), (YAMLTags.timestamp, _):
            return .string(text)
        case (YAMLTags.integer, .integer), (YAMLTags.boolean, .bool), (YAMLTags.null, .null), (YAMLTags.float, .number),
            (YAMLTags.float, .integer):
            fits = true
        case (YAMLTags.integer, _), (YAMLTags.boolean, _), (YAMLTags.null, _), (YAMLTags.float, _):
            fits = false
        default:
            throw failure(event, "tag \(tag) is unknown; YAML's own (!!str, !!int …) are accepted")
        }
        guard fits, let resolved else {
            throw failure(event, "\"\(text)\" does not fit its tag \(tag)")
        }
        return resolved
    }
}
