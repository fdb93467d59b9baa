/// A condition over an object's fields: `status.phase == "Ready" && status.replicas >= 2`.
///
/// Operands are field paths (`status.conditions[type=Ready].status` picks a list's entry by a field), strings in double or
/// single quotes, numbers, `true`, `false`, `null`. Operators are `== != < <= > >=`, `!`, `&&`, `||` and parentheses; `&&`
/// binds tighter than `||`. A field that is missing is `null`; `<` and its like hold only between two numbers or two
/// strings. A field by itself holds when it is there and not `false`.
public struct FieldExpression: Sendable, Hashable {
    /// The longest expression accepted, in characters.
    public static let maximumLength = 2000

    indirect enum Node: Sendable, Hashable {
        case literal(JSONValue)
        case field([Step])
        case not(Node)
        case and(Node, Node)
        case or(Node, Node)
        case compare(Node, Comparison, Node)
    }

    enum Step: Sendable, Hashable {
        case key(String)
        case index(Int)
        case first(key: String, value: String)
    }

    enum Comparison: String, Sendable, Hashable {
        case equal = "=="
        case notEqual = "!="
        case atMost = "<="
        case atLeast = ">="
        case less = "<"
        case greater = ">"
    }

    /// The expression as written.
    public let text: String
    private let root: Node

    /// Reads an expression.
    ///
    /// - Throws: ``KubernetesObjectError`` naming the column at fault.
    public init(parsing text: String) throws {
        self.text = text
        var parser = try FieldExpressionParser(text)
        self.root = try parser.parse()
    }

    /// A field that a condition looks at.
    public struct Use: Sendable, Hashable {
        /// The field as it is written.
        public var text: String
        /// Where it is, an entry that is picked by a field of its own being any of its list.
        public var path: FieldPath
        let steps: [Step]
    }

    /// The fields that it looks at, in the order written.
    public var fields: [Use] {
        var uses: [Use] = []
        func collect(_ node: Node) {
            switch node {
            case .literal: break
            case .field(let steps): uses.append(Use(steps))
            case .not(let inner): collect(inner)
            case .and(let left, let right), .or(let left, let right), .compare(let left, _, let right):
                collect(left)
                collect(right)
            }
        }
        collect(root)
        return uses
    }

    /// The fields that it looks at and that a value does not have, each once.
    public func missingFields(in value: JSONValue) -> [String] {
        var seen: Set<String> = []
        return fields.filter { FieldExpression.look($0.steps, value).isNull && seen.insert($0.text).inserted }.map(
            \.text)
    }

    /// Whether the condition holds for a value.
    public func holds(for value: JSONValue) -> Bool {
        FieldExpression.truth(FieldExpression.evaluate(root, value))
    }

    private static func truth(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false): false
        default: true
        }
    }

    private static func evaluate(_ node: Node, _ value: JSONValue) -> JSONValue {
        switch node {
        case .literal(let literal): return literal
        case .field(let steps): return look(steps, value)
        case .not(let inner): return .bool(!truth(evaluate(inner, value)))
        case .and(let left, let right):
            return .bool(truth(evaluate(left, value)) && truth(evaluate(right, value)))
        case .or(let left, let right):
            return .bool(truth(evaluate(left, value)) || truth(evaluate(right, value)))
        case .compare(let left, let comparison, let right):
            return .bool(compare(evaluate(left, value), comparison, evaluate(right, value)))
        }
    }

    private static func look(_ steps: [Step], _ value: JSONValue) -> JSONValue {
        var current = value
        for step in steps {
            let next: JSONValue?
            switch step {
            case .key(let key): next = current[key]
            case .index(let index): next = current[index]
            case .first(let key, let wanted):
                next = current.arrayValue?.first { $0[key]?.stringValue == wanted }
            }
            guard let next else { return .null }
            current = next
        }
        return current
    }

    private static func compare(_ left: JSONValue, _ comparison: Comparison, _ right: JSONValue) -> Bool {
        if comparison == .equal || comparison == .notEqual {
            let areEqual: Bool
            if let leftNumber = left.doubleValue, let rightNumber = right.doubleValue {
                areEqual = leftNumber == rightNumber
            } else {
                areEqual = left == right
            }
            return areEqual == (comparison == .equal)
        }
        if let leftNumber = left.doubleValue, let rightNumber = right.doubleValue {
            return ordered(leftNumber, comparison, rightNumber)
        }
        if let leftText = left.stringValue, let rightText = right.stringValue {
            return ordered(leftText, comparison, rightText)
        }
        return false
    }

    private static func ordered<Value: Comparable>(_ left: Value, _ comparison: Comparison, _ right: Value) -> Bool {
        switch comparison {
        case .less: left < right
        case .atMost: left <= right
        case .greater: left > right
        case .atLeast: left >= right
        case .equal: left == right
        case .notEqual: left != right
        }
    }
}

extension FieldExpression.Use {
    init(_ steps: [FieldExpression.Step]) {
        var text = ""
        var path = FieldPath.root
        for step in steps {
            switch step {
            case .key(let key):
                text += text.isEmpty ? key : ".\(key)"
                path = path.appending(key)
            case .index(let index):
                text += "[\(index)]"
                path = path.appending(index)
            case .first(let key, let value):
                text += "[\(key)=\(value)]"
                path = path.appending(0)
            }
        }
        self.init(text: text, path: path, steps: steps)
    }
}

extension FieldExpression: CustomStringConvertible {
    public var description: String { text }
}
