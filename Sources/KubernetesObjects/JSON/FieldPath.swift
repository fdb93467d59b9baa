/// A path to a value inside another one: `spec.template.spec.containers[0].image`.
public struct FieldPath: Sendable, Hashable {
    /// One step of a path.
    public enum Component: Sendable, Hashable {
        /// Into a member of an object.
        case key(String)
        /// Into an element of an array, counted from 0.
        case index(Int)

        /// Keys by their bytes, as members are found.
        public static func == (left: Self, right: Self) -> Bool {
            switch (left, right) {
            case (.key(let left), .key(let right)): left.isExactly(right)
            case (.index(let left), .index(let right)): left == right
            default: false
            }
        }
    }

    /// The steps, from the outside in. Empty is the value itself.
    public var components: [Component]

    /// The value itself.
    public static let root = FieldPath([])

    /// Creates a path from its steps.
    public init(_ components: [Component]) {
        self.components = components
    }

    /// This path with one more key.
    public func appending(_ key: String) -> FieldPath {
        FieldPath(components + [.key(key)])
    }

    /// This path with one more index.
    public func appending(_ index: Int) -> FieldPath {
        FieldPath(components + [.index(index)])
    }

    /// Reads a dotted path: `spec.ports[0].port`, `metadata.annotations["example.com/key"]`; a leading dot is allowed.
    ///
    /// A text that begins with `/` is read as a JSON pointer (RFC 6901); its numbers are then keys *or* indices, and are
    /// taken as indices.
    ///
    /// - Throws: ``KubernetesObjectError`` naming the column at fault.
    public init(parsing text: String) throws {
        // By scalars, not characters: a mark that joins what stands before it must not hide a dot or a slash.
        let scalars = Array(text.unicodeScalars)
        if scalars.first == "/" {
            self.components = try FieldPath.pointerTokens(text).map { token in
                if let index = Int(token), String(index) == token, index >= 0 { return .index(index) }
                return .key(token)
            }
            return
        }
        var components: [Component] = []
        var position = 0
        func failure(_ what: String) -> KubernetesObjectError {
            KubernetesObjectError(
                code: .invalidPath, message: "path \"\(text)\", column \(position + 1): \(what)")
        }
        if scalars.first == "." { position = 1 }
        while position < scalars.count {
            if scalars[position] == "[" {
                position += 1
                if position < scalars.count, scalars[position] == "\"" || scalars[position] == "'" {
                    let quote = scalars[position]
                    let start = position + 1
                    guard let end = scalars[start...].firstIndex(of: quote) else {
                        throw failure("the quote is not closed")
                    }
                    components.append(.key(FieldPath.text(scalars[start..<end])))
                    position = end + 1
                } else {
                    let end = scalars[position...].firstIndex(of: "]") ?? scalars.endIndex
                    guard let index = Int(FieldPath.text(scalars[position..<end])), index >= 0 else {
                        throw failure("expected an index or a quoted key in brackets")
                    }
                    components.append(.index(index))
                    position = end
                }
                guard position < scalars.count, scalars[position] == "]" else { throw failure("expected ]") }
                position += 1
            } else {
                let start = position
                while position < scalars.count, scalars[position] != ".", scalars[position] != "[" {
                    position += 1
                }
                guard start < position else { throw failure("expected a field name") }
                components.append(.key(FieldPath.text(scalars[start..<position])))
            }
            if position < scalars.count, scalars[position] == "." {
                position += 1
                guard position < scalars.count else { throw failure("expected a field name after the dot") }
            }
        }
        self.components = components
    }

    private static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        return text
    }

    /// The unescaped tokens of a JSON pointer (RFC 6901).
    static func pointerTokens(_ text: String) throws -> [String] {
        if text.isEmpty { return [] }
        guard text.unicodeScalars.first == "/" else {
            throw KubernetesObjectError(
                code: .invalidPath, message: "JSON pointer \"\(text)\" must be empty or begin with /")
        }
        let tokens = text.unicodeScalars.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        return try tokens.map { token in
            var result = String.UnicodeScalarView()
            var escaped = false
            for scalar in token {
                if escaped {
                    switch scalar {
                    case "0": result.append("~")
                    case "1": result.append("/")
                    default:
                        throw KubernetesObjectError(
                            code: .invalidPath,
                            message: "JSON pointer \"\(text)\": ~\(scalar) is no escape; ~0 and ~1 are")
                    }
                    escaped = false
                } else if scalar == "~" {
                    escaped = true
                } else {
                    result.append(scalar)
                }
            }
            guard !escaped else {
                throw KubernetesObjectError(
                    code: .invalidPath, message: "JSON pointer \"\(text)\": ~ at the end of a token; write ~0")
            }
            return String(result)
        }
    }
}

extension FieldPath: CustomStringConvertible {
    /// The dotted form that ``init(parsing:)`` reads, but for keys with both kinds of quotes in them; `.` for the value
    /// itself.
    public var description: String {
        if components.isEmpty { return "." }
        var result = ""
        for component in components {
            switch component {
            case .index(let index):
                result += "[\(index)]"
            case .key(let key):
                let plain = !key.isEmpty && key.utf8.allSatisfy { $0 != 0x2E && $0 != 0x5B && $0 != 0x2F && $0 > 0x20 }
                if plain {
                    result += result.isEmpty ? key : ".\(key)"
                } else {
                    let quote = key.utf8.contains(UInt8(ascii: "\"")) ? "'" : "\""
                    result += "[\(quote)\(key)\(quote)]"
                }
            }
        }
        return result
    }
}

extension FieldPath: ExpressibleByArrayLiteral {
    /// A path of keys.
    public init(arrayLiteral elements: String...) {
        self.init(elements.map(Component.key))
    }
}
