internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Claims, renews and gives back leases, as `LeaseTable` says.
actor LeaseManager {
    private let store: any LeaseStore
    private let holder: String
    private let tick: @Sendable () -> Tick
    private let logger: Logger
    private var table: LeaseTable

    init(
        store: any LeaseStore, holder: String, lifetime: Interval, tick: @escaping @Sendable () -> Tick, logger: Logger
    ) {
        self.store = store
        self.holder = holder
        self.tick = tick
        self.logger = logger
        self.table = LeaseTable(lifetime: lifetime)
    }

    /// The lease on a rollout, claimed if nobody holds it; nil while another replica does.
    func lease(on rollout: RolloutName) async throws(StoreError) -> Lease? {
        let name = LeaseTable.name(of: rollout)
        let now = tick()
        if let lease = table.lease(name, now: now) { return lease }
        let lease = try await claim(name)
        log(lost: table.answered(.claim(name), .claimed(lease), sentAt: now))
        guard let lease else { return nil }
        logger.info("claimed rollout", metadata: ["rollout": "\(rollout)", "epoch": "\(lease.epoch)"])
        return lease
    }

    /// A lease outside the table, given back by the caller. Nil while another replica holds it.
    func claim(_ name: String) async throws(StoreError) -> Lease? {
        try await store.acquireLease(name, holder: holder, lifetime: table.lifetime)
    }

    /// Forgets a lease that turned out to be lost.
    func forget(_ rollout: RolloutName) { table.drop(LeaseTable.name(of: rollout)) }

    /// Gives up the lease on a rollout that needs no more decisions.
    func release(_ rollout: RolloutName) async throws(StoreError) {
        guard let lease = table.drop(LeaseTable.name(of: rollout)) else { return }
        try await store.releaseLease(lease)
    }

    /// Renews all that is held, where it is time, and forgets what is not any more.
    func renew() async throws(StoreError) {
        let now = tick()
        guard let step = table.due(now: now) else { return }
        do throws(StoreError) {
            let renewal = try await store.renewLeases(holder: holder, lifetime: table.lifetime)
            let busy = Set(renewal.busy.map(\.name))
            log(lost: table.answered(step, .renewed(renewal.renewed, busy: busy), sentAt: now))
        } catch {
            log(lost: table.answered(step, .failed, sentAt: now))
            throw error
        }
    }

    /// Gives everything up, so that others need not wait for it to expire.
    func releaseAll() async throws(StoreError) {
        table.dropAll()
        try await store.releaseLeases(holder: holder)
    }

    private func log(lost: [Lease]) {
        for lease in lost {
            logger.notice("lost a lease", metadata: ["lease": "\(lease.name)", "epoch": "\(lease.epoch)"])
        }
    }
}
