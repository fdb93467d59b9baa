internal import HeapModule
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// A whole deployment in one value: coordinator replicas over the store's memory form, agents with their disks and clusters, the
/// network between them, operators, and time. Only the seed decides what happens.
///
/// The store, the engine and the agents' machines are the real ones; what surrounds them is played.
struct World {
    let settings: WorldSettings
    var random: SeededRandom
    var now = Timestamp(milliseconds: 1_700_000_000_000)
    var database: MemoryState
    var earlier: MemoryState?
    var replicas: [SimulatedReplica]
    var agents: [SimulatedAgent] = []
    var checker: InvariantChecker
    var coverage = Coverage()
    var isCalm = false
    var trace: [String] = []
    let keepsTrace: Bool
    var rolloutCount = 0
    var eventCount = 0
    var versions = 1
    private var queue = Heap<ScheduledEvent>()
    private var order = 0

    static let application: ApplicationName = "shop"
    static func digest(_ version: Int) -> ContentDigest { ContentDigest(of: "release \(version)".utf8) }
    static func release(_ version: Int) -> ReleaseReference {
        ReleaseReference(version: "\(version)", digest: digest(version))
    }

    init(_ settings: WorldSettings, keepsTrace: Bool) {
        self.settings = settings
        self.keepsTrace = keepsTrace
        self.random = SeededRandom(seed: settings.seed)
        self.database = MemoryState(now: now)
        self.checker = InvariantChecker()
        self.replicas = ["a", "b"].map { SimulatedReplica(name: $0) }
    }

    func has(_ fault: Fault) -> Bool { !isCalm && settings.faults.contains(fault) }

    mutating func schedule(_ event: WorldEvent, in delay: Interval) { schedule(event, at: now + delay) }

    mutating func schedule(_ event: WorldEvent, at moment: Timestamp) {
        order += 1
        queue.insert(ScheduledEvent(at: max(moment, now), order: order, event: event))
    }

    mutating func seconds(_ range: ClosedRange<Int64>) -> Interval {
        .milliseconds(random.number((range.lowerBound * 1_000)...(range.upperBound * 1_000)))
    }

    mutating func note(_ text: @autoclosure () -> String) {
        guard keepsTrace else { return }
        trace.append("\(String(format(now - checker.startedAt))) \(text())")
    }

    private func format(_ interval: Interval) -> String {
        let text = "\(interval.milliseconds)"
        return String(repeating: " ", count: max(0, 8 - text.count)) + text
    }

    /// Runs the whole life of the world; nil where no invariant broke.
    mutating func run() throws(Violation) {
        checker.startedAt = now
        populate()
        scheduleFaults()
        let calmAt = now + settings.stormy
        let end = calmAt + settings.calm
        schedule(.calm, at: calmAt)
        while let next = queue.popMin(), next.at <= end {
            now = next.at
            database.now = now
            eventCount += 1
            try handle(next.event)
        }
        try checkLiveness()
    }

    private mutating func populate() {
        let regions: [RegionName] = ["us-east-1", "us-west-1", "eu-central-1", "ap-south-1"]
        let clusters = (0..<settings.fleet).map { index -> Cluster in
            let region = regions[index < 4 ? index % 4 : Int(random.next() % 4)]
            return Cluster(name: Self.name(index), region: region, environment: "production")
        }
        let application = Application(
            name: Self.application, namespace: "shop",
            strategy: ApplicationStrategy(
                selfRollback: random.chance(500), whenDisconnected: random.pick(DisconnectedBehaviour.allCases),
                whenNeverHealthy: random.pick(NeverHealthyBehaviour.allCases)))
        apply(FleetDocuments(clusters: clusters, applications: [application]))
        for cluster in clusters { add(cluster) }
        for index in replicas.indices { schedule(.replicaTick(index), in: .milliseconds(Int64(index) * 300 + 100)) }
        schedule(.newRollout, in: .seconds(3))
    }

    static func name(_ index: Int) -> ClusterName {
        let text = String(index + 1)
        return ClusterName(stringLiteral: "c" + String(repeating: "0", count: max(0, 3 - text.count)) + text)
    }

    mutating func apply(_ documents: FleetDocuments) {
        // Documents made here are valid; a store that refused them would leave an empty fleet, which the checks notice.
        _ = try? database.apply(documents, by: "operator")
    }

    mutating func add(_ cluster: Cluster) {
        agents.append(SimulatedAgent(cluster: cluster))
        schedule(.agentStarts(agents.count - 1), in: .milliseconds(random.number(0...2_000)))
    }

    private mutating func scheduleFaults() {
        let kinds: [(Fault, WorldEvent, ClosedRange<Int64>)] = [
            (.replicaCrash, .replicaCrash, 60...300), (.replicaFreeze, .replicaFreeze, 60...300),
            (.databaseFailover, .databaseSnapshot, 100...900), (.agentCrash, .agentCrash, 10...60),
            (.agentRestored, .agentRestored, 200...600), (.sessionBreaks, .anySessionBreaks, 5...60),
            (.clusterVanishes, .vanish, 60...240), (.operators, .operatorActs, 5...60),
            (.membership, .membershipChanges, 60...240),
        ]
        for (fault, event, range) in kinds where settings.faults.contains(fault) {
            schedule(event, in: seconds(range))
        }
        if !settings.faults.contains(.operators) { schedule(.operatorActs, in: .seconds(20)) }
    }

    /// Repeats a fault after a while, as long as the storm lasts.
    mutating func again(_ event: WorldEvent, in range: ClosedRange<Int64>) {
        guard !isCalm else { return }
        schedule(event, in: seconds(range))
    }

    private mutating func handle(_ event: WorldEvent) throws(Violation) {
        guard !isCalm || !event.isTrouble else { return }
        switch event {
        case .replicaTick, .agentTick: break
        default: note(event.summary)
        }
        switch event {
        case .replicaTick(let index): try tick(replica: index)
        case .replicaCrash: crashReplica()
        case .replicaFreeze: freezeReplica()
        case .replicaBack(let index): wakeReplica(index)
        case .databaseSnapshot: takeSnapshot()
        case .databaseFailover: failOver()
        case .connect(let agent): try connect(agent)
        case .breakSession(let agent, let session): try breakSession(agent, session)
        case .anySessionBreaks:
            if let agent = random.pickAny(agents.indices.filter { agents[$0].session != nil }) {
                coverage.met(.sessionBreaks)
                try breakSession(agent, agents[agent].session ?? 0)
            }
            again(.anySessionBreaks, in: 5...60)
        case .helloArrives(let agent, let session, let statuses, let epoch):
            try hello(agent, session, statuses, epoch)
        case .reportArrives(let agent, let session, let outgoing): try report(agent, session, outgoing)
        case .acknowledgementArrives(let agent, let session, let application, let sequence):
            guard agents[agent].session == session else { return }
            try feed(agent, .reportAcknowledged(application, sequence: sequence))
        case .assignmentsArrive(let agent, let session, let assignments):
            guard agents[agent].session == session || (has(.duplicates) && random.chance(300)) else { return }
            try feed(agent, .assigned(assignments))
        case .agentTick(let agent, let process):
            guard agents[agent].process == process else { return }
            try feed(agent, .tick)
        case .contentArrives(let agent, let process, let digest):
            guard agents[agent].process == process else { return }
            agents[agent].content.insert(digest)
            try feed(agent, .contentPresent(digest))
        case .workEnds(let agent, let process, let work, let number): try endWork(agent, process, work, number)
        case .look(let agent, let process, let work, let number): try look(agent, process, work, number)
        case .agentCrash:
            if let agent = random.pickAny(agents.indices.filter { agents[$0].isRunning }) {
                coverage.met(.agentCrash)
                crash(agent)
            }
            again(.agentCrash, in: 10...60)
        case .agentRestored: restoreAgent()
        case .agentStarts(let agent): try start(agent)
        case .vanish: try vanish()
        case .reappear(let agent):
            agents[agent].isAway = false
            schedule(.connect(agent), in: seconds(0...5))
        case .newRollout: startRollout()
        case .operatorActs: operatorActs()
        case .membershipChanges: changeMembership()
        case .calm: try becomeCalm()
        }
    }
}
