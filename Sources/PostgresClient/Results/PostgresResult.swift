/// What a statement answered: rows, or the number of rows it touched.
public struct PostgresResult: Sendable {
    /// A column of a result.
    public struct Column: Sendable, Hashable {
        /// The column's name.
        public let name: String
        /// The column's type.
        public let type: PostgresType
    }

    /// The columns, in order.
    public let columns: [Column]
    /// The server's name for what it did, such as `INSERT 0 3`.
    public let command: String
    /// How many rows were inserted, updated, deleted, or returned.
    public let affectedRows: Int

    /// All values one after another.
    let bytes: [UInt8]
    /// Where each value starts and ends, row by row; a start below zero is NULL.
    let ranges: [(start: Int, end: Int)]
    let rowCount: Int

    init(
        columns: [Column] = [], command: String = "", affectedRows: Int = 0, bytes: [UInt8] = [],
        ranges: [(start: Int, end: Int)] = [], rowCount: Int = 0
    ) {
        self.columns = columns
        self.command = command
        self.affectedRows = affectedRows
        self.bytes = bytes
        self.ranges = ranges
        self.rowCount = rowCount
    }

    /// The only row; an error if there are none or several.
    public func single() throws -> PostgresRow {
        guard rowCount == 1 else {
            throw PostgresError(
                .unexpectedRowCount, "the statement returned \(rowCount) rows where exactly one was expected")
        }
        return self[0]
    }

    /// The first column of the only row.
    public func scalar<Value: PostgresDecodable>(_ type: Value.Type = Value.self) throws -> Value {
        try single().decode(type, at: 0)
    }

    /// The first column of every row.
    public func scalars<Value: PostgresDecodable>(_ type: Value.Type = Value.self) throws -> [Value] {
        try map { try $0.decode(type, at: 0) }
    }
}

extension PostgresResult: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { rowCount }
    public subscript(position: Int) -> PostgresRow {
        precondition(position >= 0 && position < rowCount, "row \(position) of \(rowCount)")
        return PostgresRow(result: self, index: position)
    }
}

/// One row of a result.
public struct PostgresRow: Sendable {
    let result: PostgresResult
    let index: Int

    /// The row's columns.
    public var columns: [PostgresResult.Column] { result.columns }

    /// The cell of a column; an error if the result has none of that name.
    public func cell(_ name: String) throws -> PostgresCell {
        guard let position = result.columns.firstIndex(where: { $0.name == name }) else {
            let names = result.columns.map(\.name).joined(separator: ", ")
            throw PostgresError(.decoding, "there is no column \"\(name)\" in the result; it has: \(names)")
        }
        return try cell(position)
    }

    /// The cell at a position from 0.
    public func cell(_ position: Int) throws -> PostgresCell {
        guard result.columns.indices.contains(position) else {
            throw PostgresError(
                .decoding,
                "there is no column \(position) in the result; it has \(result.columns.count), counted from 0")
        }
        let column = result.columns[position]
        let range = result.ranges[index * result.columns.count + position]
        return PostgresCell(
            column: column.name, type: column.type, bytes: range.start < 0 ? nil : result.bytes[range.start..<range.end]
        )
    }

    /// The value of a column by its name: `row.decode(Int64.self, at: "generation")`.
    public func decode<Value: PostgresDecodable>(_ type: Value.Type = Value.self, at name: String) throws -> Value {
        try Value.decode(try cell(name))
    }

    /// The value of a column by its position from 0.
    public func decode<Value: PostgresDecodable>(_ type: Value.Type = Value.self, at position: Int) throws -> Value {
        try Value.decode(try cell(position))
    }

    /// The first columns in order: `let (name, weight) = try row.decode(String.self, Int.self)`.
    public func decode<each Value: PostgresDecodable>(_ types: repeat (each Value).Type) throws -> (repeat each Value) {
        var position = 0
        func next<Wanted: PostgresDecodable>(_ type: Wanted.Type) throws -> Wanted {
            defer { position += 1 }
            return try decode(type, at: position)
        }
        return (repeat try next(each types))
    }
}
