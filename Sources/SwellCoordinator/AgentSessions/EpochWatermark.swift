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

    /// Refuses an epoch that nobody ever gave out: what one agent says of it would raise the epochs of the whole fleet.
    static func check(_ epoch: Int64, at field: String) throws {
        guard epoch <= limit else {
            throw WireError(.invalidValue, at: field, "\(epoch) was never given out: expected at most \(limit)")
        }
    }

    /// Sees that the next epoch is above `epoch`.
    func raise(above epoch: Int64, cluster: ClusterName) async throws {
        guard epoch > raisedTo else { return }
        try Self.check(epoch, at: "hello.highest_epoch")
        try await store.raiseEpochs(above: epoch)
        raisedTo = max(raisedTo, epoch)
        logger.debug("epochs are above the agent's", metadata: ["cluster": "\(cluster)", "epoch": "\(epoch)"])
    }
}
