internal import SwellEngine
internal import SwellModel

/// Feeds a machine and keeps what it did.
struct AgentDriver {
    var machine = AgentMachine()
    var now = Timestamp(milliseconds: 1_000_000)
    /// The journal as the disk has it.
    var disk = AgentJournal()
    var applies: [AgentWork] = []
    var givenUp: [AgentWork] = []
    var fetches: [ContentDigest] = []
    var last: OutgoingReport?
    var wakeAt: Timestamp?

    var report: ApplicationReport? { last?.report }

    @discardableResult
    mutating func send(_ event: AgentEvent) -> [AgentAction] {
        let actions = machine.handle(event, now: now)
        for action in actions {
            switch action {
            case .persist(let journal): disk = journal
            case .apply(let work), .remove(let work): applies.append(work)
            case .giveUp(let work): givenUp.append(work)
            case .report(let report): last = report
            case .wake(let moment): wakeAt = moment
            case .fetch(let digest): fetches.append(digest)
            case .acknowledge, .cancel, .watch, .note: break
            }
        }
        return actions
    }

    /// Lets time pass, with a tick wherever the machine wished for one and at the end.
    mutating func pass(_ interval: Interval) {
        let end = now + interval
        while let moment = wakeAt, moment <= end {
            now = max(now, moment)
            wakeAt = nil
            send(.tick)
        }
        now = end
        send(.tick)
    }

    mutating func acknowledgeAll() {
        for (name, record) in machine.journal.applications {
            if let outgoing = record.outgoing { send(.reportAcknowledged(name, sequence: outgoing.sequence)) }
        }
    }

    /// The process dies and comes back with what the disk has.
    mutating func crash() {
        machine = AgentMachine(journal: disk)
        wakeAt = nil
        send(.restarted)
    }

    func digest(_ version: String) -> ContentDigest { ContentDigest(of: Array(version.utf8)) }
    func release(_ version: String) -> ReleaseReference {
        ReleaseReference(version: version, digest: digest(version))
    }
    func forward(_ generation: Int64, _ version: String) -> AgentWork {
        AgentWork(application: "shop", generation: generation, kind: .forward(release(version)))
    }
    func revert(_ generation: Int64, _ version: String) -> AgentWork {
        AgentWork(application: "shop", generation: generation, kind: .revert(release(version)))
    }

    func assignment(
        _ generation: Int64, _ version: String, epoch: Int64 = 1, fallback: String? = nil, selfRollback: Bool = true,
        away: DisconnectedBehaviour = .finish
    ) -> Assignment {
        Assignment(
            cluster: "east-1", application: "shop", generation: generation, epoch: epoch, rollout: "shop-1",
            goal: .run(release(version)), fallback: fallback.map(release),
            settings: AssignmentSettings(
                minHealthyTime: .seconds(30), progressDeadline: .minutes(10), selfRollback: selfRollback,
                whenDisconnected: away))
    }

    func removal(_ generation: Int64) -> Assignment {
        var assignment = assignment(generation, "none")
        assignment.goal = .remove
        return assignment
    }

    /// Brings an assignment to where its apply is in flight.
    mutating func start(
        _ generation: Int64, _ version: String, epoch: Int64 = 1, fallback: String? = nil, selfRollback: Bool = true,
        away: DisconnectedBehaviour = .finish
    ) {
        if machine.journal.applications.isEmpty {
            send(.restarted)
            send(.connected)
        }
        let assignment = assignment(
            generation, version, epoch: epoch, fallback: fallback, selfRollback: selfRollback, away: away)
        send(.assigned([assignment]))
        send(.contentPresent(digest(version)))
    }

    static func verifying(_ generation: Int64, _ version: String, epoch: Int64 = 1) -> AgentDriver {
        var driver = AgentDriver()
        driver.start(generation, version, epoch: epoch)
        driver.send(.workFinished(driver.forward(generation, version)))
        return driver
    }

    static func healthy(_ generation: Int64, _ version: String, epoch: Int64 = 1) -> AgentDriver {
        var driver = verifying(generation, version, epoch: epoch)
        driver.send(.healthObserved(driver.forward(generation, version), ObservedHealth(.healthy)))
        driver.pass(.seconds(30))
        return driver
    }
}

extension WorkFailure {
    static let permanent = WorkFailure(isTransient: false, reason: "Invalid", message: "Deployment web: spec.foo")
    static let transient = WorkFailure(isTransient: true, reason: "Unavailable", message: "no answer")
}

extension [AgentAction] {
    /// What was decided, in order.
    var notes: [String] {
        compactMap { action in
            if case .note(let note) = action { note.what } else { nil }
        }
    }
}
