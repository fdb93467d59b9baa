internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Ends the sessions here whose clusters have begun a newer one at another replica. What such a session says is not taken in any more; without
/// this its agent would go on to be told what to run until it said something.
struct TakeoverWatch: Sendable {
    let store: any AgentStore
    let hub: SessionHub
    let pace: Interval
    let logger: Logger

    /// How many sessions are looked at in one question to the store.
    private static let batch = 1_000

    /// Runs until cancelled.
    func run() async {
        var health = StoreHealth(what: "sessions", logger: logger)
        while (try? await Task.sleep(for: pace.duration)) != nil {
            do throws(StoreError) {
                try await look()
                health.note(nil)
            } catch {
                health.note(error)
            }
        }
    }

    private func look() async throws(StoreError) {
        let ids = await hub.ids
        var rest = ids.keys.sorted()[...]
        while !rest.isEmpty {
            let batch = Set(rest.prefix(Self.batch))
            rest = rest.dropFirst(batch.count)
            let overtaken = try await store.overtaken(ids.filter { batch.contains($0.key) })
            if !overtaken.isEmpty { await hub.end(overtaken: overtaken, of: ids) }
        }
    }
}
