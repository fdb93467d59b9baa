internal import KubernetesObjects

/// A label selector: `app=web,tier in (a,b),!legacy`.
struct LabelSelector: Sendable {
    enum Requirement: Sendable {
        case `in`(String, Set<String>)
        case notIn(String, Set<String>)
        case exists(String)
        case missing(String)
    }

    var requirements: [Requirement] = []

    static let everything = LabelSelector()

    func matches(_ labels: JSONValue?) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .in(let key, let values): labels?[key]?.stringValue.map(values.contains) ?? false
            case .notIn(let key, let values): !(labels?[key]?.stringValue.map(values.contains) ?? false)
            case .exists(let key): labels?[key] != nil
            case .missing(let key): labels?[key] == nil
            }
        }
    }

    /// The selector of a workload: `matchLabels` and `matchExpressions`.
    init(object: JSONValue?) {
        for (key, value) in object?["matchLabels"]?.objectValue ?? [:] {
            requirements.append(.in(key, [value.stringValue ?? ""]))
        }
        for expression in object?["matchExpressions"]?.arrayValue ?? [] {
            let key = expression["key"]?.stringValue ?? ""
            let values = Set((expression["values"]?.arrayValue ?? []).compactMap(\.stringValue))
            switch expression["operator"]?.stringValue {
            case "In": requirements.append(.in(key, values))
            case "NotIn": requirements.append(.notIn(key, values))
            case "Exists": requirements.append(.exists(key))
            case "DoesNotExist": requirements.append(.missing(key))
            default: break
            }
        }
    }

    /// The selector of a Service: equal labels.
    init(labels: JSONValue?) {
        for (key, value) in labels?.objectValue ?? [:] {
            requirements.append(.in(key, [value.stringValue ?? ""]))
        }
    }

    init() {}

    /// Whether nothing is asked for.
    var isEmpty: Bool { requirements.isEmpty }

    /// Reads the query parameter's form.
    init(parsing text: String) throws(APIStatus) {
        var tokens = Self.tokens(of: text)[...]
        func bad(_ found: String?, _ expected: String) -> APIStatus {
            .badRequest("found '\(found ?? "")', expected: \(expected)")
        }
        func isIdentifier(_ token: String) -> Bool { !["=", "==", "!=", "!", ",", "(", ")", "<", ">"].contains(token) }
        while let token = tokens.popFirst() {
            if token == "," { continue }
            if token == "!" {
                guard let key = tokens.popFirst(), isIdentifier(key) else { throw bad(tokens.first, "identifier") }
                requirements.append(.missing(key))
            } else {
                guard isIdentifier(token) else { throw bad(token, "!, identifier, or 'end of string'") }
                switch tokens.first {
                case nil, ",":
                    requirements.append(.exists(token))
                case "=", "==", "!=":
                    let isEqual = tokens.removeFirst() != "!="
                    var value = ""
                    if let next = tokens.first, isIdentifier(next) { value = tokens.removeFirst() }
                    requirements.append(isEqual ? .in(token, [value]) : .notIn(token, [value]))
                case "in", "notin":
                    let isIn = tokens.removeFirst() == "in"
                    guard tokens.popFirst() == "(" else { throw bad(tokens.first, "'('") }
                    var values: Set<String> = []
                    while let next = tokens.popFirst(), next != ")" {
                        if next != "," { values.insert(next) }
                    }
                    requirements.append(isIn ? .in(token, values) : .notIn(token, values))
                case let other:
                    throw bad(other, "in, notin, =, ==, !=, gt, lt")
                }
            }
            if let next = tokens.first, next != "," { throw bad(next, "',' or 'end of string'") }
        }
    }

    private static func tokens(of text: String) -> [String] {
        var result: [String] = []
        var word = ""
        var characters = Array(text)[...]
        func flush() {
            if !word.isEmpty { result.append(word) }
            word = ""
        }
        while let character = characters.popFirst() {
            switch character {
            case " ", "\t": flush()
            case ",", "(", ")":
                flush()
                result.append(String(character))
            case "=", "!":
                flush()
                if characters.first == "=" {
                    characters.removeFirst()
                    result.append("\(character)=")
                } else {
                    result.append(String(character))
                }
            default: word.append(character)
            }
        }
        flush()
        return result
    }
}

/// A field selector: `metadata.name=web,status.phase!=Running`.
struct FieldSelector: Sendable {
    struct Term: Sendable {
        var path: [String]
        var value: String
        var isEqual: Bool
    }

    var terms: [Term] = []

    static let everything = FieldSelector()

    init() {}

    init(parsing text: String) throws(APIStatus) {
        for part in text.split(separator: ",") {
            let term = String(part)
            let isEqual = !term.contains("!=")
            let pieces = term.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard pieces.count >= 2, let last = pieces.last else {
                throw .badRequest("invalid selector: '\(term)'; can't understand '\(term)'")
            }
            var key = pieces[0]
            if key.hasSuffix("!") { key.removeLast() }
            terms.append(Term(path: key.split(separator: ".").map(String.init), value: last, isEqual: isEqual))
        }
    }

    func matches(_ object: JSONValue) -> Bool {
        terms.allSatisfy { term in
            var value: JSONValue? = object
            for step in term.path { value = value?[step] }
            let text: String
            switch value {
            case .string(let string): text = string
            case .bool(let flag): text = flag ? "true" : "false"
            case .integer(let number): text = String(number)
            default: text = ""
            }
            return (text == term.value) == term.isEqual
        }
    }
}
