public import PostgresClient
public import SwellModel

/// The store in PostgreSQL: the only state, the only lock. Any number of replicas use one database.
///
/// Every member is one transaction in READ COMMITTED with explicit row locks; those that met others (serialisation failures,
/// deadlocks) or lost their connection before COMMIT are run again, so closures given to it must be pure. The pool has to be running.
///
/// Locks are always taken in this order: `fleet_guard`, a rollout's row, its lease, `fleet_limit`, a cluster's
/// `cluster_trust`, other rows, `change_counter`.
public struct PostgresStore: Sendable {
    let pool: PostgresPool
    /// For what must not wait behind the rest: leases that are renewed, and presence, by whose lack agents count as silent.
    let vitalPool: PostgresPool
    /// Seals Secrets of releases; nil where they are stored in clear.
    let sealing: (any DocumentSealing)?
    /// What is kept of the fleet between readings.
    let clusterMemory = ClusterMemory()

    /// Uses a pool whose database has been brought up to date by ``migrate(_:logger:)``.
    ///
    /// - Parameters:
    ///   - vitalPool: of the same database, for renewing leases and noting presence; nil to use `pool`. Two connections are enough.
    ///   - sealing: Seals Secrets of releases; nil to store them in clear.
    public init(pool: PostgresPool, vitalPool: PostgresPool? = nil, sealing: (any DocumentSealing)? = nil) {
        self.pool = pool
        self.vitalPool = vitalPool ?? pool
        self.sealing = sealing
    }

    /// Runs one transaction that writes.
    @discardableResult
    func transact<Value>(
        over other: PostgresPool? = nil, _ body: (PostgresTransaction) async throws -> Value
    ) async throws(StoreError) -> Value {
        do {
            return try await (other ?? pool).withTransaction(body)
        } catch {
            throw StoreError(postgres: error)
        }
    }

    /// Runs one statement that only reads, and makes something of its rows.
    func read<Value>(
        _ sql: String, _ parameters: [PostgresValue] = [], _ body: (PostgresResult) throws -> Value
    ) async throws(StoreError) -> Value {
        try await read([PostgresStatement(sql, parameters)]) { try body($0[0]) }
    }

    /// Runs statements that only read, all at one moment, again if the connection was lost, and makes something of their rows.
    func read<Value>(
        _ statements: [PostgresStatement], _ body: ([PostgresResult]) throws -> Value
    ) async throws(StoreError) -> Value {
        // Each statement of a pipeline would see what had committed by then.
        guard statements.count == 1 else { return try await readMoment { try body(try await $0.pipeline(statements)) } }
        return try await repeating { try body(try await pool.pipeline(statements)) }
    }

    /// Runs a transaction that only reads and sees one moment, again if the connection was lost.
    func readMoment<Value>(_ body: (PostgresTransaction) async throws -> Value) async throws(StoreError) -> Value {
        try await repeating {
            try await pool.withTransaction(isolation: .repeatableRead, readOnly: true, body)
        }
    }

    private func repeating<Value>(_ body: () async throws -> Value) async throws(StoreError) -> Value {
        var attempts = 3
        while true {
            attempts -= 1
            do {
                return try await body()
            } catch let error as PostgresError
                where attempts > 0
                && (error.isConnectionFailure || error.isRetryable || error.code == .commitOutcomeUnknown)
            {
                // Whether a COMMIT that only ended a reading was done does not matter.
                continue
            } catch {
                throw StoreError(postgres: error)
            }
        }
    }
}
