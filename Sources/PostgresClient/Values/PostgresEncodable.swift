public import FoundationEssentials

/// A value that can be a statement's parameter.
public protocol PostgresEncodable {
    /// The type that the value is sent as.
    static var postgresType: PostgresType { get }
    /// The value in PostgreSQL's binary format; `nil` is NULL.
    var postgresBytes: [UInt8]? { get }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    public static var postgresType: PostgresType { RawValue.postgresType }
    public var postgresBytes: [UInt8]? { rawValue.postgresBytes }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    public static var postgresType: PostgresType { Wrapped.postgresType }
    public var postgresBytes: [UInt8]? { self?.postgresBytes ?? nil }
}

extension FixedWidthInteger {
    /// The number's bytes, the most significant one first.
    var networkBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}

extension Int: PostgresEncodable {
    public static var postgresType: PostgresType { .int8 }
    public var postgresBytes: [UInt8]? { Int64(self).networkBytes }
}

extension Int64: PostgresEncodable {
    public static var postgresType: PostgresType { .int8 }
    public var postgresBytes: [UInt8]? { networkBytes }
}

extension Int32: PostgresEncodable {
    public static var postgresType: PostgresType { .int4 }
    public var postgresBytes: [UInt8]? { networkBytes }
}

extension Int16: PostgresEncodable {
    public static var postgresType: PostgresType { .int2 }
    public var postgresBytes: [UInt8]? { networkBytes }
}

extension Double: PostgresEncodable {
    public static var postgresType: PostgresType { .float8 }
    public var postgresBytes: [UInt8]? { bitPattern.networkBytes }
}

extension Bool: PostgresEncodable {
    public static var postgresType: PostgresType { .bool }
    public var postgresBytes: [UInt8]? { [self ? 1 : 0] }
}

extension String: PostgresEncodable {
    public static var postgresType: PostgresType { .text }
    public var postgresBytes: [UInt8]? { Array(utf8) }
}

extension Data: PostgresEncodable {
    public static var postgresType: PostgresType { .bytea }
    public var postgresBytes: [UInt8]? { Array(self) }
}

extension UUID: PostgresEncodable {
    public static var postgresType: PostgresType { .uuid }
    public var postgresBytes: [UInt8]? { withUnsafeBytes(of: uuid) { Array($0) } }
}

/// A JSON text that is stored as `jsonb`.
public struct PostgresJSON: Sendable, Hashable, PostgresEncodable {
    /// The JSON text. Read back from `jsonb` it is the server's spelling of the same document.
    public var text: String

    /// Wraps a JSON text; the server checks it.
    public init(_ text: String) { self.text = text }

    public static var postgresType: PostgresType { .jsonb }
    public var postgresBytes: [UInt8]? { [1] + Array(text.utf8) }
}

/// A moment, as `timestamp with time zone` keeps it: in microseconds.
public struct PostgresTimestamp: Sendable, Hashable, Comparable, PostgresEncodable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    public var microseconds: Int64

    /// A moment, in microseconds since 1970-01-01T00:00:00Z.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// A moment, in milliseconds since 1970-01-01T00:00:00Z.
    public init(milliseconds: Int64) { self.microseconds = milliseconds * 1000 }

    /// Whole milliseconds since 1970-01-01T00:00:00Z, rounded down.
    public var milliseconds: Int64 {
        microseconds >= 0 ? microseconds / 1000 : -((999 - microseconds) / 1000)
    }

    /// PostgreSQL counts from 2000-01-01.
    static let serverEpoch: Int64 = 946_684_800_000_000

    public static var postgresType: PostgresType { .timestamptz }
    public var postgresBytes: [UInt8]? { (microseconds - PostgresTimestamp.serverEpoch).networkBytes }

    public static func < (left: PostgresTimestamp, right: PostgresTimestamp) -> Bool {
        left.microseconds < right.microseconds
    }
}

/// PostgreSQL's binary form of one-dimensional arrays.
enum ArrayCoding {
    static func encode(_ elements: some Sequence<[UInt8]?>, count: Int, elementOID: UInt32) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(count * 12)
        var hasNull = false
        for element in elements {
            if let element {
                body += Int32(element.count).networkBytes
                body += element
            } else {
                hasNull = true
                body += Int32(-1).networkBytes
            }
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count + 20)
        bytes += Int32(count == 0 ? 0 : 1).networkBytes
        bytes += Int32(hasNull ? 1 : 0).networkBytes
        bytes += elementOID.networkBytes
        if count > 0 {
            bytes += Int32(count).networkBytes
            bytes += Int32(1).networkBytes
        }
        return bytes + body
    }
}
