/// What may go wrong in a world. Each kind can be left out, so that a violation is found again in a smaller world.
public enum Fault: String, Sendable, CaseIterable, Comparable {
    /// A transaction fails, nothing done.
    case transactionFails
    /// A commit's outcome is not known: it may have happened.
    case outcomeUnknown
    /// A coordinator replica dies and comes back.
    case replicaCrash
    /// A replica stops for longer than its leases live, and goes on as if nothing had been.
    case replicaFreeze
    /// The database is restored to an earlier state; the last commits are lost.
    case databaseFailover
    /// An agent's process dies, also between writing its journal and acting on it.
    case agentCrash
    /// An agent comes back with an old copy of its journal.
    case agentRestored
    /// A session breaks; what is in it is lost.
    case sessionBreaks
    /// A cluster is out of reach for minutes.
    case clusterVanishes
    /// Messages take seconds.
    case slowNetwork
    /// Messages arrive twice, or after their session has ended.
    case duplicates
    /// Applying fails now and then.
    case applyFails
    /// Some releases do not become healthy on some clusters.
    case badRelease
    /// Some are healthy only now and then.
    case flapping
    /// Operators pause, abort, roll back, supersede at bad moments.
    case operators
    /// Clusters join and leave.
    case membership

    public static func < (left: Fault, right: Fault) -> Bool { left.rawValue < right.rawValue }
}
