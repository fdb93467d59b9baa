internal import SwellEngine
internal import SwellModel

/// An agent with its disk and its cluster.
struct SimulatedAgent {
    /// What can be said through the network just now.
    enum Cut { case toCoordinator, toAgent }

    var cluster: Cluster
    var machine = AgentMachine()
    /// The journal as it is on disk.
    var disk = AgentJournal()
    /// A copy from earlier, as a backup would have.
    var backup: AgentJournal?
    var clock: PlayedClock
    /// Whether it is a second agent under its cluster's name.
    var isClone = false
    /// Rises with each start; what an earlier process ordered is void.
    var process = 0
    var isRunning = false
    /// When its alarm rings, in true time.
    var wakeAt: Timestamp?
    /// Whether nothing gets to the cluster or from it.
    var isAway = false
    /// Until when its process stands still.
    var frozenUntil = Timestamp(milliseconds: 0)
    /// Until when it cannot see its cluster.
    var blindUntil = Timestamp(milliseconds: 0)
    /// Until when somebody lies in its name.
    var liesUntil = Timestamp(milliseconds: 0)
    /// Which direction is cut, and until when.
    var cut: Cut?
    var cutUntil = Timestamp(milliseconds: 0)
    /// The session, if one is up, and how many there were.
    var session: Int?
    var lastSession = 0
    var replica = 0
    /// When the last message in each direction arrives, since a session keeps their order.
    var lastToCoordinator = Timestamp(milliseconds: 0)
    var lastToAgent = Timestamp(milliseconds: 0)
    var content: Set<ContentDigest> = []
    /// What the cluster really runs, and since when.
    var running: [ApplicationName: ContentDigest] = [:]
    var appliedAt: [ApplicationName: Timestamp] = [:]
    /// What is under way; a number tells apart one start of work from the next.
    var workNumber = 0
    var current: [ApplicationName: Int] = [:]
    var isMember = true
    /// How releases do here, found once each.
    var fates: [ContentDigest: Fate] = [:]

    init(cluster: Cluster, at truth: Timestamp) {
        self.cluster = cluster
        self.clock = PlayedClock(at: truth)
    }

    /// Whether the coordinator hears it.
    var isHeard: Bool { session != nil && !isAway && cut != .toCoordinator }
}
