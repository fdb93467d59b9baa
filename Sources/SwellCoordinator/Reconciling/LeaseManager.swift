internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// The leases on rollouts that this replica holds. A lease is only a permission to try: each decision checks it again in its own
/// transaction (invariant 9).
actor LeaseManager {
    private let store: any LeaseStore
    private let holder: String
    private let lifetime: Interval
    private let logger: Logger
    private var held: [String: Lease] = [:]

    init(store: any LeaseStore, holder: String, lifetime: Interval, logger: Logger) {
        self.store = store
        self.holder = holder
        self.lifetime = lifetime
        self.logger = logger
    }

    static func name(of rollout: RolloutName) -> String { "rollout/\(rollout)" }

    /// The lease on a rollout, claimed if nobody holds it; nil while another replica does.
    func lease(on rollout: RolloutName) async throws(StoreError) -> Lease? {
        let name = Self.name(of: rollout)
        if let lease = held[name] { return lease }
        guard let lease = try await store.acquireLease(name, holder: holder, lifetime: lifetime) else { return nil }
        held[name] = lease
        logger.info("claimed rollout", metadata: ["rollout": "\(rollout)", "epoch": "\(lease.epoch)"])
        return lease
    }

    /// A new lease for telling orphans again, under a new epoch; given back by the caller. Nil while another replica holds it.
    func claimOrphans() async throws(StoreError) -> Lease? {
        try await store.acquireLease("strays", holder: holder, lifetime: lifetime)
    }

    /// Forgets a lease that turned out to be lost.
    func forget(_ rollout: RolloutName) { held[Self.name(of: rollout)] = nil }

    /// Gives up the lease on a rollout that needs no more decisions.
    func release(_ rollout: RolloutName) async throws(StoreError) {
        guard let lease = held.removeValue(forKey: Self.name(of: rollout)) else { return }
        try await store.releaseLease(lease)
    }

    /// Renews all that is held, and forgets what is not any more.
    func renew() async throws(StoreError) {
        guard !held.isEmpty else { return }
        let before = held
        let still = try await store.renewLeases(holder: holder, lifetime: lifetime)
        let names = Set(still.map(\.name))
        for (name, lease) in before where !names.contains(name) && held[name]?.epoch == lease.epoch {
            held[name] = nil
            logger.notice("lost a lease", metadata: ["lease": "\(name)", "epoch": "\(lease.epoch)"])
        }
    }

    /// Gives everything up, so that others need not wait for it to expire.
    func releaseAll() async throws(StoreError) {
        held = [:]
        try await store.releaseLeases(holder: holder)
    }
}
