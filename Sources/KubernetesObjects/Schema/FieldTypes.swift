/// Which type each field of Kubernetes' own kinds is of, as the API server reads them: what it would refuse of an object is told
/// where the object is written.
///
/// Nothing is said of kinds, versions and fields that the table lacks, which a server of another version may have, nor of `null`,
/// which stands for a field left out. What may be text or number (a quantity, a port by name) may be either, but for texts that no
/// server takes there: `512MB`, or a port `"8080"`.
public enum FieldTypes {
    /// A value of another type than the server takes.
    public struct Finding: Sendable, Hashable {
        public var path: FieldPath
        /// What would be right, such as `a string`.
        public var expected: String
        /// What is there, such as `an integer`.
        public var found: String
        /// Whether the value itself would be right in quotes.
        public var lacksQuotes: Bool
        /// Whether the value would be right without its quotes.
        public var hasQuotes: Bool
        /// Whether the field takes text as well as numbers, so that only some texts are wrong there.
        public var takesText: Bool
    }

    /// The most that is told of one object.
    public static let maximumFindings = 20

    /// What a server would not take of an object, `metadata` and `status` left aside.
    public static func findings(in object: KubernetesObject) -> [Finding] {
        guard let shape = Table.shared.kinds["\(object.apiVersion):\(object.kind)"] else { return [] }
        var findings: [Finding] = []
        var object = object
        object.status = nil
        object["metadata"] = nil
        check(object.json, shape, at: .root, &findings)
        return findings
    }

    /// Whether the table has a kind.
    public static func isKnown(apiVersion: String, kind: String) -> Bool {
        Table.shared.kinds["\(apiVersion):\(kind)"] != nil
    }

    /// A field that objects of a kind cannot have.
    public struct Unknown: Sendable, Hashable {
        public var field: String
        /// Where it would stand.
        public var parent: FieldPath
        /// The fields that may stand there.
        public var known: [String]
    }

    /// The first field on a path that objects of a kind cannot have; nil where they may have all of it, or the table does not say.
    public static func unknownField(on path: FieldPath, apiVersion: String, kind: String) -> Unknown? {
        guard var shape = Table.shared.kinds["\(apiVersion):\(kind)"] else { return nil }
        var parent = FieldPath.root
        for component in path.components {
            switch (shape, component) {
            case (.named(let name), .key(let key)):
                guard let fields = Table.shared.types[name] else { return nil }
                guard let next = fields[key] else {
                    return Unknown(field: key, parent: parent, known: fields.keys.sorted())
                }
                shape = next
            case (.list(let element), _): shape = element
            case (.map(let member), .key): shape = member
            default: return nil
            }
            parent.components.append(component)
        }
        return nil
    }

    /// The fields of an object that the table lacks, `status` left aside; at most ``maximumFindings``. A newer server may have them.
    public static func unknownFields(in object: KubernetesObject) -> [Unknown] {
        guard let shape = Table.shared.kinds["\(object.apiVersion):\(object.kind)"] else { return [] }
        var unknown: [Unknown] = []
        var object = object
        object.status = nil
        collect(object.json, shape, at: .root, &unknown)
        return unknown
    }

    private static func collect(_ value: JSONValue, _ shape: Shape, at path: FieldPath, _ unknown: inout [Unknown]) {
        guard unknown.count < maximumFindings else { return }
        switch shape {
        case .list(let element):
            for (index, member) in (value.arrayValue ?? []).enumerated() {
                collect(member, element, at: path.appending(index), &unknown)
            }
        case .map(let element):
            for (key, member) in (value.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                collect(member, element, at: path.appending(key), &unknown)
            }
        case .named(let name):
            guard let fields = Table.shared.types[name] else { return }
            for (key, member) in (value.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                if let field = fields[key] {
                    collect(member, field, at: path.appending(key), &unknown)
                } else {
                    unknown.append(Unknown(field: key, parent: path, known: fields.keys.sorted()))
                }
            }
        default: break
        }
    }

    /// Every kind of the table, by `apiVersion` and kind, in the order of their spelling.
    public static let knownKinds: [GroupVersionKind] = Table.shared.kinds.keys.sorted().compactMap { key in
        let words = key.split(separator: ":")
        return words.count == 2 ? GroupVersionKind(apiVersion: String(words[0]), kind: String(words[1])) : nil
    }

    private static func check(_ value: JSONValue, _ shape: Shape, at path: FieldPath, _ findings: inout [Finding]) {
        guard findings.count < maximumFindings, !value.isNull else { return }
        func expect(_ isRight: Bool, _ expected: String) {
            guard !isRight else { return }
            let isTyped: Bool
            if case .string(let text) = value, expected != "a string" {
                isTyped = YAMLScalars.resolve(plain: text).map { suits($0, shape) } ?? false
            } else {
                isTyped = false
            }
            let isScalar = value.objectValue == nil && value.arrayValue == nil
            findings.append(
                Finding(
                    path: path, expected: expected, found: word(for: value),
                    lacksQuotes: expected == "a string" && isScalar, hasQuotes: isTyped, takesText: shape.takesText))
        }
        switch shape {
        case .anything: break
        case .text: expect(suits(value, shape), "a string")
        case .integer: expect(suits(value, shape), "an integer")
        case .number: expect(suits(value, shape), "a number")
        case .flag: expect(suits(value, shape), "true or false")
        case .quantity: expect(suits(value, shape), "a quantity such as 500m or 2Gi")
        case .integerOrText: expect(suits(value, shape), "an integer, or a text such as 25% or http")
        case .list(let element):
            guard let elements = value.arrayValue else { return expect(false, "a list") }
            for (index, member) in elements.enumerated() {
                check(member, element, at: path.appending(index), &findings)
            }
        case .map(let element):
            guard let members = value.objectValue else { return expect(false, "a mapping") }
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                check(member, element, at: path.appending(key), &findings)
            }
        case .named(let name):
            guard let fields = Table.shared.types[name] else { return }
            guard let members = value.objectValue else { return expect(false, "a mapping") }
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                if let field = fields[key] { check(member, field, at: path.appending(key), &findings) }
            }
        }
    }

    /// A value's type as YAML calls it.
    private static func word(for value: JSONValue) -> String {
        switch value {
        case .array: "a list"
        case .object: "a mapping"
        default: value.typeName
        }
    }

    private static func suits(_ value: JSONValue, _ shape: Shape) -> Bool {
        switch (shape, value) {
        case (.text, .string), (.integer, .integer), (.number, .integer), (.number, .number), (.flag, .bool): true
        case (.quantity, .integer), (.quantity, .number), (.anything, _), (.integerOrText, .integer): true
        case (.quantity, .string(let text)): isQuantity(text)
        // A text of digits alone is neither a percentage nor the name of a port: every server refuses it.
        case (.integerOrText, .string(let text)): text.isEmpty || !text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        case (.integerOrText, .number(let number)): number.rounded() == number
        default: false
        }
    }

    /// Whether a server reads a text as a quantity, white space around it left aside; of digits and signs only what is surely none is
    /// told.
    private static func isQuantity(_ text: String) -> Bool {
        let text = text.drop(while: \.isWhitespace)
        let digits = text.prefix { "+-0123456789.".contains($0) }
        guard digits.contains(where: \.isNumber) else { return false }
        var suffix = text.dropFirst(digits.count)
        while suffix.last?.isWhitespace == true { suffix.removeLast() }
        if quantitySuffixes.contains(String(suffix)) { return true }
        guard suffix.first == "e" || suffix.first == "E" else { return false }
        let exponent = suffix.dropFirst()
        let power = exponent.first == "-" || exponent.first == "+" ? exponent.dropFirst() : exponent
        return !power.isEmpty && power.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static let quantitySuffixes: Set<String> = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ]

    /// What a field takes.
    private indirect enum Shape: Sendable {
        case anything
        case text
        case integer
        case number
        case flag
        case quantity
        case integerOrText
        case list(Shape)
        case map(Shape)
        case named(String)

        var takesText: Bool {
            switch self {
            case .anything, .text, .quantity, .integerOrText: true
            default: false
            }
        }

        init(_ text: Substring) {
            switch text {
            case "*": self = .anything
            case "s": self = .text
            case "i": self = .integer
            case "n": self = .number
            case "b": self = .flag
            case "q": self = .quantity
            case "p": self = .integerOrText
            default:
                let inner = text.dropFirst().dropLast()
                self =
                    switch text.first {
                    case "[": .list(Shape(inner))
                    case "{": .map(Shape(inner))
                    default: .named(String(text))
                    }
            }
        }
    }

    /// The table that comes with the program.
    private struct Table: Sendable {
        static let shared = Table(String(decoding: PackageResources.field_types_tsv, as: UTF8.self))

        /// By `apiVersion:kind`.
        private(set) var kinds: [String: Shape] = [:]
        private(set) var types: [String: [String: Shape]] = [:]

        init(_ text: String) {
            for line in text.split(separator: "\n") where line.first != "#" {
                let columns = line.split(separator: "\t")
                guard columns.count == 2 else { continue }
                guard !columns[0].contains(":") else {
                    kinds[String(columns[0])] = Shape(columns[1])
                    continue
                }
                var fields: [String: Shape] = [:]
                for field in columns[1].split(separator: " ") {
                    guard let equals = field.firstIndex(of: "=") else { continue }
                    fields[String(field[..<equals])] = Shape(field[field.index(after: equals)...])
                }
                types[String(columns[0])] = fields
            }
        }
    }
}
