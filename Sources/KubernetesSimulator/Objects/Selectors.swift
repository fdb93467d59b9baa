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
                    var isClosed = false
                    while !isClosed {
                        guard let next = tokens.popFirst() else { throw bad(nil, "',' or ')'") }
                        isClosed = next == ")"
                        guard !isClosed, next != "," else { continue }
                        guard isIdentifier(next) else { throw bad(next, "identifier") }
                        values.insert(next)
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
