public import FoundationEssentials

/// A value that can be read from a column of a result.
public protocol PostgresDecodable {
    /// Reads one cell. Errors name the column, its type and what was asked for.
    static func decode(_ cell: PostgresCell) throws -> Self
    /// Reads a cell that holds several of these. Only bytes need their own form: a `bytea` is no array.
    static func decodeArray(_ cell: PostgresCell) throws -> [Self]
}

extension PostgresDecodable {
    public static func decodeArray(_ cell: PostgresCell) throws -> [Self] {
        try cell.elements(as: Self.self).map { try Self.decode($0) }
    }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Self {
        let raw = try RawValue.decode(cell)
        guard let value = Self(rawValue: raw) else {
            throw cell.failure("holds \"\(raw)\", which is no \(Self.self)")
        }
        return value
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Wrapped? {
        cell.isNull ? nil : try Wrapped.decode(cell)
    }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> [Element] { try Element.decodeArray(cell) }
}

extension FixedWidthInteger {
    /// Any of the server's whole numbers, if it fits.
    static func decodeInteger(_ cell: PostgresCell) throws -> Self {
        let bytes = try cell.contents(as: Self.self)
        let wide: Int64
        switch cell.type {
        case .int2: wide = Int64(try cell.integer(Int16.self, bytes))
        case .int4: wide = Int64(try cell.integer(Int32.self, bytes))
        case .int8: wide = try cell.integer(Int64.self, bytes)
        case .oidType, .xid: wide = Int64(try cell.integer(UInt32.self, bytes))
        case .xid8:
            guard let value = Int64(exactly: try cell.integer(UInt64.self, bytes)) else {
                throw cell.failure("holds a number beyond \(Self.self)")
            }
            wide = value
        case .numeric:
            let text = try NumericCoding.decode(bytes, cell)
            guard let value = Int64(text) else { throw cell.failure("holds \(text), which is no \(Self.self)") }
            wide = value
        default: throw cell.mismatch(Self.self)
        }
        guard let value = Self(exactly: wide) else {
            throw cell.failure("holds \(wide), which is out of range for \(Self.self)")
        }
        return value
    }
}

extension Int: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Int { try decodeInteger(cell) }
}

extension Int64: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Int64 { try decodeInteger(cell) }
}

extension Int32: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Int32 { try decodeInteger(cell) }
}

extension Int16: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Int16 { try decodeInteger(cell) }
}

extension UInt64: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> UInt64 { try decodeInteger(cell) }
}

extension UInt32: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> UInt32 { try decodeInteger(cell) }
}

extension UInt8: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> UInt8 { try decodeInteger(cell) }

    /// A `bytea`, or the UTF-8 of a text or JSON document.
    public static func decodeArray(_ cell: PostgresCell) throws -> [UInt8] {
        let bytes = try cell.contents(as: [UInt8].self)
        switch cell.type {
        case .bytea, .text, .varchar, .json: return Array(bytes)
        case .jsonb: return Array(bytes.dropFirst())
        default: throw cell.mismatch([UInt8].self)
        }
    }
}

extension Double: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Double {
        let bytes = try cell.contents(as: Double.self)
        switch cell.type {
        case .float8: return Double(bitPattern: try cell.integer(UInt64.self, bytes))
        case .float4: return Double(Float(bitPattern: try cell.integer(UInt32.self, bytes)))
        case .int2, .int4, .int8: return Double(try Int64.decodeInteger(cell))
        case .numeric:
            let text = try NumericCoding.decode(bytes, cell)
            guard let value = Double(text) else { throw cell.failure("holds \(text), which is no Double") }
            return value
        default: throw cell.mismatch(Double.self)
        }
    }
}

extension Bool: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Bool {
        let bytes = try cell.contents(as: Bool.self)
        guard cell.type == .bool, bytes.count == 1 else { throw cell.mismatch(Bool.self) }
        return bytes.first != 0
    }
}

extension String: PostgresDecodable {
    /// A text, name, enumeration, JSON document, exact number or UUID.
    public static func decode(_ cell: PostgresCell) throws -> String {
        var bytes = try cell.contents(as: String.self)
        switch cell.type {
        case .text, .varchar, .bpchar, .name, .unknown, .json, .char: break
        case .jsonb: bytes = bytes.dropFirst()
        case .numeric: return try NumericCoding.decode(bytes, cell)
        case .uuid: return try UUID.decode(cell).uuidString.lowercased()
        // Enumerations, domains over text and the like have identifiers of the database's own.
        case let type where type.oid >= 16_384: break
        default: throw cell.mismatch(String.self)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw cell.failure("holds bytes that are no UTF-8")
        }
        return text
    }
}

extension Data: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Data { Data(try UInt8.decodeArray(cell)) }
}

extension UUID: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> UUID {
        let bytes = try cell.contents(as: UUID.self)
        guard cell.type == .uuid, bytes.count == 16 else { throw cell.mismatch(UUID.self) }
        var raw: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &raw) { $0.copyBytes(from: bytes) }
        return UUID(uuid: raw)
    }
}

extension PostgresJSON: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> PostgresJSON {
        guard cell.type == .jsonb || cell.type == .json else { throw cell.mismatch(PostgresJSON.self) }
        return PostgresJSON(try String.decode(cell))
    }
}

extension PostgresTimestamp: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> PostgresTimestamp {
        let bytes = try cell.contents(as: PostgresTimestamp.self)
        switch cell.type {
        case .timestamptz, .timestamp:
            let value = try cell.integer(Int64.self, bytes)
            guard value != .max, value != .min else { throw cell.failure("holds infinity, which is no moment") }
            return try moment(value, cell)
        case .date:
            let days = try cell.integer(Int32.self, bytes)
            guard days != .max, days != .min else { throw cell.failure("holds infinity, which is no moment") }
            let (value, overflow) = Int64(days).multipliedReportingOverflow(by: 86_400_000_000)
            guard !overflow else { throw cell.failure("holds a date beyond what microseconds can count") }
            return try moment(value, cell)
        default: throw cell.mismatch(PostgresTimestamp.self)
        }
    }
}

extension PostgresTimestamp {
    /// The moment so many microseconds after the server's epoch.
    private static func moment(_ value: Int64, _ cell: PostgresCell) throws -> PostgresTimestamp {
        let (microseconds, overflow) = value.addingReportingOverflow(serverEpoch)
        guard !overflow else { throw cell.failure("holds a moment beyond what microseconds can count") }
        return PostgresTimestamp(microseconds: microseconds)
    }
}

/// PostgreSQL's binary form of exact decimal numbers.
enum NumericCoding {
    /// The number as decimal digits.
    static func decode(_ bytes: ArraySlice<UInt8>, _ cell: PostgresCell) throws -> String {
        func short(_ index: Int) -> Int {
            let start = bytes.startIndex + index * 2
            return Int(Int16(bitPattern: UInt16(bytes[start]) << 8 | UInt16(bytes[start + 1])))
        }
        guard bytes.count >= 8, bytes.count == 8 + short(0) * 2 else { throw cell.failure("holds a malformed numeric") }
        let count = short(0)
        guard (0..<count).allSatisfy({ (0...9_999).contains(short(4 + $0)) }) else {
            throw cell.failure("holds a malformed numeric")
        }
        let weight = short(1)
        let scale = short(3)
        switch UInt16(truncatingIfNeeded: short(2)) {
        case 0xC000: return "NaN"
        case 0xD000: return "Infinity"
        case 0xF000: return "-Infinity"
        default: break
        }
        func digits(_ position: Int) -> String {
            let value = position >= 0 && position < count ? short(4 + position) : 0
            let text = String(value)
            return String(repeating: "0", count: 4 - text.count) + text
        }
        var whole = ""
        if weight >= 0 { for position in 0...weight { whole += digits(position) } }
        whole = String(whole.drop { $0 == "0" })
        var text = whole.isEmpty ? "0" : whole
        if scale > 0 {
            var fraction = ""
            var position = weight + 1
            while fraction.count < scale {
                fraction += digits(position)
                position += 1
            }
            text += "." + fraction.prefix(scale)
        }
        return (short(2) == 0x4000 ? "-" : "") + text
    }
}
