internal import CLibpq

/// Copies what libpq holds into values.
enum ResultReading {
    /// libpq's message on one line.
    static func message(of handle: OpaquePointer) -> String {
        let text = trimmed(String(cString: PQerrorMessage(handle)))
        return text.isEmpty ? "the server closed the connection" : text
    }

    static func trimmed(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline)
            .map { line in String(line.drop(while: \.isWhitespace)) }
            .joined(separator: "; ")
    }

    private static func field(_ result: OpaquePointer, _ code: Character) -> String? {
        guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii)) else { return nil }
        return String(cString: text)
    }

    /// The error that a result is, if it is one.
    static func error(_ result: OpaquePointer) -> PostgresError? {
        let status = PQresultStatus(result)
        guard status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE else { return nil }
        // The letters are libpq's PG_DIAG_ codes.
        let message = field(result, "M") ?? trimmed(String(cString: PQresultErrorMessage(result)))
        var error = PostgresError(.server, message)
        error.sqlState = field(result, "C").map { SQLState(rawValue: $0) }
        error.detail = field(result, "D")
        error.hint = field(result, "H")
        error.schema = field(result, "s")
        error.table = field(result, "t")
        error.column = field(result, "c")
        error.constraint = field(result, "n")
        error.position = field(result, "P").flatMap { Int($0) }
        return error
    }

    /// The rows or the count that a successful result is.
    static func value(_ result: OpaquePointer, maximumBytes: Int) throws -> PostgresResult {
        let columnCount = PQnfields(result)
        let rowCount = PQntuples(result)
        var columns: [PostgresResult.Column] = []
        columns.reserveCapacity(Int(columnCount))
        for column in 0..<columnCount {
            let name = PQfname(result, column).map { String(cString: $0) } ?? ""
            columns.append(PostgresResult.Column(name: name, type: .withOID(PQftype(result, column))))
        }
        var size = 0
        for row in 0..<rowCount {
            for column in 0..<columnCount { size += Int(PQgetlength(result, row, column)) }
        }
        guard size <= maximumBytes else {
            throw PostgresError(
                .resultTooLarge,
                "the result has \(size) bytes in \(rowCount) rows, more than the limit of \(maximumBytes); ask for fewer rows"
            )
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        var ranges: [(start: Int, end: Int)] = []
        ranges.reserveCapacity(Int(rowCount) * Int(columnCount))
        for row in 0..<rowCount {
            for column in 0..<columnCount {
                guard PQgetisnull(result, row, column) == 0, let value = PQgetvalue(result, row, column) else {
                    ranges.append((-1, -1))
                    continue
                }
                let start = bytes.count
                let length = Int(PQgetlength(result, row, column))
                bytes.append(contentsOf: UnsafeRawBufferPointer(start: value, count: length))
                ranges.append((start, bytes.count))
            }
        }
        let command = PQcmdStatus(result).map { String(cString: $0) } ?? ""
        let affected = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
        return PostgresResult(
            columns: columns, command: command, affectedRows: affected, bytes: bytes, ranges: ranges,
            rowCount: Int(rowCount))
    }
}
