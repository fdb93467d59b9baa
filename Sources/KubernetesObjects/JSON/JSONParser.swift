/// What a JSON or YAML reader accepts of foreign input.
public struct ReadingLimits: Sendable, Hashable {
    /// The most bytes of one input.
    public var maximumBytes: Int
    /// The deepest nesting of arrays and objects.
    public var maximumDepth: Int
    /// The most values that one input may hold once YAML's aliases are expanded.
    public var maximumNodes: Int

    /// Creates limits; the defaults hold any object that etcd would (about 1.5 MB) and lists of them.
    public init(maximumBytes: Int = 64 << 20, maximumDepth: Int = 200, maximumNodes: Int = 4_000_000) {
        self.maximumBytes = maximumBytes
        self.maximumDepth = maximumDepth
        self.maximumNodes = maximumNodes
    }

    /// For the manifests of one release: 24 MiB, 100 levels, 2,000,000 values.
    public static let release = ReadingLimits(maximumBytes: 24 << 20, maximumDepth: 100, maximumNodes: 2_000_000)

    /// For documents written by people: 8 MiB, 100 levels, 200,000 values.
    public static let documents = ReadingLimits(maximumBytes: 8 << 20, maximumDepth: 100, maximumNodes: 200_000)
}

extension JSONValue {
    /// How the parser treats an object that names a key twice.
    public enum DuplicateKeys: Sendable {
        /// Refuse the input.
        case refuse
        /// Keep the last one, as most parsers do.
        case keepLast
    }

    /// Parses UTF-8 JSON text (RFC 8259), strictly.
    ///
    /// - Throws: ``KubernetesObjectError`` with line and column, counted from 1 (columns in bytes).
    public init(
        parsing bytes: some Sequence<UInt8>, duplicateKeys: DuplicateKeys = .refuse,
        limits: ReadingLimits = ReadingLimits()
    ) throws {
        let fast = try bytes.withContiguousStorageIfAvailable { buffer in
            try JSONParser.parse(buffer, duplicateKeys: duplicateKeys, limits: limits)
        }
        if let fast {
            self = fast
        } else {
            self = try Array(bytes).withUnsafeBufferPointer { buffer in
                try JSONParser.parse(buffer, duplicateKeys: duplicateKeys, limits: limits)
            }
        }
    }

    /// Parses JSON text.
    public init(
        parsing text: String, duplicateKeys: DuplicateKeys = .refuse, limits: ReadingLimits = ReadingLimits()
    ) throws {
        try self.init(parsing: text.utf8, duplicateKeys: duplicateKeys, limits: limits)
    }
}

/// A recursive-descent parser over bytes that stay where they are.
private struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let duplicateKeys: JSONValue.DuplicateKeys
    private let limits: ReadingLimits
    private var position = 0
    private var nodes = 0

    static func parse(
        _ bytes: UnsafeBufferPointer<UInt8>, duplicateKeys: JSONValue.DuplicateKeys, limits: ReadingLimits
    ) throws -> JSONValue {
        guard bytes.count <= limits.maximumBytes else {
            throw KubernetesObjectError(
                code: .limitExceeded,
                message: "JSON of \(bytes.count) bytes is larger than the \(limits.maximumBytes) allowed")
        }
        var parser = JSONParser(bytes: bytes, duplicateKeys: duplicateKeys, limits: limits)
        parser.skipSpace()
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.failure("expected the end of the text") }
        return value
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, duplicateKeys: JSONValue.DuplicateKeys, limits: ReadingLimits) {
        self.bytes = bytes
        self.duplicateKeys = duplicateKeys
        self.limits = limits
    }

    private func failure(
        _ what: String, at offset: Int? = nil, code: KubernetesObjectError.Code = .invalidJSON
    ) -> KubernetesObjectError {
        let end = min(offset ?? position, bytes.count)
        var line = 1
        var column = 1
        for index in 0..<end {
            if bytes[index] == 0x0A {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
        return KubernetesObjectError(code: code, message: "JSON line \(line), column \(column): \(what)")
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        nodes += 1
        guard nodes <= limits.maximumNodes else {
            throw failure("more than \(limits.maximumNodes) values", code: .limitExceeded)
        }
        switch current {
        case nil: throw failure("the text ends where a value should be")
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case .some(let byte) where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte): return try number()
        default: throw failure("expected a value")
        }
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws -> JSONValue {
        let count = text.utf8CodeUnitCount
        guard position + count <= bytes.count else { throw failure("expected \(text)") }
        for offset in 0..<count where bytes[position + offset] != text.utf8Start[offset] {
            throw failure("expected \(text)")
        }
        position += count
        return value
    }

    private func checkDepth(_ depth: Int) throws {
        guard depth <= limits.maximumDepth else {
            throw failure("nested deeper than \(limits.maximumDepth)", code: .limitExceeded)
        }
    }

    private mutating func object(depth: Int) throws -> JSONValue {
        try checkDepth(depth)
        position += 1
        var members: [String: JSONValue] = [:]
        skipSpace()
        if current == UInt8(ascii: "}") {
            position += 1
            return .object(members)
        }
        while true {
            guard current == UInt8(ascii: "\"") else { throw failure("expected a key in double quotes") }
            let start = position
            let key = try string()
            skipSpace()
            guard current == UInt8(ascii: ":") else { throw failure("expected : after a key") }
            position += 1
            skipSpace()
            let member = try value(depth: depth)
            if let index = members.index(forKey: key) {
                // A dictionary of Swift's takes both for one key, and would lose one of them without a word.
                guard members[index].key.isExactly(key) else {
                    throw failure(KubernetesObjectError.twoSpellings(key), at: start, code: .duplicateKey)
                }
                guard duplicateKeys == .keepLast else {
                    throw failure("key \"\(key)\" is there twice", at: start, code: .duplicateKey)
                }
            }
            members[key] = member
            skipSpace()
            switch current {
            case UInt8(ascii: ","):
                position += 1
                skipSpace()
            case UInt8(ascii: "}"):
                position += 1
                return .object(members)
            default:
                throw failure("expected , or } in an object")
            }
        }
    }

    private mutating func array(depth: Int) throws -> JSONValue {
        try checkDepth(depth)
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if current == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            elements.append(try value(depth: depth))
            skipSpace()
            switch current {
            case UInt8(ascii: ","):
                position += 1
                skipSpace()
            case UInt8(ascii: "]"):
                position += 1
                return .array(elements)
            default:
                throw failure("expected , or ] in an array")
            }
        }
    }

    private mutating func digits() throws {
        let start = position
        while let byte = current, byte >= 0x30, byte <= 0x39 { position += 1 }
        guard position > start else { throw failure("expected a digit") }
    }

    private mutating func number() throws -> JSONValue {
        let start = position
        var isInteger = true
        if current == UInt8(ascii: "-") { position += 1 }
        if current == UInt8(ascii: "0") {
            position += 1
            if let byte = current, byte >= 0x30, byte <= 0x39 { throw failure("a number must not begin with 0") }
        } else {
            try digits()
        }
        if current == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            throw failure("number \(text) is out of range", at: start)
        }
        return .number(number)
    }

    private mutating func string() throws -> String {
        let start = position
        position += 1
        let runStart = position
        // Most strings hold no escape: take them in one piece.
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = try validated(bytes[runStart..<position], at: start)
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { break }
            guard byte >= 0x20 else { throw failure("a control character in a string must be escaped") }
            position += 1
        }
        var buffer = Array(bytes[runStart..<position])
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return try validated(buffer[...], at: start)
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &buffer)
            case 0..<0x20:
                throw failure("a control character in a string must be escaped")
            default:
                buffer.append(byte)
                position += 1
            }
        }
        throw failure("the string is not closed", at: start)
    }

    private func validated(_ text: some Collection<UInt8>, at start: Int) throws -> String {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw failure("the string is not UTF-8", at: start)
        }
        return string
    }

    private mutating func escape(into buffer: inout [UInt8]) throws {
        guard let byte = current else { throw failure("the text ends inside an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0C)
        case UInt8(ascii: "n"): buffer.append(0x0A)
        case UInt8(ascii: "r"): buffer.append(0x0D)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try hexadecimal())
            if code >= 0xD800, code < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                let mark = position
                position += 2
                let low = UInt32(try hexadecimal())
                if low >= 0xDC00, low < 0xE000 {
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                } else {
                    position = mark
                }
            }
            // A lone surrogate has no UTF-8 form; Go writes the replacement character, and so does this.
            let scalar = Unicode.Scalar(code) ?? "\u{FFFD}"
            buffer.append(contentsOf: UTF8.encode(scalar)!)
        default:
            position -= 1
            throw failure("unknown escape")
        }
    }

    private mutating func hexadecimal() throws -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("expected four hexadecimal digits")
            }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }
}
