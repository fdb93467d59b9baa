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
        for (index, operation) in operations.enumerated() {
            do {
                try JSONPatch.apply(operation, to: &result)
            } catch let error as KubernetesObjectError {
                throw JSONPatch.failure("operation \(index): \(error.message)")
            }
        }
        return result
    }

    private static func apply(_ operation: Operation, to value: inout JSONValue) throws {
        switch operation {
        case .add(let path, let added):
            try change(&value, at: FieldPath.pointerTokens(path)[...], path, .add(added))
        case .remove(let path):
            try change(&value, at: FieldPath.pointerTokens(path)[...], path, .remove)
        case .replace(let path, let replacement):
            try change(&value, at: FieldPath.pointerTokens(path)[...], path, .replace(replacement))
        case .move(let from, let path):
            guard path != from else { return }
            guard !path.hasPrefix(from + "/") else { throw failure("\(from) cannot be moved into itself") }
            let moved = try lookUp(from, in: value)
            try change(&value, at: FieldPath.pointerTokens(from)[...], from, .remove)
            try change(&value, at: FieldPath.pointerTokens(path)[...], path, .add(moved))
        case .copy(let from, let path):
            let copied = try lookUp(from, in: value)
            try change(&value, at: FieldPath.pointerTokens(path)[...], path, .add(copied))
        case .test(let path, let expected):
            let found = try lookUp(path, in: value)
            guard found == expected else { throw failure("test failed: the value at \"\(path)\" is another one") }
        }
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
