internal import SwellEngine
internal import SwellModel

/// One replica of the coordinator: the values that decide for its loops, and the sessions that it holds.
struct SimulatedReplica {
    /// What is in a process's memory, and gone with it.
    struct Memory {
        var cursor = ChangeCursor()
        var presence = PresenceLedger()
        var silence = SilenceWatch(limit: .seconds(60), pace: .seconds(1))
        var leases = LeaseTable()
        var orphans = OrphanSweep()
        var queue = DecisionQueue()
        /// The sessions by cluster, at most one each: the newest wins.
        var sessions: [ClusterName: SimulatedSession] = [:]
        /// When agents' heartbeats were last read.
        var beatAt: Tick?
        /// The highest counter that a planted bug has seen.
        var counter: Int64 = 0
        /// What is thought about at the moment.
        var thoughts: [RolloutName: Thought] = [:]
        /// Leases of decisions that were about to be tried when the replica stopped.
        var stale: [String: Lease] = [:]
    }

    var name: String
    var clock: PlayedClock
    var memory = Memory()
    /// Rises with each start, as part of the name that holds leases.
    var boot = 0
    var isRunning = true
    var isFrozen = false
    /// When a frozen replica goes on.
    var frozenUntil = Timestamp(milliseconds: 0)

    var holder: String { "\(name)#\(boot)" }
}

/// A replica's end of a session.
struct SimulatedSession {
    var agent: Int
    var session: Int
    var delivery = SessionDelivery()
}
