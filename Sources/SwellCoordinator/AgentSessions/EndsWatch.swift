internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Learns what was ended, writes it down, and ends it again where the database has forgotten.
struct EndsWatch {
    let store: any AgentCertificateStore
    let remembered: RememberedEnds
    let tick: @Sendable () -> Tick
    let logger: Logger
    /// What was ended since is asked for next: a while before the last answer, longer than a transaction takes from its moment to its commit.
    private var askedAt = Timestamp(milliseconds: 0)
    private var isUnwritten = false
    /// Whether connections may be open of what was ended again just now.
    var hasEndedAgain = false
    /// When it is looked for again whether the database was restored; from the start on at once.
    private var nextRepeat: Tick?

    private static let overlap = Interval.minutes(1)
    /// How often at most: enrolments of a whole fleet make as many looks.
    private static let repeats = Interval.seconds(5)

    init(
        store: any AgentCertificateStore, remembered: RememberedEnds, tick: @escaping @Sendable () -> Tick,
        logger: Logger
    ) {
        self.store = store
        self.remembered = remembered
        self.tick = tick
        self.logger = logger
    }

    /// Looks once; returns why the store could not be asked.
    mutating func look() async -> StoreError? {
        do throws(StoreError) {
            let ended = try await store.endedTrust(after: askedAt)
            // The store's clock goes back where it was restored under another server: then more is asked for.
            askedAt = ended.now - Self.overlap
            write(ended)
            if nextRepeat.map({ tick() >= $0 }) ?? true {
                try await endAgain(ended.now)
                nextRepeat = tick() + Self.repeats
            }
            return nil
        } catch {
            return error
        }
    }

    private mutating func write(_ ended: EndedTrust) {
        do {
            try remembered.add(ended)
            isUnwritten = false
        } catch {
            if !isUnwritten {
                logger.error(
                    "what was ended cannot be written down, so that a restored database may bring it back",
                    metadata: ["error": "\(error)"])
            }
            isUnwritten = true
        }
    }

    private mutating func endAgain(_ now: Timestamp) async throws(StoreError) {
        let clusters = try await store.endAgain(remembered.all(now: now))
        guard !clusters.isEmpty else { return }
        hasEndedAgain = true
        logger.warning(
            "the database was restored: what was revoked before stays revoked",
            metadata: [
                "clusters": "\(clusters.count)",
                "first": "\(clusters.prefix(20).map(\.rawValue).joined(separator: ", "))",
            ])
    }
}
