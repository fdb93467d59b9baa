internal import KubernetesObjects

/// Collects what is wrong with a document while the rest of it is read on.
final class Problems {
    let file: String
    private(set) var errors: [ModelError] = []
    private(set) var lines: [String: Int] = [:]

    init(file: String) {
        self.file = file
    }

    /// Whether another mistake would still be told: advice is costly, and a text that is not meant for us has no end of mistakes.
    var hasRoom: Bool { errors.count < DocumentErrors.maximumCount }

    func add(_ code: ModelError.Code, line: Int?, path: String?, _ message: String) {
        guard hasRoom else { return }
        errors.append(ModelError(code: code, message: message, file: file, line: line, path: path))
    }

    func note(line: Int, of path: String) {
        lines[path] = line
    }
}

/// A value in a document with its place. Reading it as something either gives that, or notes why not and gives nil.
struct Field {
    let node: YAMLNode
    let path: String
    let problems: Problems

    init(node: YAMLNode, path: String, problems: Problems) {
        self.node = node
        self.path = path
        self.problems = problems
        problems.note(line: node.line, of: path)
    }

    func fail(_ code: ModelError.Code, _ message: String) {
        problems.add(code, line: node.line, path: path.isEmpty ? nil : path, message)
    }

    /// What stands here, as an error says it.
    var found: String {
        switch node.content {
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .scalar(.null, _): "no value"
        case .scalar(let value, let text): "\(value.typeName) (\(text.prefix(40)))"
        }
    }

    /// The fields of a mapping, of which only those of `shape` may be there.
    func fields(_ shape: DocumentShape) -> Fields? {
        let known = shape.names
        guard let entries = node.entries else {
            fail(.wrongType, "expected a mapping with \(known.joined(separator: ", ")), found \(found)")
            return nil
        }
        for entry in entries where problems.hasRoom && !known.contains(entry.key) {
            let path = path.isEmpty ? entry.key : "\(path).\(entry.key)"
            problems.add(
                .unknownField, line: entry.line, path: path,
                "there is no field '\((entry.written ?? entry.key).prefix(80))'"
                    + Spelling.advice(for: entry.written ?? entry.key, among: known))
        }
        return Fields(field: self)
    }

    /// The elements of a list, each with its place.
    func list(of what: String) -> [Field]? {
        guard let elements = node.elements else {
            fail(.wrongType, "expected a list of \(what), found \(found)")
            return nil
        }
        return elements.enumerated().map { Field(node: $1, path: "\(path)[\($0)]", problems: problems) }
    }

    func string(_ what: String = "a text") -> String? {
        if case .scalar(.string(let text), _) = node.content {
            if text.utf8.count <= 4_096 { return text }
            fail(.tooLarge, "is \(text.utf8.count) bytes long; at most 4096 are allowed")
            return nil
        }
        if case .scalar(let value, let text) = node.content, !value.isNull {
            fail(.wrongType, "expected \(what), found \(value.typeName); write it in quotes: \"\(text.prefix(40))\"")
        } else {
            fail(.wrongType, "expected \(what), found \(found)")
        }
        return nil
    }

    /// A text that is not empty.
    func word(_ what: String) -> String? {
        guard let text = string(what) else { return nil }
        guard !text.isEmpty else {
            fail(.invalidValue, "is empty; write \(what)")
            return nil
        }
        return text
    }

    func bool() -> Bool? {
        if case .scalar(.bool(let value), _) = node.content { return value }
        fail(.wrongType, "expected true or false, found \(found)")
        return nil
    }

    func name<Kind>(_ what: String) -> Name<Kind>? {
        guard let text = string("the name of \(what)") else { return nil }
        do throws(ModelError) {
            return try Name<Kind>(text)
        } catch {
            fail(error.code, error.message)
            return nil
        }
    }

    func names<Kind>(_ what: String) -> [Name<Kind>]? {
        guard let elements = list(of: "names") else { return nil }
        guard !elements.isEmpty else {
            fail(.invalidValue, "is an empty list, which would select nothing; leave it out to select every \(what)")
            return nil
        }
        var names: [Name<Kind>] = []
        var seen: Set<Name<Kind>> = []
        for element in elements {
            guard let name: Name<Kind> = element.name(what) else { continue }
            if !seen.insert(name).inserted { element.fail(.duplicate, "'\(name)' is there twice") }
            names.append(name)
        }
        return names
    }

    func interval() -> Interval? {
        guard case .scalar(let value, let text) = node.content, !value.isNull else {
            fail(.wrongType, "expected a length of time such as 90s, 5m or 1h30m, found \(found)")
            return nil
        }
        if let interval = Interval(text) { return interval }
        let hint = Int64(text) == nil ? "" : "; a unit is missing, such as \(text)s"
        fail(.invalidValue, "'\(text.prefix(40))' is not a length of time such as 90s, 5m or 1h30m\(hint)")
        return nil
    }

    /// A number of clusters or a percentage. As a cap, nothing at all is refused: it would never let the rollout move.
    func limit(isCap: Bool) -> Limit? {
        let right =
            isCap
            ? "a number from 1, or a percentage from 1% to 100%" : "a number from 0, or a percentage from 0% to 100%"
        guard case .scalar(let value, let text) = node.content, !value.isNull, value.boolValue == nil else {
            fail(.wrongType, "expected \(right), found \(found)")
            return nil
        }
        guard let limit = Limit(text) else {
            fail(.invalidValue, "'\(text.prefix(40))' is out of range or not a number; write \(right)")
            return nil
        }
        let isZero = limit == .count(0) || limit == .percent(0)
        if isCap && isZero {
            fail(.invalidValue, "'\(text)' would never let a cluster through; write \(right)")
            return nil
        }
        if case .count(let count) = limit, count > 1_000_000 {
            fail(.invalidValue, "'\(count)' is more clusters than there can be; write \(right)")
            return nil
        }
        return limit
    }

    func choice<Value: RawRepresentable & CaseIterable>(_ type: Value.Type) -> Value? where Value.RawValue == String {
        let known = Value.allCases.map(\.rawValue)
        guard case .scalar(let value, let text) = node.content, !value.isNull else {
            fail(.wrongType, "expected one of \(known.joined(separator: ", ")), found \(found)")
            return nil
        }
        if let choice = Value(rawValue: text) { return choice }
        let guess = Spelling.nearest(to: text, among: known).map { "; did you mean '\($0)'?" } ?? ""
        fail(.invalidValue, "'\(text.prefix(40))' is not one of \(known.joined(separator: ", "))\(guess)")
        return nil
    }

    /// A mapping of texts to texts.
    func texts(_ what: String) -> [String: String]? {
        guard let entries = node.entries else {
            fail(.wrongType, "expected a mapping of \(what), found \(found)")
            return nil
        }
        var texts: [String: String] = [:]
        for entry in entries {
            if let written = entry.written {
                problems.add(
                    .wrongType, line: entry.line, path: "\(path).\(entry.key)",
                    "the key \(written.prefix(40)) is read as \(entry.key.prefix(40)); write it in quotes: "
                        + "\"\(written.prefix(40))\"")
            }
            let value = Field(node: entry.value, path: "\(path).\(entry.key)", problems: problems)
            if let text = value.string() { texts[entry.key] = text }
        }
        return texts
    }
}

/// The fields of a mapping.
struct Fields {
    let field: Field

    subscript(_ key: String) -> Field? {
        field.node[key].map {
            Field(node: $0, path: field.path.isEmpty ? key : "\(field.path).\(key)", problems: field.problems)
        }
    }

    /// A field that must be there; `example` says what would be right.
    func required(_ key: String, _ example: String) -> Field? {
        if let value = self[key] { return value }
        let path = field.path.isEmpty ? key : "\(field.path).\(key)"
        field.problems.add(
            .missingField, line: field.node.line, path: path, "the field '\(key)' is missing; write \(example)")
        return nil
    }
}
