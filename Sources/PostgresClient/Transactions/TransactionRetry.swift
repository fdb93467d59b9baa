/// How often and after which delay a transaction that met others is run again. A value without clock or randomness.
struct TransactionRetry {
    let limit: Int
    private(set) var attempt = 0

    init(limit: Int) { self.limit = limit }

    /// The delay before the next attempt, or `nil` when there is none left.
    ///
    /// - Parameter jitter: from 0 to 1, so that the rivals do not meet again.
    mutating func nextDelay(jitter: Double) -> Duration? {
        guard attempt < limit else { return nil }
        attempt += 1
        let ceiling = min(500.0, 5.0 * Double(1 << min(attempt, 10)))
        return .microseconds(Int64(ceiling * jitter * 1000))
    }
}

/// How one attempt of a transaction ended.
enum TransactionOutcome<Result> {
    case committed(Result)
    /// It did not happen. `decisive` is the database's failure that led here, which the body may have wrapped.
    case failed(any Error, decisive: PostgresError?)
}

extension PostgresConnection {
    /// The statement that opens a transaction.
    static func beginStatement(_ isolation: PostgresIsolation, readOnly: Bool) -> String {
        "BEGIN ISOLATION LEVEL \(isolation.rawValue)\(readOnly ? " READ ONLY" : "")"
    }

    /// Runs one attempt. BEGIN goes along with the first statement, so it costs no round trip.
    nonisolated func attempt<Result>(
        _ begin: String, _ body: (PostgresTransaction) async throws -> Result
    ) async -> TransactionOutcome<Result> {
        do {
            let transaction = try await self.begin(begin)
            let result: Result
            do {
                result = try await body(transaction)
            } catch {
                let failure = await rollBack(transaction.id)
                return .failed(error, decisive: failure ?? error as? PostgresError)
            }
            try await commit(transaction.id)
            return .committed(result)
        } catch {
            return .failed(error, decisive: error as? PostgresError)
        }
    }

    /// Runs a transaction: commits when the body returns, rolls back when it throws.
    ///
    /// A serialisation failure or a deadlock runs the body again, so it must have no effect elsewhere. This holds too
    /// when the body wraps the database's error into another one.
    /// - Parameter retries: how many times at most.
    /// - Throws: what the body throws; ``PostgresError/Code/commitOutcomeUnknown`` if the connection broke in COMMIT.
    @discardableResult
    public nonisolated func withTransaction<Result>(
        isolation: PostgresIsolation = .readCommitted, readOnly: Bool = false, retries: Int = 5,
        _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result {
        let begin = PostgresConnection.beginStatement(isolation, readOnly: readOnly)
        var retry = TransactionRetry(limit: retries)
        while true {
            switch await attempt(begin, body) {
            case .committed(let result): return result
            case .failed(let error, let decisive):
                guard decisive?.isRetryable == true, let delay = retry.nextDelay(jitter: .random(in: 0...1)) else {
                    throw error
                }
                try await Task.sleep(for: delay)
            }
        }
    }
}
