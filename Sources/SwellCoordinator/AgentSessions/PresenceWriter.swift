internal import AsyncSupport
internal import Logging
internal import SwellModel
internal import SwellStore

/// Writes who is connected here and who was heard of: the only writer of both, so that a late word never undoes a newer
/// one. Heartbeats become one statement for all sessions.
struct PresenceWriter: Sendable {
    let store: any AgentStore
    let hub: SessionHub
    /// Sent when somebody has come or gone.
    let changed: Signal
    let replica: String
    let interval: Interval
    let logger: Logger

    /// How many connections are noted side by side.
    private static let width = 4

    /// Runs until cancelled. What an earlier life of the replica left is cleared first.
    func run() async {
        var health = StoreHealth(what: "presence", logger: logger)
        var isCleared = false
        let clock = ContinuousClock()
        // Comings and goings do not put off when heartbeats are written.
        var dueAt = clock.now + interval.duration
        repeat {
            let isDue = clock.now >= dueAt
            if isDue { dueAt = clock.now + interval.duration }
            do throws(StoreError) {
                if !isCleared {
                    try await store.dropConnections(of: replica)
                    isCleared = true
                    await hub.repeatPresence()
                }
                try await writeConnections()
                if isDue {
                    let heard = await hub.takeHeard()
                    if !heard.isEmpty { try await store.touch(heard) }
                }
                health.note(nil)
            } catch {
                health.note(error)
            }
        } while await changed.wait(upTo: max(.milliseconds(1), dueAt - clock.now)) != .cancelled
    }

    private func writeConnections() async throws(StoreError) {
        var rest = await hub.takePresence()[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(Self.width))
            rest = rest.dropFirst(batch.count)
            let failed = await withTaskGroup(of: (SessionHub.Presence, StoreError)?.self) { group in
                for word in batch { group.addTask { await write(word) } }
                var failed: [(SessionHub.Presence, StoreError)] = []
                for await result in group { if let result { failed.append(result) } }
                return failed
            }
            if let first = failed.first {
                await hub.putBack(failed.map(\.0) + rest)
                throw first.1
            }
        }
    }

    /// Nil where it was written, or never will be.
    private func write(_ word: SessionHub.Presence) async -> (SessionHub.Presence, StoreError)? {
        do throws(StoreError) {
            try await store.noteConnection(
                word.cluster, replica: replica, agentVersion: word.agentVersion, isConnected: word.isConnected)
            return nil
        } catch {
            // A cluster that left the fleet has no connection to be noted; its session is ended elsewhere.
            return error.code == .notFound ? nil : (word, error)
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
