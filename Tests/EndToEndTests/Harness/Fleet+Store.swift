internal import PostgresClient
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Looks into the database itself, which costs no process a look.
extension Fleet {
    /// Runs a body with the fleet's store.
    nonisolated func withStore<Result: Sendable>(
        _ body: (PostgresStore) async throws -> Result
    ) async throws -> Result {
        let pool = try PostgresPool(configuration: PostgresConfiguration(databaseURL))
        async let _: Void = pool.run()
        return try await body(PostgresStore(pool: pool))
    }
}

extension PostgresStore {
    /// Waits until a stored rollout satisfies a condition, and returns it.
    @discardableResult func awaited(
        _ rollout: String, _ what: String, within limit: Duration = .seconds(120), until condition: (Rollout) -> Bool
    ) async throws -> Rollout {
        let name = try RolloutName(rollout)
        return try await eventually("rollout \(rollout) to be \(what)", within: limit) { () -> Rollout? in
            guard let rollout = try await self.rollout(name), condition(rollout) else { return nil }
            return rollout
        } orDescribe: {
            guard let rollout = try await self.rollout(name) else { return "there is none" }
            return try await told(of: rollout)
        }
    }

    /// A rollout's phase, and why it is in it or what it waits for.
    func told(of rollout: Rollout) async throws -> String {
        let waits = try await blockers(of: rollout).map { "\($0.what): \($0.why)" }
        let words = waits.isEmpty ? [rollout.reason].compactMap { $0 } : waits
        return "\(rollout.phase)" + (words.isEmpty ? "" : " (\(words.joined(separator: "; ")))")
    }

    func blockers(of rollout: Rollout) async throws -> [Blocker] {
        let snapshot = try await snapshot(for: rollout.application)
        return Blockers.of(rollout, snapshot: snapshot, now: try await now())
    }
}
