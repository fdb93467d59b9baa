internal import Logging
internal import SwellModel
internal import SwellProtocol
internal import SwellStore

/// Raises the store's epochs above what agents have seen, which they exceed only after a restore from a backup. Remembers
/// how far it went, so that a thousand greetings ask the store once.
actor EpochWatermark {
    /// The highest epoch that an agent is believed. Each epoch is one claim of a lease, so no fleet gets there; beyond it
    /// an agent that lies could use up what the wire can carry for everybody.
    static let limit: Int64 = WireLimits.ordinal >> 4

    private let store: any LeaseStore
    private let logger: Logger
    private var raisedTo: Int64 = 0

    init(store: any LeaseStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// Sees that the next epoch is above `epoch`.
    func raise(above epoch: Int64, cluster: ClusterName) async throws {
        guard epoch > raisedTo else { return }
        guard epoch <= Self.limit else {
            throw WireError(
                .invalidValue, at: "hello.highest_epoch", "\(epoch) was never given out: expected at most \(Self.limit)"
            )
        }
        try await store.raiseEpochs(above: epoch)
        raisedTo = max(raisedTo, epoch)
        logger.debug("epochs are above the agent's", metadata: ["cluster": "\(cluster)", "epoch": "\(epoch)"])
    }
}
