/// What may go wrong in a world. Each kind can be left out, so that a violation is found again in a smaller world.
public enum Fault: String, Sendable, CaseIterable, Comparable {
    // The database
    /// A transaction fails, nothing done.
    case transactionFails
    /// A commit's outcome is not known: it may have happened.
    case outcomeUnknown
    /// The store answers nothing for longer than policies call silence, while sessions live on.
    case storeAway
    /// The database is restored to an earlier state; the last commits are lost, and sessions may stand through it.
    case databaseFailover
    /// The database's clock jumps minutes ahead, now and then further than any deadline, or some seconds back, and runs too fast or
    /// too slow.
    case databaseClock
    // Replicas of the coordinator
    /// A replica dies and comes back.
    case replicaCrash
    /// A replica stops for longer than its leases live, and goes on as if nothing had been.
    case replicaFreeze
    /// A replica takes seconds from reading to committing, and anything may happen meanwhile.
    case slowThoughts
    /// A replica's own clock is minutes off.
    case replicaClocks
    // Agents
    /// An agent's process dies, also between writing its journal and acting on it.
    case agentCrash
    /// An agent's process stands still for less than it takes to end its session, and goes on; its clock went on meanwhile.
    case agentFrozen
    /// An agent comes back with an old copy of its journal.
    case agentRestored
    /// A second agent runs under the name of a cluster, from a copy of its journal and of the cluster.
    case agentCloned
    /// An agent's clock jumps by up to an hour either way, and runs too fast or too slow.
    case agentClocks
    /// An agent lies: of epochs, generations, phases and health, and in floods.
    case lyingAgent
    /// An agent asks for content that its cluster has no business with.
    case curiousAgents
    // The network
    /// A session breaks; what is in it is lost.
    case sessionBreaks
    /// A message is lost, and its session some time later.
    case messagesLost
    /// One direction of a session is cut for a while: what is said there arrives later, or not at all.
    case oneWayCuts
    /// Messages take seconds.
    case slowNetwork
    /// Messages arrive twice, or after their session has ended.
    case duplicates
    /// What was said in a session arrives after what was said in the next.
    case reordering
    // Clusters
    /// A cluster is out of reach for minutes.
    case clusterVanishes
    /// A cluster's API server is away, while its agent lives.
    case blindness
    /// Applying fails now and then.
    case applyFails
    /// Some releases do not become healthy on some clusters.
    case badRelease
    /// Some are healthy only now and then.
    case flapping
    /// Some clusters say healthy of what is not: the former release's health, or one that does not last.
    case lying
    /// Others change what was applied.
    case drift
    // People
    /// Operators pause, resume, abort, approve, promote, retry and roll back, at bad moments.
    case operators
    /// A rollout takes the place of one that is under way.
    case superseding
    /// Applications, policies and clusters' documents are changed while they are in use.
    case editing
    /// Clusters join and leave.
    case membership
    /// Clusters leave, move or join just when one of them was dispatched to, has failed or soaks, and may come back.
    case membershipAtWorst

    public static func < (left: Fault, right: Fault) -> Bool { left.rawValue < right.rawValue }
}
