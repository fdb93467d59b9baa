/// One value of a result, with what its column is called.
public struct PostgresCell: Sendable {
    /// The column's name; an element of an array has the array's.
    public let column: String
    /// The value's type.
    public let type: PostgresType
    /// The value's bytes in the server's binary format; `nil` is NULL.
    public let bytes: ArraySlice<UInt8>?

    init(column: String, type: PostgresType, bytes: ArraySlice<UInt8>?) {
        self.column = column
        self.type = type
        self.bytes = bytes
    }

    /// Whether the value is NULL.
    public var isNull: Bool { bytes == nil }

    /// The bytes of a value that must not be NULL.
    func contents<Wanted>(as wanted: Wanted.Type) throws -> ArraySlice<UInt8> {
        guard let bytes else { throw failure("is NULL, which \(wanted) cannot hold; decode \(wanted)? instead") }
        return bytes
    }

    /// A big-endian number that fills the bytes exactly.
    func integer<Number: FixedWidthInteger>(_: Number.Type, _ bytes: ArraySlice<UInt8>) throws -> Number {
        guard bytes.count == Number.bitWidth / 8 else {
            throw failure("holds \(bytes.count) bytes, which is no \(type)")
        }
        var value: Number = 0
        for byte in bytes { value = value << 8 | Number(truncatingIfNeeded: byte) }
        return value
    }

    /// The elements of a one-dimensional array.
    func elements<Wanted>(as wanted: Wanted.Type) throws -> [PostgresCell] {
        let bytes = try contents(as: [Wanted].self)
        var position = bytes.startIndex
        func next(_ count: Int) throws -> ArraySlice<UInt8> {
            guard count >= 0, bytes.endIndex - position >= count else { throw failure("holds a malformed array") }
            defer { position += count }
            return bytes[position..<(position + count)]
        }
        func nextInt() throws -> Int { Int(try integer(Int32.self, try next(4))) }
        guard type.description.hasSuffix("[]") || type.oid >= 16_384 else { throw mismatch([Wanted].self) }
        let dimensions = try nextInt()
        _ = try nextInt()
        let element = PostgresType.withOID(UInt32(truncatingIfNeeded: try nextInt()))
        if dimensions == 0 { return [] }
        guard dimensions == 1 else {
            throw failure("holds an array of \(dimensions) dimensions; only one is supported")
        }
        let count = try nextInt()
        _ = try nextInt()
        guard count >= 0, count <= bytes.count else { throw failure("holds a malformed array") }
        var cells: [PostgresCell] = []
        cells.reserveCapacity(count)
        for _ in 0..<count {
            let length = try nextInt()
            cells.append(PostgresCell(column: column, type: element, bytes: length < 0 ? nil : try next(length)))
        }
        return cells
    }

    /// The error for a column that holds another type than was asked for.
    func mismatch<Wanted>(_ wanted: Wanted.Type) -> PostgresError {
        failure("is \(type), which cannot be read as \(wanted)")
    }

    /// An error about this column.
    func failure(_ problem: String) -> PostgresError { PostgresError(.decoding, "column \"\(column)\" \(problem)") }
}
