internal import SwellEngine
internal import SwellModel

/// An agent with its disk and its cluster.
struct SimulatedAgent {
    let cluster: Cluster
    var machine = AgentMachine()
    /// The journal as it is on disk.
    var disk = AgentJournal()
    /// A copy from earlier, as a backup would have.
    var backup: AgentJournal?
    /// Rises with each start; what an earlier process ordered is void.
    var process = 0
    var isRunning = false
    /// Whether nothing gets to the cluster or from it.
    var isAway = false
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

    init(cluster: Cluster) { self.cluster = cluster }
}

/// How a release does on a cluster.
enum Fate: Hashable {
    case healthy(after: Interval)
    case failed(after: Interval)
    case stuck
    /// Healthy, and degraded for some seconds in each minute.
    case flapping

    static func of(_ digest: ContentDigest, on cluster: ClusterName, settings: WorldSettings) -> Fate {
        var hash: UInt64 = settings.seed
        for byte in (digest.rawValue + cluster.rawValue).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var random = SeededRandom(seed: hash)
        let delay = Interval.seconds(random.number(1...25))
        let roll = random.number(0...99)
        // The first release is good everywhere; of the others, one in four is bad, on about a third of the clusters.
        var release = SeededRandom(seed: settings.seed ^ digest.rawValue.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
        let isBad = release.chance(250) && digest != World.digest(1)
        if settings.faults.contains(.badRelease), isBad {
            if roll < 20 { return .failed(after: delay) }
            if roll < 35 { return .stuck }
        }
        if settings.faults.contains(.flapping), roll >= 90, digest != World.digest(1) { return .flapping }
        return .healthy(after: delay)
    }

    func health(_ age: Interval, isCalm: Bool) -> Health {
        switch self {
        case .healthy(let delay): return age < delay ? .progressing : .healthy
        case .failed(let delay): return age < delay ? .progressing : .failed
        case .stuck: return .progressing
        case .flapping: return isCalm || age.milliseconds % 90_000 < 75_000 ? .healthy : .degraded
        }
    }
}
