internal import CLibpq

/// One step of a batch as it goes over the wire.
private enum Step {
    /// Housekeeping of this side, such as BEGIN or the letting go of a prepared statement.
    case prelude(deallocates: String?)
    case prepare(PreparedStatementCache.Key, name: String, statement: Int)
    case run(statement: Int)
}

extension LibpqSession {
    /// Runs statements in one round trip. Outside of a transaction they are one: all happen, or none.
    ///
    /// - Parameter prelude: housekeeping that is sent before them, and whose results nobody wants.
    func run(_ statements: [PostgresStatement], prelude: [String] = [], _ operation: Operation) throws
        -> [PostgresResult]
    {
        try checkWanted(operation)
        let wasInTransaction = isInTransaction
        do {
            return try runOnce(statements, prelude: prelude, operation)
        } catch let error as PostgresError where error.isStalePlan {
            // What is prepared no longer fits the schema, or somebody discarded it.
            if error.sqlState == .invalidSQLStatementName { cache.forgetAll() } else { cache.discardAll() }
            guard !wasInTransaction, !isInTransaction else { throw error }
            return try runOnce(statements, prelude: prelude, operation)
        }
    }

    private func runOnce(
        _ statements: [PostgresStatement], prelude: [String], _ operation: Operation
    ) throws -> [PostgresResult] {
        let handle = try open()
        guard !isCopying else { throw PostgresError(.connectionBusy, "a COPY is under way on this connection") }
        guard PQenterPipelineMode(handle) == 1 else { throw lost() }
        let steps = try send(statements, prelude: prelude, to: handle)
        guard PQpipelineSync(handle) == 1 else { throw lost() }
        var reading = BatchReading(steps: steps, statements: statements, count: statements.count)
        let interruption = try drive(operation) {
            try reading.readAvailable(handle, self)
        }
        guard PQexitPipelineMode(handle) == 1 else { throw lost() }
        dropNotifications()
        guard var error = reading.firstError else { return reading.results }
        if let reason = interruption, error.sqlState == .queryCanceled {
            let state = error.sqlState
            error = operation.error(for: reason)
            error.sqlState = state
        } else if error.sqlState == .queryCanceled, error.message.contains("statement timeout") {
            error.code = .timedOut
        }
        throw error
    }

    private func send(_ statements: [PostgresStatement], prelude: [String], to handle: OpaquePointer) throws -> [Step] {
        var steps: [Step] = []
        if !isInFailedTransaction {
            for name in cache.discarded {
                try sendPlain("DEALLOCATE \(name)", handle)
                steps.append(.prelude(deallocates: name))
            }
        }
        for sql in prelude {
            try sendPlain(sql, handle)
            steps.append(.prelude(deallocates: nil))
        }
        // The same new statement twice in one batch is prepared once.
        var preparing: [PreparedStatementCache.Key: String] = [:]
        for (index, statement) in statements.enumerated() {
            let types = statement.parameters.map(\.type.oid)
            guard cache.limit > 0, statement.isPrepared else {
                try sendParameters(statement.parameters) { count, values, lengths, formats in
                    PQsendQueryParams(handle, statement.sql, count, types, values, lengths, formats, 1)
                }
                steps.append(.run(statement: index))
                continue
            }
            let key = PreparedStatementCache.Key(sql: statement.sql, types: types)
            let name: String
            if let pending = preparing[key] {
                name = pending
            } else {
                switch cache.plan(key) {
                case .use(let known): name = known
                case .prepare(let new):
                    guard PQsendPrepare(handle, new, statement.sql, Int32(types.count), types) == 1 else {
                        throw lost()
                    }
                    steps.append(.prepare(key, name: new, statement: index))
                    preparing[key] = new
                    name = new
                }
            }
            try sendParameters(statement.parameters) { count, values, lengths, formats in
                PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1)
            }
            steps.append(.run(statement: index))
        }
        return steps
    }

    private func sendPlain(_ sql: String, _ handle: OpaquePointer) throws {
        guard PQsendQueryParams(handle, sql, 0, nil, nil, nil, nil, 1) == 1 else { throw lost() }
    }

    /// Lays the parameters out as libpq wants them.
    private func sendParameters(
        _ parameters: [PostgresValue],
        _ send: (Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Int32
    ) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(parameters.reduce(1) { $0 + ($1.bytes?.count ?? 0) + 1 })
        var offsets: [Int?] = []
        var lengths: [Int32] = []
        for parameter in parameters {
            guard let value = parameter.bytes else {
                offsets.append(nil)
                lengths.append(0)
                continue
            }
            offsets.append(bytes.count)
            lengths.append(Int32(value.count))
            bytes += value
            // Values in text format end in a zero.
            bytes.append(0)
        }
        bytes.append(0)
        let formats = parameters.map(\.format.rawValue)
        let sent = bytes.withUnsafeBytes { buffer in
            let start = buffer.bindMemory(to: CChar.self).baseAddress
            let pointers: [UnsafePointer<CChar>?] = offsets.map { offset in offset.flatMap { start?.advanced(by: $0) } }
            return send(Int32(parameters.count), pointers, lengths, formats)
        }
        guard sent == 1 else { throw lost() }
    }
}

extension PostgresError {
    /// Whether a prepared statement no longer fits.
    fileprivate var isStalePlan: Bool {
        sqlState == .invalidSQLStatementName || (sqlState == .featureNotSupported && message.contains("cached plan"))
    }
}

/// What of a batch has been read so far.
private struct BatchReading {
    let steps: [Step]
    let statements: [PostgresStatement]
    private(set) var results: [PostgresResult]
    private(set) var firstError: PostgresError?
    private var position = 0

    init(steps: [Step], statements: [PostgresStatement], count: Int) {
        self.steps = steps
        self.statements = statements
        results = Array(repeating: PostgresResult(), count: count)
    }

    /// Reads all results that are there. Returns whether the batch has ended.
    mutating func readAvailable(_ handle: OpaquePointer, _ session: LibpqSession) throws -> Bool {
        while PQisBusy(handle) == 0 {
            guard let result = PQgetResult(handle) else {
                // A null ends each step; with nothing left to come the connection is gone.
                guard PQstatus(handle) == CONNECTION_OK, position < steps.count else { throw session.lost() }
                position += 1
                continue
            }
            defer { PQclear(result) }
            if try read(result, handle, session) { return true }
        }
        return false
    }

    private mutating func read(_ result: OpaquePointer, _ handle: OpaquePointer, _ session: LibpqSession) throws -> Bool
    {
        switch PQresultStatus(result) {
        case PGRES_PIPELINE_SYNC: return true
        case PGRES_PIPELINE_ABORTED: break
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            guard position < steps.count else { break }
            switch steps[position] {
            case .prelude(let name): if let name { session.cache.deallocated(name) }
            case .prepare(let key, let name, _): session.cache.prepared(key, name: name)
            case .run(let statement):
                do {
                    results[statement] = try ResultReading.value(
                        result, maximumBytes: session.configuration.maximumResultBytes)
                } catch let error as PostgresError where firstError == nil {
                    firstError = error.during(statements[statement].sql)
                }
            }
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            _ = session.lost("a COPY was sent as a query")
            throw PostgresError(.unsupportedStatement, "COPY goes by copyIn, not by query; the connection was closed")
        default:
            guard var error = ResultReading.error(result) else { break }
            guard PQstatus(handle) == CONNECTION_OK else { throw session.lost(error.message, sqlState: error.sqlState) }
            if position < steps.count {
                switch steps[position] {
                case .prelude: break
                case .prepare(_, _, let statement), .run(let statement): error = error.during(statements[statement].sql)
                }
            }
            if firstError == nil { firstError = error }
        }
        return false
    }
}
