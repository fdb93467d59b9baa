internal import AsyncSupport
internal import Logging
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
    let remembered: EndedCertificates
    let paces: AgentPort.Paces
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// How many certificates are looked at in one question to the store.
    private static let batch = 1_000

    /// How far back of the last answer is asked for what was ended: longer than a transaction takes from its moment to its commit.
    private static let overlap = Interval.minutes(1)

    /// Ends again what a restored database has brought back, before anybody is let in. Returns once that is done, or when cancelled.
    func begin() async {
        var health = StoreHealth(what: "certificates", logger: logger)
        while !Task.isCancelled {
            do throws(StoreError) {
                try await endAgain()
                return
            } catch {
                health.note(error)
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Runs until cancelled.
    func run() async {
        var health = StoreHealth(what: "certificates", logger: logger)
        var askedAt = Timestamp(milliseconds: 0)
        var isUnwritten = false
        while await changed.wait(upTo: paces.checks.duration) != .cancelled {
            await hub.end(expiredAt: now())
            do throws(StoreError) {
                let (news, moment) = try await store.endedCertificates(after: askedAt)
                let failure = write(news)
                if let failure, !isUnwritten {
                    logger.error(
                        "what was ended cannot be written down, so that a restored database may bring it back",
                        metadata: ["error": "\(failure)"])
                }
                isUnwritten = failure != nil
                // A clock that has gone back is a database that was restored: everything is asked for again.
                askedAt = moment - Self.overlap
                try await endAgain()
                let ended = try await endWhatDoesNotCount()
                health.note(nil)
                guard !ended.isEmpty else { continue }
                // A moment to read why; whoever does not is cut off all the same.
                try? await Task.sleep(for: paces.cut.duration)
                callers.close(ended)
                logger.info("connections closed whose certificates ended", metadata: ["certificates": "\(ended.count)"])
            } catch {
                health.note(error)
            }
        }
    }

    private func write(_ news: [EndedCertificate]) -> (any Error)? {
        do {
            try remembered.add(news, now: now())
            return nil
        } catch {
            return error
        }
    }

    private func endAgain() async throws(StoreError) {
        var rest = remembered.uses[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(Self.batch))
            rest = rest.dropFirst(batch.count)
            // Nearly always nothing: no lock for that.
            let standings = try await store.standings(of: batch)
            let again = try await store.endAgain(batch.filter { standings[$0]?.counts == true })
            guard !again.isEmpty else { continue }
            logger.warning(
                "the database was restored: certificates that were ended before do not count again",
                metadata: [
                    "certificates": "\(again.map { "\($0.cluster) \($0.serial)" }.prefix(20).joined(separator: ", "))"
                ])
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
