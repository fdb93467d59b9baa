/// Conversions between the language's types, and `type()`.
extension FunctionLibrary {
    static let conversions: [String: [FunctionOverload]] = [
        "type": [function([anyA], .type) { arguments in .type(arguments[0].typeName) }],
        "dyn": [function([anyA], .dyn) { arguments in arguments[0] }],
        "int": conversion(from: [.int, .uint, .double, .string, .timestamp, .duration], to: .int) {
            value throws(ExpressionError) in
            switch value {
            case .int: return value
            case .uint(let number):
                guard let result = Int64(exactly: number) else { throw .integerOverflow }
                return .int(result)
            case .double(let number):
                guard number > -0x1p63, number < 0x1p63 else { throw .integerOverflow }
                return .int(Int64(number.rounded(.towardZero)))
            case .string(let text):
                guard let result = Int64(text) else { throw .conversion(from: "string", to: "int") }
                return .int(result)
            case .timestamp(let time): return .int(time.seconds)
            case .duration(let nanoseconds): return .int(nanoseconds)
            default: throw .noSuchOverload
            }
        },
        "uint": conversion(from: [.uint, .int, .double, .string], to: .uint) { value throws(ExpressionError) in
            switch value {
            case .uint: return value
            case .int(let number):
                guard let result = UInt64(exactly: number) else { throw .unsignedOverflow }
                return .uint(result)
            case .double(let number):
                guard number >= 0, number < 0x1p64 else { throw .unsignedOverflow }
                return .uint(UInt64(number.rounded(.towardZero)))
            case .string(let text):
                guard let result = UInt64(text), text.first != "+" else {
                    throw .conversion(from: "string", to: "uint")
                }
                return .uint(result)
            default: throw .noSuchOverload
            }
        },
        "double": conversion(from: [.double, .int, .uint, .string], to: .double) { value throws(ExpressionError) in
            switch value {
            case .double: return value
            case .int(let number): return .double(Double(number))
            case .uint(let number): return .double(Double(number))
            case .string(let text):
                guard let result = Double(text) else { throw .conversion(from: "string", to: "double") }
                return .double(result)
            default: throw .noSuchOverload
            }
        },
        "bool": conversion(from: [.bool, .string], to: .bool) { value throws(ExpressionError) in
            switch value {
            case .bool: return value
            case .string(let text):
                if ["1", "t", "T", "true", "TRUE", "True"].contains(text) { return .bool(true) }
                if ["0", "f", "F", "false", "FALSE", "False"].contains(text) { return .bool(false) }
                throw .conversion(from: "string", to: "bool")
            default: throw .noSuchOverload
            }
        },
        "bytes": conversion(from: [.bytes, .string], to: .bytes) { value throws(ExpressionError) in
            switch value {
            case .bytes: return value
            case .string(let text): return .bytes(Array(text.utf8))
            default: throw .noSuchOverload
            }
        },
        "string": conversion(
            from: [.string, .bool, .int, .uint, .double, .bytes, .timestamp, .duration, .ip, .cidr], to: .string
        ) { value throws(ExpressionError) in
            if case .bytes(let bytes) = value {
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw .evaluation("invalid UTF-8 in bytes, cannot convert to string")
                }
                return .string(text)
            }
            return .string(value.plainText)
        },
    ]

    static func conversion(
        from types: [ExpressionType], to result: ExpressionType,
        _ convert: @escaping @Sendable (ExpressionValue) throws(ExpressionError) -> ExpressionValue
    ) -> [FunctionOverload] {
        types.map { type in
            function([type], result) { arguments throws(ExpressionError) in try convert(arguments[0]) }
        }
    }
}

extension ExpressionValue {
    /// The value as a text, where it can be converted to one, or as errors and `format` print it.
    var plainText: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return String(value)
        case .int(let value): return String(value)
        case .uint(let value): return String(value)
        case .double(let value):
            if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
            guard value.isFinite else { return "NaN" }
            return Int64(exactly: value).flatMap { abs(value) < 1e15 ? String($0) : nil } ?? "\(value)"
        case .string(let value): return value
        case .bytes(let value): return String(decoding: value, as: UTF8.self)
        case .timestamp(let time): return time.text
        case .duration(let nanoseconds): return ExpressionTime.durationText(nanoseconds)
        case .type(let name): return name
        case .list(let list): return "[" + list.elements.map(\.plainText).joined(separator: ", ") + "]"
        case .map(let entries):
            let texts = entries.keys.sorted().map { "\($0.value.plainText): \(entries[$0]?.plainText ?? "")" }
            return "{" + texts.joined(separator: ", ") + "}"
        case .optional(let inner): return inner.map { "optional(\($0.plainText))" } ?? "optional.none()"
        case .quantity(let quantity): return "\(quantity.amount)"
        case .url(let locator): return locator.text
        case .address(let address): return address.text
        case .network(let network): return network.text
        case .namedFormat(let name): return name
        }
    }
}
