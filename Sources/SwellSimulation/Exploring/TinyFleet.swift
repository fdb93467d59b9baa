internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// A fleet so small that everything that can happen to it can be gone through: three clusters in two regions, a canary with a soak
/// and the rest behind it, two replicas of the coordinator, one release over another that is proven everywhere.
///
/// The store, the engine and the agents' machines are the ones that ship. Played are messages, clusters, operators and time, which
/// goes in units: every interval of the policy is a whole number of them, so no moment that matters lies between.
struct TinyFleet {
    static let unit = Interval.seconds(10)
    static let nearRegion: RegionName = "near"
    static let farRegion: RegionName = "far"
    static let clusters = [
        Cluster(name: "near-1", region: nearRegion, environment: "production"),
        Cluster(name: "far-1", region: farRegion, environment: "production"),
        Cluster(name: "far-2", region: farRegion, environment: "production"),
    ]
    static let replicaNames = ["a", "b"]
    static let application: ApplicationName = "shop"
    static let rollout: RolloutName = "shop-2"
    static let former = ReleaseReference(version: "1", digest: ContentDigest(of: "release 1".utf8))
    static let release = ReleaseReference(version: "2", digest: ContentDigest(of: "release 2".utf8))
    static let leaseName = "rollout/shop-2"
    static let soak = Interval.seconds(20)
    /// A lease outlives one unit without renewal, not two.
    static let leaseLifetime = Interval.seconds(20)

    static func policy(_ settings: ExplorerSettings) -> RolloutPolicy {
        RolloutPolicy(
            name: "near-then-far",
            stages: [
                PolicyStage(name: "canary", select: ClusterSelector(regions: [nearRegion]), soak: soak),
                PolicyStage(name: "rest", select: ClusterSelector(regions: [farRegion]), maxConcurrent: .count(1)),
            ],
            minHealthyTime: unit, progressDeadline: .seconds(30), unreachableAfter: .seconds(15),
            onFailure: settings.onFailure.policy)
    }

    struct Replica {
        var isStalled = false
        /// What it believes to hold.
        var lease: Lease?
        /// What it thinks about, and what an onlooker knew when that was read.
        var thought: (reading: DecisionReading, decision: Decision, lease: Lease, ledger: ExplorerLedger)?
    }

    struct Agent {
        /// Time passes in units here, which no alarm divides.
        var machine = AgentMachine(
            rules: AgentRules(heartbeatInterval: .hours(1), stallGrace: .hours(1), sightDelay: .zero))
        /// Whether nothing gets to the cluster or from it.
        var isUnreachable = false
        var lateAssignment: Assignment?
        var lateReport: ApplicationReport?

        var record: AgentRecord? { machine.journal.applications[TinyFleet.application] }
    }

    /// What may still happen on this path.
    struct Budget: Hashable {
        var orders: Int
        var stalls: Int
        var badLooks: Int
        var silences: Int
        var lateMessages: Int
        var delays: Int
        var thoughts: Int
    }

    var now = Timestamp(milliseconds: 1_700_000_000_000)
    var database: MemoryState
    var replicas = [Replica(), Replica()]
    var agents = [Agent(), Agent(), Agent()]
    var budget: Budget
    var ledger = ExplorerLedger()
    let plantedBug: ExplorerBug?

    /// The moment at which the rollout was stored and nothing has been decided, with the former release proven on every cluster.
    init(_ settings: ExplorerSettings) throws(Violation) {
        plantedBug = settings.plantedBug
        budget = Budget(
            orders: settings.orders, stalls: settings.stalls, badLooks: settings.badLooks,
            silences: settings.silences, lateMessages: settings.lateMessages, delays: settings.delays,
            thoughts: settings.thoughts)
        database = MemoryState(now: now)
        do {
            try prepare()
            try plan(Self.rollout, Self.release, Self.policy(settings))
        } catch {
            throw Violation(invariant: 0, message: "the tiny fleet cannot be set up: \(error)")
        }
        ledger = ExplorerLedger()
        database.dropHistory()
    }

    private mutating func plan(_ name: RolloutName, _ release: ReleaseReference, _ policy: RolloutPolicy) throws {
        let rollout = try RolloutPlanner.plan(
            PlanRequest(
                name: name, application: Self.application, release: release, policy: policy,
                strategy: ApplicationStrategy(), createdBy: "operator"),
            snapshot: try database.snapshot(for: Self.application), now: now)
        try database.createRollout(rollout, superseding: [], by: "operator")
    }

    /// Brings the former release to every cluster, as a first rollout would.
    private mutating func prepare() throws {
        _ = try database.apply(
            FleetDocuments(
                clusters: Self.clusters, applications: [Application(name: Self.application, namespace: "shop")]),
            by: "operator")
        for index in agents.indices {
            try feed(index, .restarted)
            try connect(index)
        }
        let first: RolloutName = "shop-1"
        try plan(first, Self.former, RolloutPlanner.firstPolicy)
        for _ in 0..<10 {
            guard let lease = database.acquireLease("rollout/shop-1", holder: "first", lifetime: .minutes(5)) else {
                break
            }
            _ = try database.decide(first, under: lease) { DecisionMaker.decide($0) }
            for index in agents.indices {
                try deliver(database.assignments(of: Self.clusters[index].name), to: index)
                if let work = agents[index].record?.work {
                    try feed(index, .healthObserved(work, ObservedHealth(.healthy)))
                }
                try report(index)
            }
            if database.rollout(first)?.phase == .succeeded { break }
            try passTime()
        }
        guard database.rollout(first)?.phase == .succeeded else {
            throw Violation(invariant: 19, message: "the first release does not get through")
        }
        database.releaseLeases(holder: "first")
    }
}
