// libyaml itself, which Yams brings: Yams's own reader hashes whole keys and refuses what is written twice.
private import CYaml

/// What libyaml's parser says of a text, one event after the other. Not to be shared between tasks.
final class YAMLEvents {
    /// One event, with its place.
    struct Event {
        enum Content {
            case documentStart
            case documentEnd
            case streamEnd
            case alias(String)
            case scalar(text: String, tag: String, isPlain: Bool)
            case sequenceStart
            case sequenceEnd
            case mappingStart
            case mappingEnd
        }

        var content: Content
        /// The anchor that it defines.
        var anchor: String?
        /// Counted from 1.
        var line: Int
        var column: Int
    }

    private let file: String?
    private let input: [UInt8]
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let buffer: UnsafeMutableBufferPointer<UInt8>

    init(_ text: String, file: String?) {
        self.file = file
        self.input = JSONEscapes.joined(JSONStream.separated(Self.withoutMarks(Array(text.utf8))))
        self.buffer = UnsafeMutableBufferPointer.allocate(capacity: max(1, input.count))
        _ = buffer.initialize(from: input)
        parser.initialize(to: yaml_parser_t())
        _ = yaml_parser_initialize(parser)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, buffer.baseAddress, input.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deinitialize(count: 1)
        parser.deallocate()
        buffer.deallocate()
    }

    /// The next event.
    ///
    /// - Throws: ``KubernetesObjectError`` naming file, line and column where the text is no YAML.
    func next() throws -> Event {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else { throw failure() }
        defer { yaml_event_delete(&raw) }
        let line = Int(raw.start_mark.line) + 1
        let column = Int(raw.start_mark.column) + 1
        func event(_ content: Event.Content, anchor: UnsafePointer<UInt8>? = nil) -> Event {
            Event(content: content, anchor: anchor.map(Self.text), line: line, column: column)
        }
        switch raw.type {
        case YAML_STREAM_START_EVENT, YAML_NO_EVENT: return try next()
        case YAML_STREAM_END_EVENT: return event(.streamEnd)
        case YAML_DOCUMENT_START_EVENT: return event(.documentStart)
        case YAML_DOCUMENT_END_EVENT: return event(.documentEnd)
        case YAML_ALIAS_EVENT: return event(.alias(Self.text(raw.data.alias.anchor)))
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let tag = scalar.quoted_implicit == 1 ? YAMLTags.string : scalar.tag.map(Self.text) ?? ""
            return event(
                .scalar(text: text, tag: tag, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), anchor: scalar.anchor)
        case YAML_SEQUENCE_START_EVENT: return event(.sequenceStart, anchor: raw.data.sequence_start.anchor)
        case YAML_SEQUENCE_END_EVENT: return event(.sequenceEnd)
        case YAML_MAPPING_START_EVENT: return event(.mappingStart, anchor: raw.data.mapping_start.anchor)
        default: return event(.mappingEnd)
        }
    }

    private static func text(_ pointer: UnsafePointer<UInt8>) -> String { String(cString: pointer) }

    private static func text(_ pointer: UnsafeMutablePointer<UInt8>) -> String { String(cString: pointer) }

    private func failure() -> KubernetesObjectError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "cannot be read"
        if parser.pointee.error == YAML_READER_ERROR {
            // The reader knows no lines yet.
            let before = input.prefix(Int(parser.pointee.problem_offset))
            let line = before.count { $0 == 0x0A } + 1
            let value = String(parser.pointee.problem_value, radix: 16)
            return KubernetesObjectError(
                code: .invalidYAML,
                message: "\(YAMLReader.location(file: file, line: line, column: 1)): \(problem) (0x\(value))")
        }
        let mark = parser.pointee.problem_mark
        let place = YAMLReader.location(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
        let context = parser.pointee.context.map { String(cString: $0) + ", " } ?? ""
        return KubernetesObjectError(
            code: problem.contains("nesting level") ? .limitExceeded : .invalidYAML,
            message: "\(place): \(context)\(problem)\(hint(onLine: Int(mark.line), problem))")
    }

    /// What the parser does not say of a line that is indented with tabs.
    private func hint(onLine line: Int, _ problem: String) -> String {
        guard problem.contains("cannot start any token") else { return "" }
        let lines = input.split(separator: 0x0A, maxSplits: line + 1, omittingEmptySubsequences: false)
        guard lines.indices.contains(line), lines[line].prefix(while: { $0 == 0x20 || $0 == 0x09 }).contains(0x09)
        else { return "" }
        return ": a tab; YAML is indented with spaces"
    }

    /// The text without byte order marks, which may begin each document of a stream: libyaml takes the first key after one to
    /// be indented.
    private static func withoutMarks(_ bytes: [UInt8]) -> [UInt8] {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        guard bytes.starts(with: mark) || bytes.contains(0xBB) else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var isBoundary = true
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if index > 0 { result.append(0x0A) }
            let unmarked = line.starts(with: mark) ? line.dropFirst(3) : line
            let rest = isBoundary || unmarked.starts(with: "---".utf8) ? unmarked : line
            result.append(contentsOf: rest)
            isBoundary = rest.starts(with: "---".utf8) || rest.starts(with: "...".utf8)
        }
        return result
    }
}

/// The long forms of YAML's own tags.
enum YAMLTags {
    static let string = "tag:yaml.org,2002:str"
    static let integer = "tag:yaml.org,2002:int"
    static let float = "tag:yaml.org,2002:float"
    static let boolean = "tag:yaml.org,2002:bool"
    static let null = "tag:yaml.org,2002:null"
    static let timestamp = "tag:yaml.org,2002:timestamp"
}
