internal import CLibpq
internal import Glibc

extension LibpqSession {
    /// Runs statements of the simple protocol, several in one text. Returns what the last one says it did.
    func runScript(_ sql: String, _ operation: Operation) throws -> String {
        try checkWanted(operation)
        let handle = try open()
        guard !isCopying else { throw PostgresError(.connectionBusy, "a COPY is under way on this connection") }
        guard PQsendQuery(handle, sql) == 1 else { throw lost() }
        var command = ""
        try collect(operation, sql: sql) { result in
            if let status = PQcmdStatus(result) { command = String(cString: status) }
        }
        return command
    }

    /// Starts a COPY FROM STDIN.
    func beginCopy(_ sql: String, _ operation: Operation) throws {
        try checkWanted(operation)
        let handle = try open()
        guard !isCopying else { throw PostgresError(.connectionBusy, "a COPY is under way on this connection") }
        guard PQsendQuery(handle, sql) == 1 else { throw lost() }
        do {
            try collect(operation, sql: sql) { _ in }
        } catch is CopyStarted {
            setCopying(true)
            return
        }
        throw PostgresError(.unsupportedStatement, "this is no COPY … FROM STDIN").during(sql)
    }

    /// Sends a part of a COPY. libpq's buffer is emptied before more is taken, so memory stays bounded.
    func putCopy(_ bytes: some Collection<UInt8>, _ operation: Operation) throws {
        let handle = try open()
        guard isCopying else { throw PostgresError(.transactionMisuse, "no COPY is under way on this connection") }
        let array = Array(bytes)
        let status = array.withUnsafeBytes { buffer in
            PQputCopyData(handle, buffer.bindMemory(to: CChar.self).baseAddress, Int32(buffer.count))
        }
        guard status == 1 else { throw lost() }
        // An interrupted COPY is not cancelled but ended with a failure, by its caller.
        while true {
            let flushed = PQflush(handle)
            if flushed == 0 { return }
            guard flushed == 1 else { throw lost() }
            if let reason = operation.reasonToStop(closing: closing) { throw operation.error(for: reason) }
            if wakeup.wait(alsoFor: (PQsocket(handle), Int16(POLLIN | POLLOUT)), until: operation.deadline) {
                guard PQconsumeInput(handle) != 0 else { throw lost() }
            }
        }
    }

    /// Ends a COPY. Returns the number of rows; with a failure the server drops them all.
    func endCopy(failure: String?, sql: String, _ operation: Operation) throws -> Int {
        let handle = try open()
        setCopying(false)
        let status = failure.map { PQputCopyEnd(handle, $0) } ?? PQputCopyEnd(handle, nil)
        guard status == 1 else { throw lost() }
        var rows = 0
        try collect(operation, sql: sql) { result in
            if let count = PQcmdTuples(result) { rows = Int(String(cString: count)) ?? 0 }
        }
        return rows
    }

    private struct CopyStarted: Error {}

    /// Reads the results of one simple query to their end.
    private func collect(_ operation: Operation, sql: String, _ use: (OpaquePointer) -> Void) throws {
        let handle = try open()
        var firstError: PostgresError?
        let interruption = try drive(operation) {
            while PQisBusy(handle) == 0 {
                guard let result = PQgetResult(handle) else {
                    guard PQstatus(handle) == CONNECTION_OK else { throw lost() }
                    return true
                }
                defer { PQclear(result) }
                switch PQresultStatus(result) {
                case PGRES_COPY_IN: throw CopyStarted()
                case PGRES_COPY_OUT, PGRES_COPY_BOTH:
                    _ = lost("a COPY TO was sent as a script")
                    throw PostgresError(.unsupportedStatement, "COPY TO is not supported; the connection was closed")
                default: break
                }
                if let error = ResultReading.error(result) {
                    guard PQstatus(handle) == CONNECTION_OK else { throw lost(error.message, sqlState: error.sqlState) }
                    if firstError == nil { firstError = error.during(sql) }
                } else {
                    use(result)
                }
            }
            return false
        }
        dropNotifications()
        guard var error = firstError else { return }
        if let interruption, error.sqlState == .queryCanceled { error = operation.error(for: interruption) }
        throw error
    }
}

/// Rows in the binary form that COPY reads (PostgreSQL's manual, "COPY", "Binary Format").
enum CopyCoding {
    /// The signature, no flags, no header extension.
    static let header: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [UInt8](repeating: 0, count: 8)
    static let trailer: [UInt8] = [0xFF, 0xFF]

    static func append(_ row: [PostgresValue], columns: Int, to bytes: inout [UInt8]) throws {
        guard row.count == columns else {
            throw PostgresError(.invalidParameter, "a row of a COPY has \(row.count) values for \(columns) columns")
        }
        bytes += Int16(columns).networkBytes
        for value in row {
            guard let contents = value.bytes else {
                bytes += Int32(-1).networkBytes
                continue
            }
            guard value.format == .binary else {
                throw PostgresError(.invalidParameter, "a value of inferred type cannot go into a COPY; name its type")
            }
            bytes += Int32(contents.count).networkBytes
            bytes += contents
        }
    }
}

/// Writes a name as SQL quotes it.
func quotedIdentifier(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}
