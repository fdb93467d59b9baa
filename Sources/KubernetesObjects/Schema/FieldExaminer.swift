/// Compares one object with the table, field by field.
struct FieldExaminer {
    let table: FieldTable
    /// The most that is told of each kind of fault.
    let limit: Int
    private(set) var result = FieldTypes.Examination()

    /// What fields of keys stand for where they are left out.
    private static let standards = ["protocol": JSONValue.string("TCP")]

    init(table: FieldTable, limit: Int) {
        self.table = table
        self.limit = limit
    }

    mutating func examine(_ value: JSONValue, _ shape: FieldShape, at path: FieldPath) {
        guard !value.isNull else { return }
        switch shape {
        case .list(let element, let keys):
            guard let elements = value.arrayValue else { return find(value, shape, at: path) }
            if let keys { compare(elements, by: keys, at: path) }
            for (index, member) in elements.enumerated() { examine(member, element, at: path.appending(index)) }
        case .map(let element):
            guard let members = value.objectValue else { return find(value, shape, at: path) }
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                examine(member, element, at: path.appending(key))
            }
        case .named(let name):
            guard let fields = table.types[name] else { return }
            guard let members = value.objectValue else { return find(value, shape, at: path) }
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                if let field = fields[key] {
                    examine(member, field, at: path.appending(key))
                } else if result.unknown.count < limit {
                    result.unknown.append(
                        FieldTypes.Unknown(field: key, parent: path, known: fields.keys.sorted()))
                }
            }
        default: if !shape.suits(value) { find(value, shape, at: path) }
        }
    }

    private mutating func find(_ value: JSONValue, _ shape: FieldShape, at path: FieldPath) {
        guard result.findings.count < limit else { return }
        var finding = FieldTypes.Finding(
            path: path, expected: shape.expected, found: value.yamlTypeName, lacksQuotes: false, hasQuotes: false,
            takesText: shape.takesText)
        switch (shape, value) {
        case (.text, _): finding.lacksQuotes = value.objectValue == nil && value.arrayValue == nil
        case (.encoded, .string): finding.found = "other text"
        case (.smallInteger, .integer(let integer)), (.integerOrText, .integer(let integer)):
            finding.expected = "an integer from \(Int32.min) to \(Int32.max)"
            finding.found = "\(integer)"
        case (.quantity, .string(let text)):
            finding.found = "\"\(text.prefix(40))\""
            finding.instead = FieldTexts.quantity(meantBy: text)
        case (.integerOrText, .number(let number)):
            finding.found = "\(number)"
            finding.instead = FieldTexts.percentage(meantBy: number)
        case (_, .string(let text)):
            finding.hasQuotes = YAMLScalars.resolve(plain: text).map(shape.suits) ?? false
        default: break
        }
        result.findings.append(finding)
    }

    private mutating func compare(_ elements: [JSONValue], by fields: [String], at path: FieldPath) {
        guard elements.count > 1 else { return }
        var places: [[JSONValue]: Int] = [:]
        for (index, element) in elements.enumerated() where result.repetitions.count < limit {
            let key: [JSONValue]
            if let main = fields.first {
                // What has no key is told by the server, in better words.
                guard element[main] != nil else { continue }
                key = fields.map { element[$0] ?? Self.standards[$0] ?? .null }
            } else {
                key = [element]
            }
            guard let former = places.updateValue(index, forKey: key) else { continue }
            let words = key.map { $0.stringValue ?? "\($0)" }.joined(separator: "/").prefix(80)
            result.repetitions.append(
                FieldTypes.Repetition(
                    list: path, fields: fields, key: fields.first.map { "\($0) \(words)" } ?? String(words),
                    former: former, index: index))
        }
    }
}
