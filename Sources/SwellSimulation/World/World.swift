internal import HeapModule
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// A whole deployment in one value: coordinator replicas over the store's memory form, agents with their disks and clusters, the
/// network between them, operators, clocks and time. Only the seed decides what happens.
///
/// The store, the engine and the agents' machines are the real ones; what surrounds them is played. Here is how time passes; who
/// does what is in the extensions, one concern a file.
struct World {
    let settings: WorldSettings
    var random: SeededRandom
    /// The true time, which nobody in the world knows.
    var now = Timestamp(milliseconds: 1_700_000_000_000)
    var database: MemoryState
    var databaseClock: PlayedClock
    /// Until when the store answers nothing.
    var storeAwayUntil = Timestamp(milliseconds: 0)
    /// The database as it was some time ago, with what the checker knew of it.
    var earlier: (database: MemoryState, ledger: Ledger)?
    var replicas: [SimulatedReplica]
    var agents: [SimulatedAgent] = []
    var checker = InvariantChecker()
    var coverage = Coverage()
    var isCalm = false
    /// How often in a row everything was found settled in the calm.
    var settledLooks = 0
    var trace: [TraceLine] = []
    let keepsTrace: Bool
    var rolloutCount = 0
    var clusterCount = 0
    var eventCount = 0
    /// The releases of each application, the first one good everywhere.
    var releases: [ApplicationName: [ReleaseReference]] = [:]
    /// What speaks against clusters, whatever their releases' fate is.
    var blame = Blame()
    /// Content that a planted bug makes the store's readers miss.
    var hidden: Set<ContentDigest> = []
    private var queue = Heap<ScheduledEvent>()
    private var order = 0

    init(_ settings: WorldSettings, keepsTrace: Bool) {
        self.settings = settings
        self.keepsTrace = keepsTrace
        self.random = SeededRandom(seed: settings.seed)
        self.database = MemoryState(now: now)
        self.databaseClock = PlayedClock(at: now)
        self.replicas = (0..<settings.replicas).map { [now] in
            SimulatedReplica(name: "replica-\($0 + 1)", clock: PlayedClock(at: now))
        }
    }

    func has(_ fault: Fault) -> Bool { !isCalm && settings.faults.contains(fault) }

    /// Whether this fault happens now, with a chance of so many in a thousand; counted where it does.
    mutating func happens(_ fault: Fault, _ perMille: UInt64) -> Bool {
        guard has(fault), random.chance(perMille) else { return false }
        coverage.met(fault)
        return true
    }

    // MARK: Time

    mutating func schedule(_ event: WorldEvent, in delay: Interval) { schedule(event, at: now + delay) }

    mutating func schedule(_ event: WorldEvent, at moment: Timestamp) {
        order += 1
        queue.insert(ScheduledEvent(at: max(moment, now), order: order, event: event))
    }

    mutating func seconds(_ range: ClosedRange<Int64>) -> Interval {
        .milliseconds(random.number((range.lowerBound * 1_000)...(range.upperBound * 1_000)))
    }

    mutating func note(_ text: @autoclosure () -> String, of cluster: ClusterName? = nil) {
        guard keepsTrace else { return }
        trace.append(TraceLine(after: now - checker.startedAt, cluster: cluster, text: text()))
    }

    private mutating func note(_ event: WorldEvent) {
        guard let index = event.agent else { return note(event.summary) }
        let cluster = agents[index].cluster.name
        let name = agents[index].isClone ? "\(cluster) (clone)" : "\(cluster)"
        note("\(name) \(event.summary)", of: cluster)
    }

    /// Runs the whole life of the world.
    mutating func run() throws(Violation) {
        checker.startedAt = now
        populate()
        scheduleFaults()
        let calmAt = now + settings.stormy
        let end = calmAt + settings.calm
        schedule(.calm, at: calmAt)
        while let next = queue.popMin(), next.at <= end {
            now = next.at
            database.now = databaseClock.reading(at: now)
            eventCount += 1
            try handle(next.event)
            // A settled world has nothing more to show.
            if settledLooks >= 3 { return }
        }
        try checkLiveness()
    }

    /// Repeats a fault after a while, as long as the storm lasts.
    mutating func again(_ event: WorldEvent, in range: ClosedRange<Int64>) {
        guard !isCalm else { return }
        schedule(event, in: seconds(range))
    }

    private mutating func scheduleFaults() {
        let kinds: [(Fault, WorldEvent, ClosedRange<Int64>)] = [
            (.replicaCrash, .replicaCrash, 60...300), (.replicaFreeze, .replicaFreeze, 60...300),
            (.databaseFailover, .databaseSnapshot, 100...900), (.agentCrash, .agentCrash, 10...60),
            (.agentRestored, .agentRestored, 200...600), (.agentCloned, .agentCloned, 60...600),
            (.curiousAgents, .curiosity, 20...120), (.sessionBreaks, .anySessionBreaks, 5...60),
            (.oneWayCuts, .cut, 20...120), (.clusterVanishes, .vanish, 60...240), (.operators, .operatorActs, 5...60),
            (.editing, .documentsChange, 30...300), (.membership, .membershipChanges, 60...240),
            (.databaseClock, .clockJumps(.databaseClock), 100...900),
            (.replicaClocks, .clockJumps(.replicaClocks), 20...300),
            (.agentClocks, .clockJumps(.agentClocks), 20...200), (.storeAway, .storeGoesAway, 100...600),
            (.agentFrozen, .freeze, 20...120), (.blindness, .goBlind, 60...300), (.lyingAgent, .beginLying, 100...600),
        ]
        for (fault, event, range) in kinds where settings.faults.contains(fault) {
            schedule(event, in: seconds(range))
        }
        // Without operators somebody still gives the approvals that policies ask for.
        if !settings.faults.contains(.operators) { schedule(.operatorActs, in: .seconds(20)) }
        schedule(.maintain, in: seconds(30...90))
    }

    private mutating func handle(_ event: WorldEvent) throws(Violation) {
        guard !isCalm || !event.isTrouble else { return }
        if let agent = event.handler, isFrozen(agent) { return postpone(event, of: agent) }
        if keepsTrace, event.isNotable { note(event) }
        switch event {
        case .replicaTick(let index): try tick(replica: index)
        case .thoughtEnds(let index, let boot, let rollout): try endThought(of: rollout, replica: index, boot: boot)
        case .replicaCrash: crashReplica()
        case .replicaFreeze: freezeReplica()
        case .replicaBack(let index): wakeReplica(index)
        case .databaseSnapshot: takeSnapshot()
        case .databaseFailover: failOver()
        case .storeGoesAway: loseStore()
        case .maintain: try maintain()
        case .connect(let agent): try connect(agent)
        case .breakSession(let agent, let session): try breakSession(agent, session)
        case .helloArrives(let agent, let session, let statuses, let epoch):
            try hello(agent, session, statuses, epoch)
        case .reportArrives(let agent, let session, let outgoing, let isLate):
            try report(agent, session, outgoing, isLate: isLate)
        case .acknowledgementArrives(let agent, let session, let application, let sequence):
            try acknowledge(agent, session, application, sequence)
        case .assignmentsArrive(let agent, let session, let assignments, let isRepeat):
            try deliver(agent, session, assignments, isRepeat: isRepeat)
        case .anySessionBreaks: try breakAnySession()
        case .cut: cutOneWay()
        case .cutEnds(let agent): agents[agent].cut = nil
        case .agentTick(let agent, let process): try tick(agent, process)
        case .contentAsked(let agent, let process, let digest): try askContent(agent, process, digest)
        case .contentArrives(let agent, let process, let digest):
            guard agents[agent].process == process else { return }
            agents[agent].content.insert(digest)
            try feed(agent, .contentPresent(digest))
        case .workEnds(let agent, let process, let work, let number): try endWork(agent, process, work, number)
        case .look(let agent, let process, let work, let number): try look(agent, process, work, number)
        case .agentCrash: crashAnyAgent()
        case .agentRestored: restoreAgent()
        case .agentCloned: cloneAgent()
        case .cloneEnds(let agent): endClone(agent)
        case .agentStarts(let agent): try start(agent)
        case .curiosity: try beCurious()
        case .vanish: vanish()
        case .reappear(let agent):
            agents[agent].isAway = false
            schedule(.connect(agent), in: seconds(0...5))
        case .freeze: freezeAgent()
        case .goBlind: goBlind()
        case .beginLying: beginLying()
        case .lie(let agent): try lie(agent)
        case .clockJumps(let fault): jumpClock(fault)
        case .newRollout(let application):
            schedule(.newRollout(application), in: seconds(20...200))
            try startRollout(of: application)
        case .suddenRollout(let application): try startRollout(of: application)
        case .operatorActs: operatorActs()
        case .documentsChange: changeDocuments()
        case .membershipChanges: try changeMembership()
        case .membershipTempted(let cluster): changeMembership(of: cluster)
        case .stopTempted(let rollout): stop(rollout)
        case .memberReturns(let agent): bringBack(agent)
        case .memberMoves(let agent, let region): move(agent, to: region)
        case .calm: try becomeCalm()
        case .settled: lookWhetherSettled()
        }
    }
}
