internal import SwellEngine
internal import SwellModel

/// One replica of the coordinator: what it believes to hold, and how far it has pushed assignments.
struct SimulatedReplica {
    var name: String
    var clock: PlayedClock
    /// Rises with each start, as part of the name that holds leases.
    var boot = 0
    var isRunning = true
    var isFrozen = false
    /// When a frozen replica goes on.
    var frozenUntil = Timestamp(milliseconds: 0)
    var leases: [RolloutName: Lease] = [:]
    var cursor: Int64 = 0
    var touchedAt = Timestamp(milliseconds: 0)
    var orphansCheckedAt = Timestamp(milliseconds: 0)
    var pushedAllAt = Timestamp(milliseconds: 0)

    var holder: String { "\(name)#\(boot)" }
}
