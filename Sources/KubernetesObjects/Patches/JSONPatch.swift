/// A JSON patch (RFC 6902): operations applied one after another, all or none.
public struct JSONPatch: Sendable, Hashable {
    /// One operation. Paths are JSON pointers (RFC 6901).
    public enum Operation: Sendable, Hashable {
        /// Adds a member, or inserts an element (`-` is the end of an array).
        case add(path: String, value: JSONValue)
        /// Removes what must be there.
        case remove(path: String)
        /// Replaces what must be there.
        case replace(path: String, value: JSONValue)
        /// Moves a value.
        case move(from: String, path: String)
        /// Copies a value.
        case copy(from: String, path: String)
        /// Fails the patch unless the value is equal.
        case test(path: String, value: JSONValue)
    }

    /// The most operations that a patch may have; the API server's own limit.
    public static let maximumOperations = 10_000

    /// The most that a patch may copy and move together, in bytes of text and one for each value: copies of copies double
    /// with each operation. API servers have such a limit too.
    public static let maximumCopied = 64 << 20

    /// The deepest nesting that a patch may make, which is the deepest that a parser reads.
    public static let maximumDepth = ReadingLimits().maximumDepth

    /// The operations in order.
    public var operations: [Operation]

    /// Creates a patch.
    public init(_ operations: [Operation]) {
        self.operations = operations
    }

    /// Reads a patch in its JSON form.
    ///
    /// - Throws: ``KubernetesObjectError`` naming the operation at fault.
    public init(json: JSONValue) throws {
        guard let elements = json.arrayValue else {
            throw JSONPatch.failure("a JSON patch is an array of operations, not \(json.typeName)")
        }
        guard elements.count <= JSONPatch.maximumOperations else {
            throw JSONPatch.failure(
                "the patch has \(elements.count) operations; \(JSONPatch.maximumOperations) are allowed")
        }
        self.operations = try elements.enumerated().map { index, element in
            func text(_ key: String) throws -> String {
                guard let value = element[key]?.stringValue else {
                    throw JSONPatch.failure("operation \(index): \(key) must be a string")
                }
                return value
            }
            func value() throws -> JSONValue {
                guard let value = element["value"] else {
                    throw JSONPatch.failure("operation \(index): value is missing")
                }
                return value
            }
            switch try text("op") {
            case "add": return .add(path: try text("path"), value: try value())
            case "remove": return .remove(path: try text("path"))
            case "replace": return .replace(path: try text("path"), value: try value())
            case "move": return .move(from: try text("from"), path: try text("path"))
            case "copy": return .copy(from: try text("from"), path: try text("path"))
            case "test": return .test(path: try text("path"), value: try value())
            case let other:
                throw JSONPatch.failure(
                    "operation \(index): op \"\(other)\" is none of add, remove, replace, move, copy, test")
            }
        }
    }

    /// The patch in its JSON form.
    public var json: JSONValue {
        .array(
            operations.map { operation in
                switch operation {
                case .add(let path, let value): ["op": "add", "path": .string(path), "value": value]
                case .remove(let path): ["op": "remove", "path": .string(path)]
                case .replace(let path, let value): ["op": "replace", "path": .string(path), "value": value]
                case .move(let from, let path): ["op": "move", "from": .string(from), "path": .string(path)]
                case .copy(let from, let path): ["op": "copy", "from": .string(from), "path": .string(path)]
                case .test(let path, let value): ["op": "test", "path": .string(path), "value": value]
                }
            })
    }

    /// The value that the patch makes of another one.
    ///
    /// - Throws: ``KubernetesObjectError`` naming the operation and the path that it failed at.
    public func apply(to value: JSONValue) throws -> JSONValue {
        var result = value
        var copied = 0
        for (index, operation) in operations.enumerated() {
            do {
                try JSONPatch.apply(operation, to: &result, copied: &copied)
            } catch let error as KubernetesObjectError {
                throw JSONPatch.failure("operation \(index): \(error.message)")
            }
        }
        return result
    }

    private static func apply(_ operation: Operation, to value: inout JSONValue, copied: inout Int) throws {
        switch operation {
        case .add(let path, let added):
            try add(added, to: &value, at: path)
        case .remove(let path):
            try change(&value, at: FieldPath.pointerTokens(path)[...], path, .remove)
        case .replace(let path, let replacement):
            let tokens = try FieldPath.pointerTokens(path)
            try checkDepth(tokens.count + extent(of: replacement).depth)
            try change(&value, at: tokens[...], path, .replace(replacement))
        case .move(let from, let path):
            guard path != from else { return }
            guard !path.hasPrefix(from + "/") else { throw failure("\(from) cannot be moved into itself") }
            let moved = try lookUp(from, in: value)
            try change(&value, at: FieldPath.pointerTokens(from)[...], from, .remove)
            copied += try add(moved, to: &value, at: path, within: maximumCopied - copied)
        case .copy(let from, let path):
            let original = try lookUp(from, in: value)
            copied += try add(original, to: &value, at: path, within: maximumCopied - copied)
        case .test(let path, let expected):
            let found = try lookUp(path, in: value)
            guard found == expected else { throw failure("test failed: the value at \"\(path)\" is another one") }
        }
    }

    /// Adds a value and returns its size.
    @discardableResult
    private static func add(
        _ added: JSONValue, to value: inout JSONValue, at path: String, within limit: Int = .max
    ) throws -> Int {
        let tokens = try FieldPath.pointerTokens(path)
        let extent = extent(of: added)
        try checkDepth(tokens.count + extent.depth)
        guard extent.size <= limit else {
            throw failure("the patch copies and moves more than the \(maximumCopied) bytes allowed")
        }
        try change(&value, at: tokens[...], path, .add(added))
        return extent.size
    }

    private static func checkDepth(_ depth: Int) throws {
        guard depth <= maximumDepth else { throw failure("the value would be nested deeper than \(maximumDepth)") }
    }

    /// How much a value holds, and how deep it is.
    private static func extent(of value: JSONValue) -> (size: Int, depth: Int) {
        var size = 1
        var depth = 0
        func take(_ child: JSONValue) {
            let inner = extent(of: child)
            size += inner.size
            depth = max(depth, inner.depth)
        }
        switch value {
        case .string(let text): return (1 + text.utf8.count, 0)
        case .array(let elements): for element in elements { take(element) }
        case .object(let members):
            for (key, member) in members {
                size += key.utf8.count
                take(member)
            }
        default: return (1, 0)
        }
        return (size, depth + 1)
    }

    private enum Change {
        case add(JSONValue)
        case remove
        case replace(JSONValue)
    }

    private static func lookUp(_ path: String, in value: JSONValue) throws -> JSONValue {
        var current = value
        for token in try FieldPath.pointerTokens(path) {
            let next: JSONValue?
            if case .array(let elements) = current {
                next = try current[index(token, count: elements.count, path)]
            } else {
                next = current[token]
            }
            guard let next else { throw failure("there is no value at \"\(path)\"") }
            current = next
        }
        return current
    }

    private static func index(_ token: String, count: Int, _ path: String) throws -> Int {
        guard let index = Int(token), String(index) == token, index >= 0 else {
            throw failure("\"\(token)\" in \"\(path)\" is no array index")
        }
        guard index < count else {
            throw failure("index \(index) in \"\(path)\" is outside of the array of \(count)")
        }
        return index
    }

    private static func change(
        _ value: inout JSONValue, at tokens: ArraySlice<String>, _ path: String, _ change: Change
    ) throws {
        guard let token = tokens.first else {
            switch change {
            case .add(let new), .replace(let new): value = new
            case .remove: value = .null
            }
            return
        }
        let rest = tokens.dropFirst()
        switch value {
        case .object(var members):
            if rest.isEmpty {
                switch change {
                case .add(let new): members[token] = new
                case .replace(let new):
                    guard members[token] != nil else { throw failure("there is no value at \"\(path)\" to replace") }
                    members[token] = new
                case .remove:
                    guard members.removeValue(forKey: token) != nil else {
                        throw failure("there is no value at \"\(path)\" to remove")
                    }
                }
            } else {
                guard var child = members[token] else {
                    throw failure("\"\(path)\" leads through \(token), which is missing")
                }
                try self.change(&child, at: rest, path, change)
                members[token] = child
            }
            value = .object(members)
        case .array(var elements):
            if rest.isEmpty {
                switch change {
                case .add(let new):
                    let position = token == "-" ? elements.count : try index(token, count: elements.count + 1, path)
                    elements.insert(new, at: position)
                case .replace(let new): elements[try index(token, count: elements.count, path)] = new
                case .remove: elements.remove(at: try index(token, count: elements.count, path))
                }
            } else {
                try self.change(&elements[try index(token, count: elements.count, path)], at: rest, path, change)
            }
            value = .array(elements)
        default:
            throw failure("\"\(path)\" leads through \(value.typeName)")
        }
    }

    private static func failure(_ message: String) -> KubernetesObjectError {
        KubernetesObjectError(code: .patchFailed, message: message)
    }
}
