/// The table of fields that comes with the program.
struct FieldTable: Sendable {
    static let shared = FieldTable(String(decoding: PackageResources.field_types_tsv, as: UTF8.self))

    /// By `apiVersion:kind`.
    private(set) var kinds: [String: FieldShape] = [:]
    private(set) var types: [String: [String: FieldShape]] = [:]

    init(_ text: String) {
        for line in text.split(separator: "\n") where line.first != "#" {
            let columns = line.split(separator: "\t")
            guard columns.count == 2 else { continue }
            guard !columns[0].contains(":") else {
                kinds[String(columns[0])] = FieldShape(columns[1])
                continue
            }
            var fields: [String: FieldShape] = [:]
            for field in columns[1].split(separator: " ") {
                guard let equals = field.firstIndex(of: "=") else { continue }
                fields[String(field[..<equals])] = FieldShape(field[field.index(after: equals)...])
            }
            types[String(columns[0])] = fields
        }
    }
}

/// What a field takes.
indirect enum FieldShape: Sendable {
    case anything
    case text
    /// Text of base64, with line ends anywhere.
    case encoded
    case integer
    case smallInteger
    case number
    case flag
    case quantity
    case integerOrText
    /// With the fields by which a server tells its elements apart; nil where it does not, none where it compares all of them.
    case list(FieldShape, keys: [String]?)
    case map(FieldShape)
    case named(String)

    static let metadata = FieldShape.named("ObjectMeta")

    /// Whether some text is right.
    var takesText: Bool {
        switch self {
        case .anything, .text, .encoded, .quantity, .integerOrText: true
        default: false
        }
    }

    /// As an error names what should be there.
    var expected: String {
        switch self {
        case .anything, .named, .map: "a mapping"
        case .text: "a string"
        case .encoded: "base64"
        case .integer, .smallInteger: "an integer"
        case .number: "a number"
        case .flag: "true or false"
        case .quantity: "a quantity such as 500m or 2Gi"
        case .integerOrText: "an integer, or a text such as 25% or http"
        case .list: "a list"
        }
    }

    /// As the table writes it.
    init(_ text: Substring) {
        switch text {
        case "*": self = .anything
        case "s": self = .text
        case "y": self = .encoded
        case "i": self = .integer
        case "w": self = .smallInteger
        case "n": self = .number
        case "b": self = .flag
        case "q": self = .quantity
        case "p": self = .integerOrText
        default:
            let inner = text.dropFirst().dropLast()
            switch text.first {
            case "[":
                let parts = inner.split(separator: "/", omittingEmptySubsequences: false)
                self = .list(
                    FieldShape(parts[0]), keys: parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : nil
                )
            case "{": self = .map(FieldShape(inner))
            default: self = .named(String(text))
            }
        }
    }

    /// Whether a value that is no list and no mapping is right.
    func suits(_ value: JSONValue) -> Bool {
        switch (self, value) {
        case (.text, .string), (.integer, .integer), (.number, .integer), (.number, .number), (.flag, .bool): true
        case (.quantity, .integer), (.quantity, .number), (.anything, _): true
        case (.smallInteger, .integer(let integer)), (.integerOrText, .integer(let integer)):
            Int32(exactly: integer) != nil
        case (.quantity, .string(let text)): FieldTexts.isQuantity(text)
        case (.encoded, .string(let text)): FieldTexts.isBase64(text)
        // A text of digits alone is neither a percentage nor the name of a port: every server refuses it.
        case (.integerOrText, .string(let text)): text.isEmpty || !text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        case (.integerOrText, .number(let number)): number.rounded() == number
        default: false
        }
    }
}
