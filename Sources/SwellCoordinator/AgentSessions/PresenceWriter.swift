internal import AsyncSupport
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Writes who is connected here and who was seen, as `PresenceLedger` has it: the only writer of both. Sightings become one statement
/// for all sessions.
struct PresenceWriter: Sendable {
    let store: any AgentStore & FleetStore
    let presence: FleetPresence
    /// Sent when somebody has come or gone.
    let changed: Signal
    let replica: String
    let logger: Logger

    /// How many connections are noted side by side.
    private static let width = 4

    /// Runs until cancelled. What an earlier life of the replica left is cleared first.
    func run() async {
        var health = StoreHealth(what: "presence", logger: logger)
        repeat {
            while let batch = presence.batch() {
                do throws(StoreError) {
                    try await write(batch)
                    presence.answered(batch, .written)
                    health.note(nil)
                } catch {
                    presence.answered(batch, .failed)
                    health.note(error)
                    break
                }
            }
            // Comings and goings do not put off when sightings are written.
        } while await changed.wait(upTo: max(.milliseconds(1), presence.untilDue()).duration) != .cancelled
    }

    private func write(_ batch: PresenceLedger.Batch) async throws(StoreError) {
        if batch.clearsConnections { try await store.dropConnections(of: replica) }
        try await write(batch.connections)
        guard let seen = batch.seen else { return }
        // Nobody to write of: that the store answers is what the write is for.
        if seen.isEmpty { _ = try await store.now() } else { try await store.touch(seen) }
        try await store.noteHeard(batch.heard, replica: replica)
    }

    private func write(_ connections: [PresenceLedger.Connection]) async throws(StoreError) {
        var rest = connections[...]
        while !rest.isEmpty {
            let some = rest.prefix(Self.width)
            rest = rest.dropFirst(some.count)
            let failed = await withTaskGroup(of: StoreError?.self) { group in
                for connection in some { group.addTask { await write(connection) } }
                return await group.reduce(nil) { $0 ?? $1 }
            }
            if let failed { throw failed }
        }
    }

    /// Nil where it was written, or never will be.
    private func write(_ connection: PresenceLedger.Connection) async -> StoreError? {
        do throws(StoreError) {
            try await store.noteConnection(
                connection.cluster, replica: replica, agentVersion: connection.agentVersion,
                isConnected: connection.isConnected)
            return nil
        } catch {
            // A cluster that left the fleet has no connection to be noted; its session is ended elsewhere.
            return error.code == .notFound ? nil : error
        }
    }

    /// The replica's last word: none of its connections is left.
    func goAway() async {
        do throws(StoreError) {
            try await store.dropConnections(of: replica)
        } catch {
            logger.warning(
                "connections are left noted as open; the next start clears them", metadata: ["error": "\(error)"])
        }
    }
}
