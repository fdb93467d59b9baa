internal import PostgresClient
internal import PostgresTesting
internal import Synchronization
internal import Testing

/// Opens a connection to a database, by default one that all tests share, and closes it afterwards.
@discardableResult
func withConnection<Result>(
    to configuration: PostgresConfiguration? = nil, _ body: (PostgresConnection) async throws -> Result
) async throws -> Result {
    let target: PostgresConfiguration
    if let configuration { target = configuration } else { target = try await PostgresServer.shared().configuration() }
    let connection = try await PostgresConnection.connect(to: target)
    do {
        let result = try await body(connection)
        await connection.close()
        return result
    } catch {
        await connection.close()
        throw error
    }
}

/// Runs a pool for as long as the closure runs.
@discardableResult
func withPool<Result: Sendable>(
    _ configuration: PostgresConfiguration, _ settings: PostgresPoolSettings = PostgresPoolSettings(),
    _ body: @Sendable (PostgresPool) async throws -> Result
) async throws -> Result {
    let pool = try PostgresPool(configuration: configuration, settings: settings)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await pool.run() }
        let result = try await body(pool)
        group.cancelAll()
        return result
    }
}

/// The error of the module that a piece of work fails with.
func failure<Result>(
    of body: () async throws -> Result, sourceLocation: SourceLocation = #_sourceLocation
) async -> PostgresError? {
    do {
        _ = try await body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
        return nil
    } catch let error as PostgresError {
        return error
    } catch {
        Issue.record("another error was thrown: \(error)", sourceLocation: sourceLocation)
        return nil
    }
}

/// Waits until a condition holds.
func eventually(
    within limit: Duration = .seconds(20), _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now.advanced(by: limit)
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("within \(limit) it did not happen that \(what)", sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Counts from several tasks.
final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .sequentiallyConsistent) }

    func increment() { count.add(1, ordering: .sequentiallyConsistent) }
}
