internal import Foundation
internal import Logging
internal import PostgresClient
internal import PostgresTesting
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

/// The forms of the store; every conformance test runs on each.
enum StoreForm: String, CaseIterable, CustomTestStringConvertible {
    case memory, postgres

    var testDescription: String { rawValue }

    /// Runs `body` with an empty store of this form.
    func run(_ body: (any Store) async throws -> Void) async throws {
        switch self {
        case .memory:
            try await body(MemoryStore(clock: wallClock))
        case .postgres:
            let database = try await serviceDatabase()
            try await withPool(database.service) { try await body(PostgresStore(pool: $0)) }
        }
    }
}

extension StoreForm {
    /// Runs `body` with an empty store of this form, whose clock it can set forward.
    func run(skipping body: (any Store, (Interval) async throws -> Void) async throws -> Void) async throws {
        switch self {
        case .memory:
            let ahead = Mutex(Interval.zero)
            try await body(MemoryStore { wallClock() + ahead.withLock { $0 } }) { interval in
                ahead.withLock { $0 = $0 + interval }
            }
        case .postgres:
            let database = try await serviceDatabase()
            var ahead = Interval.zero
            try await withPool(database.owner) { owner in
                try await withPool(database.service) { pool in
                    try await body(PostgresStore(pool: pool)) { interval in
                        ahead = ahead + interval
                        _ = try await owner.query(
                            """
                            CREATE OR REPLACE FUNCTION swell_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
                                SELECT date_trunc('milliseconds', clock_timestamp())
                                    + interval '\(ahead.milliseconds) milliseconds'
                            $$
                            """)
                    }
                }
            }
        }
    }
}

/// A fresh database, brought up to date by its owner, who is no superuser, and how replicas connect to it: as a role that owns nothing.
func serviceDatabase() async throws -> (owner: PostgresConfiguration, service: PostgresConfiguration) {
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase()
    try await withPool(database.configuration) { pool in
        for role in ["swell_owner", "swell_service"] {
            // Roles are the whole server's; others make the same one at the same time.
            _ = try await pool.query(
                """
                DO $$ BEGIN
                    CREATE ROLE \(role) LOGIN;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END $$
                """)
        }
        // Before PostgreSQL 15 everybody may make objects in it, and a superuser owns it.
        _ = try await pool.query("ALTER DATABASE \(database.name) OWNER TO swell_owner")
        _ = try await pool.query("ALTER SCHEMA public OWNER TO swell_owner")
    }
    func configuration(_ role: String) throws -> PostgresConfiguration {
        try PostgresConfiguration(database.url.replacing("//postgres@", with: "//\(role)@", maxReplacements: 1))
    }
    let owner = try configuration("swell_owner")
    try await PostgresStore.migrate(owner, for: try ServiceRole("swell_service"), logger: quiet)
    return (owner, try configuration("swell_service"))
}

/// A logger that says nothing.
let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs `body` with a small pool that works meanwhile.
func withPool<Value>(
    _ configuration: PostgresConfiguration, waitTimeout: Duration = .seconds(10),
    _ body: (PostgresPool) async throws -> Value
) async throws -> Value {
    var settings = PostgresPoolSettings(minimum: 0, maximum: 4)
    settings.waitTimeout = waitTimeout
    let pool = try PostgresPool(configuration: configuration, settings: settings, logger: quiet)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await pool.run() }
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(pool))
        } catch {
            result = .failure(error)
        }
        group.cancelAll()
        try? await group.waitForAll()
        return try result.get()
    }
}

@Sendable func wallClock() -> Timestamp {
    Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
}

/// Expects an error of the store with this code, and returns it.
@discardableResult
func expect(
    _ code: StoreError.Code, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws(StoreError) -> Void
) async -> StoreError? {
    do {
        try await body()
        Issue.record("expected \(code.rawValue), but it succeeded", sourceLocation: sourceLocation)
        return nil
    } catch {
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
        return error
    }
}

/// Waits until `condition` holds, at most ten seconds.
func eventually(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now.advanced(by: .seconds(10))
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    // On a busy machine the last sleep may have taken all that was left.
    if try await condition() { return }
    Issue.record("not within ten seconds: \(what)", sourceLocation: sourceLocation)
}
