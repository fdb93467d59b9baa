internal import AsyncSupport
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Ends the sessions, and closes the connections, of certificates that do not count any more: at once where a revocation is told, at a
/// steady pace where it was not, or where they expire.
struct TrustWatch: Sendable {
    let store: any AgentCertificateStore & AgentStore
    let hub: SessionHub
    let callers: CallerConnections
    /// Sent when certificates may have ceased to count.
    let changed: Signal
    /// What a restored database must not bring back.
    let remembered: RememberedEnds
    let paces: AgentPort.Paces
    let now: @Sendable () -> Timestamp
    let tick: @Sendable () -> Tick
    let logger: Logger

    /// How many certificates are looked at in one question to the store.
    private static let batch = 1_000

    /// Runs until cancelled.
    func run() async {
        var health = StoreHealth(what: "certificates", logger: logger)
        var ends = EndsWatch(store: store, remembered: remembered, tick: tick, logger: logger)
        // First of all, what a restored database has brought back.
        health.note(await ends.look())
        while true {
            if ends.hasEndedAgain {
                ends.hasEndedAgain = false
            } else if await changed.wait(upTo: paces.checks.duration) == .cancelled {
                return
            }
            await hub.end(expiredAt: now())
            do throws(StoreError) {
                let ended = try await endWhatDoesNotCount()
                health.note(nil)
                if !ended.isEmpty {
                    // A moment to read why; whoever does not is cut off all the same.
                    try? await Task.sleep(for: paces.cut.duration)
                    callers.close(ended)
                    logger.info(
                        "connections closed whose certificates ended", metadata: ["certificates": "\(ended.count)"])
                }
                if let failure = await ends.look() { throw failure }
            } catch {
                health.note(error)
            }
        }
    }

    /// Returns the certificates in use that do not count.
    private func endWhatDoesNotCount() async throws(StoreError) -> Set<CertificateUse> {
        var ended: Set<CertificateUse> = []
        var rest = callers.uses.union(await hub.uses).sorted()[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(Self.batch))
            rest = rest.dropFirst(batch.count)
            let standings = try await store.standings(of: batch)
            ended.formUnion(batch.filter { standings[$0]?.counts != true })
        }
        if !ended.isEmpty { await hub.end(ended) }
        return ended
    }
}
