package import SwellEngine
package import SwellModel
internal import Synchronization

/// The replica's ledger of who is connected and who was seen, for all who note, write and ask.
package final class FleetPresence: Sendable {
    private let ledger: Mutex<PresenceLedger>
    private let tick: @Sendable () -> Tick
    /// How far the clocks of connected agents are ahead of this machine's, as their last reports have it. For people alone.
    private let clocks = Mutex<[ClusterName: Interval]>([:])

    package init(
        _ settings: PresenceLedger.Settings = PresenceLedger.Settings(),
        tick: @escaping @Sendable () -> Tick = MonotonicClock.live()
    ) {
        self.ledger = Mutex(PresenceLedger(settings))
        self.tick = tick
    }

    func note(_ connection: PresenceLedger.Connection) {
        if !connection.isConnected { clocks.withLock { $0[connection.cluster] = nil } }
        ledger.withLock { $0.note(connection) }
    }
    /// Notes what an agent's clock showed when it said something, which has only just come.
    func noteClock(of cluster: ClusterName, showing theirs: Timestamp, now: Timestamp) {
        // An agent may say any number.
        let (ahead, overflows) = theirs.milliseconds.subtractingReportingOverflow(now.milliseconds)
        clocks.withLock { $0[cluster] = Interval(milliseconds: overflows ? .max : ahead) }
    }
    /// How far each connected agent's clock is ahead of this machine's, as far as is known.
    package var clockOffsets: [ClusterName: Interval] { clocks.withLock { $0 } }
    func see(_ cluster: ClusterName) { ledger.withLock { $0.see(cluster, at: tick()) } }
    func batch() -> PresenceLedger.Batch? { ledger.withLock { $0.batch(now: tick()) } }
    func untilDue() -> Interval { ledger.withLock { $0.untilDue(now: tick()) } }
    func answered(_ batch: PresenceLedger.Batch, _ outcome: PresenceLedger.Outcome) {
        ledger.withLock { $0.answered(batch, outcome, now: tick()) }
    }

    /// The store did not answer: see `PresenceGate`.
    func storeFailed() { ledger.withLock { $0.storeFailed() } }

    /// Whether decisions may be made now: see `PresenceGate`. To be asked while the store answers.
    func mayDecide() -> Bool { ledger.withLock { $0.mayDecide(now: tick()) } }
}

/// Readings of a clock that goes on while the process is stopped or the machine sleeps.
package enum MonotonicClock {
    /// A clock that begins now.
    package static func live() -> @Sendable () -> Tick {
        let start = ContinuousClock.now
        return { Tick(milliseconds: Int64((ContinuousClock.now - start) / .milliseconds(1))) }
    }
}
