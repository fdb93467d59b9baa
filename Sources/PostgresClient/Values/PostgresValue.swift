public import FoundationEssentials

/// A parameter of a statement: a type and its value, or NULL.
///
/// ```swift
/// try await connection.query("SELECT name FROM clusters WHERE region = $1 AND weight > $2", [.text("us-east-1"), .int(3)])
/// ```
/// Literals work as well: `["us-east-1", 3, nil]`. A `nil` literal leaves the type to the server.
public struct PostgresValue: Sendable, Hashable {
    /// How a value's bytes are to be read.
    enum Format: Int32, Hashable {
        case text = 0
        case binary = 1
    }

    /// The type that is sent along.
    public let type: PostgresType
    /// The value's bytes; `nil` is NULL.
    let bytes: [UInt8]?
    let format: Format

    init(type: PostgresType, bytes: [UInt8]?, format: Format = .binary) {
        self.type = type
        self.bytes = bytes
        self.format = format
    }

    /// NULL of a type that the server infers.
    public static let null = PostgresValue(type: .inferred, bytes: nil)

    /// NULL of a given type.
    public static func null(of type: PostgresType) -> PostgresValue { PostgresValue(type: type, bytes: nil) }

    /// Any value that knows how to be encoded.
    public static func value<Value: PostgresEncodable>(_ value: Value) -> PostgresValue {
        PostgresValue(type: Value.postgresType, bytes: value.postgresBytes)
    }

    /// A text whose type the server infers: for enumerations, intervals and other types without a case here.
    public static func inferred(_ text: String?) -> PostgresValue {
        PostgresValue(type: .inferred, bytes: text.map { Array($0.utf8) }, format: .text)
    }

    /// A `bigint`.
    public static func int(_ value: Int?) -> PostgresValue { .value(value) }
    /// A `bigint`.
    public static func int64(_ value: Int64?) -> PostgresValue { .value(value) }
    /// An `integer`.
    public static func int32(_ value: Int32?) -> PostgresValue { .value(value) }
    /// A `smallint`.
    public static func int16(_ value: Int16?) -> PostgresValue { .value(value) }
    /// A `double precision`.
    public static func double(_ value: Double?) -> PostgresValue { .value(value) }
    /// A `boolean`.
    public static func bool(_ value: Bool?) -> PostgresValue { .value(value) }
    /// A `text`.
    public static func text(_ value: String?) -> PostgresValue { .value(value) }
    /// A `bytea`.
    public static func bytes(_ value: [UInt8]?) -> PostgresValue { PostgresValue(type: .bytea, bytes: value) }
    /// A `bytea`.
    public static func data(_ value: Data?) -> PostgresValue { .value(value) }
    /// A `uuid`.
    public static func uuid(_ value: UUID?) -> PostgresValue { .value(value) }
    /// A `jsonb` of a JSON text.
    public static func jsonb(_ text: String?) -> PostgresValue { .value(text.map { PostgresJSON($0) }) }
    /// A `jsonb` of a JSON text in UTF-8.
    public static func jsonb(_ utf8: [UInt8]?) -> PostgresValue {
        PostgresValue(type: .jsonb, bytes: utf8.map { [1] + $0 })
    }
    /// A `json` of a JSON text, kept as it is written.
    public static func json(_ text: String?) -> PostgresValue {
        PostgresValue(type: .json, bytes: text.map { Array($0.utf8) })
    }
    /// A `timestamp with time zone`.
    public static func timestamp(_ value: PostgresTimestamp?) -> PostgresValue { .value(value) }
    /// A `timestamp with time zone`, in microseconds since 1970.
    public static func timestamp(microseconds: Int64?) -> PostgresValue {
        .value(microseconds.map { PostgresTimestamp(microseconds: $0) })
    }
    /// A `timestamp with time zone`, in milliseconds since 1970.
    public static func timestamp(milliseconds: Int64?) -> PostgresValue {
        .value(milliseconds.map { PostgresTimestamp(milliseconds: $0) })
    }

    /// An array of any values that know how to be encoded; elements may be optional. Made for `UNNEST`.
    public static func array<Element: PostgresEncodable>(_ elements: [Element]) -> PostgresValue {
        let type = Element.postgresType
        return PostgresValue(
            type: PostgresType(oid: type.arrayOID),
            bytes: ArrayCoding.encode(elements.lazy.map(\.postgresBytes), count: elements.count, elementOID: type.oid))
    }

    /// A `bigint[]`.
    public static func ints(_ values: [Int]) -> PostgresValue { .array(values) }
    /// A `bigint[]`.
    public static func ints(_ values: [Int?]) -> PostgresValue { .array(values) }
    /// A `bigint[]`.
    public static func int64s(_ values: [Int64]) -> PostgresValue { .array(values) }
    /// A `bigint[]`.
    public static func int64s(_ values: [Int64?]) -> PostgresValue { .array(values) }
    /// An `integer[]`.
    public static func int32s(_ values: [Int32]) -> PostgresValue { .array(values) }
    /// A `double precision[]`.
    public static func doubles(_ values: [Double]) -> PostgresValue { .array(values) }
    /// A `double precision[]`.
    public static func doubles(_ values: [Double?]) -> PostgresValue { .array(values) }
    /// A `boolean[]`.
    public static func bools(_ values: [Bool]) -> PostgresValue { .array(values) }
    /// A `boolean[]`.
    public static func bools(_ values: [Bool?]) -> PostgresValue { .array(values) }
    /// A `text[]`.
    public static func texts(_ values: [String]) -> PostgresValue { .array(values) }
    /// A `text[]`.
    public static func texts(_ values: [String?]) -> PostgresValue { .array(values) }
    /// A `uuid[]`.
    public static func uuids(_ values: [UUID]) -> PostgresValue { .array(values) }
    /// A `uuid[]`.
    public static func uuids(_ values: [UUID?]) -> PostgresValue { .array(values) }
    /// A `jsonb[]` of JSON texts.
    public static func jsonbs(_ texts: [String?]) -> PostgresValue { .array(texts.map { $0.map { PostgresJSON($0) } }) }
    /// A `timestamptz[]`, in microseconds since 1970.
    public static func timestamps(microseconds: [Int64?]) -> PostgresValue {
        .array(microseconds.map { $0.map { PostgresTimestamp(microseconds: $0) } })
    }
    /// A `timestamptz[]`, in milliseconds since 1970.
    public static func timestamps(milliseconds: [Int64?]) -> PostgresValue {
        .array(milliseconds.map { $0.map { PostgresTimestamp(milliseconds: $0) } })
    }
    /// A `bytea[]`.
    public static func byteArrays(_ values: [[UInt8]]) -> PostgresValue { byteArrays(values.map { Optional($0) }) }
    /// A `bytea[]`.
    public static func byteArrays(_ values: [[UInt8]?]) -> PostgresValue {
        PostgresValue(
            type: PostgresType(oid: PostgresType.bytea.arrayOID),
            bytes: ArrayCoding.encode(values, count: values.count, elementOID: PostgresType.bytea.oid))
    }
}

extension PostgresValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByNilLiteral
{
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(stringLiteral value: String) { self = .text(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(nilLiteral: ()) { self = .null }
}

extension PostgresValue: CustomStringConvertible {
    /// The type and size alone: a parameter may be a secret.
    public var description: String {
        guard let bytes else { return "NULL::\(type)" }
        return "\(type) (\(bytes.count) bytes)"
    }
}
