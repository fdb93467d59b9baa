internal import AsyncSupport
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol

/// Sees that releases are at hand: looks into the cache, and fetches what is lacking.
struct ContentFetcher: Sendable {
    let content: ReleaseContent
    let source: any DocumentSource
    let wanted: Mailbox<ContentDigest>
    let inbox: Mailbox<MachineEvent>
    let journal: JournalView
    let chance: @Sendable () -> Double
    let logger: Logger

    /// Runs until cancelled. Releases are fetched a few at a time; one that fails is tried again later.
    func run() async {
        await withDiscardingTaskGroup { group in
            let limiter = ConcurrencyLimiter(running: 4, waiting: WireLimits.applications)
            let underWay = UnderWay()
            while let digest = await wanted.receive() {
                guard await underWay.begin(digest) else { continue }
                group.addTask {
                    await see(to: digest, limiter)
                    await underWay.end(digest)
                }
            }
        }
    }

    /// Ends when the release is at hand, known not to be had, or no longer referred to.
    private func see(to release: ContentDigest, _ limiter: ConcurrencyLimiter) async {
        var backoff = Backoff(base: .milliseconds(500), ceiling: .seconds(15))
        var stateLog = StateLog()
        while !Task.isCancelled {
            do {
                try await limiter.run { try await fetch(release) }
                await inbox.send(.contentPresent(release))
                return
            } catch is CancellationError {
                return
            } catch let error as AgentError where error.code == .contentUnavailable {
                await inbox.send(.contentUnavailable(release, message: error.description))
                return
            } catch {
                let what = "\(error)"
                if stateLog.isNews(what) {
                    logger.info(
                        "content not at hand, trying again",
                        metadata: ["release": "\(release.short)", "reason": "\(what)"])
                }
                guard await journal.journal.referredDigests.contains(release) else { return }
                try? await Task.sleep(for: backoff.next(chance: chance()))
            }
        }
    }

    private func fetch(_ release: ContentDigest) async throws {
        let cache = content.cache
        while true {
            var pins = await content.closure(of: await journal.journal.referredDigests)
            let lacking = try await content.lacking(release)
            if lacking.isEmpty { return }
            pins.formUnion(lacking)
            pins.insert(release)
            await cache.pin(pins)
            // First the index, then what it names.
            try await source.fetch(lacking) { try await cache.store($0) }
        }
    }
}

/// Which releases are being seen to, so that asking twice costs nothing.
private actor UnderWay {
    private var digests: Set<ContentDigest> = []

    func begin(_ digest: ContentDigest) -> Bool { digests.insert(digest).inserted }
    func end(_ digest: ContentDigest) { digests.remove(digest) }
}
