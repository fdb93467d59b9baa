internal import SwellEngine
internal import SwellModel

/// One thing that happens in a world.
enum WorldEvent: Sendable {
    // Coordinator
    case replicaTick(Int)
    case replicaCrash
    case replicaFreeze
    case replicaBack(Int)
    /// Replica, its start, the rollout.
    case thoughtEnds(Int, Int, RolloutName)
    case databaseSnapshot
    case databaseFailover
    case storeGoesAway
    case maintain
    // Sessions: agent, session
    case connect(Int)
    case breakSession(Int, Int)
    case helloArrives(Int, Int, [ApplicationReport], Int64)
    case reportArrives(Int, Int, OutgoingReport, isLate: Bool)
    case acknowledgementArrives(Int, Int, ApplicationName, Int64)
    case assignmentsArrive(Int, Int, [Assignment], isRepeat: Bool = false)
    case anySessionBreaks
    case cut
    case cutEnds(Int)
    // Agents: agent, process
    case agentTick(Int, Int)
    case contentAsked(Int, Int, ContentDigest)
    case contentArrives(Int, Int, ContentDigest)
    case workEnds(Int, Int, AgentWork, Int)
    case look(Int, Int, AgentWork, Int)
    case agentCrash
    case agentRestored
    case agentCloned
    case cloneEnds(Int)
    case agentStarts(Int)
    case curiosity
    case vanish
    case reappear(Int)
    case freeze
    case goBlind
    case beginLying
    case lie(Int)
    // Clocks
    case clockJumps(Fault)
    // People
    case newRollout(ApplicationName)
    case suddenRollout(ApplicationName)
    case operatorActs
    case documentsChange
    case membershipChanges
    case membershipTempted(ClusterName)
    case stopTempted(RolloutName)
    case memberReturns(Int)
    case memberMoves(Int, RegionName)
    case calm
    case settled

    /// Whether it is a fault or a person's doing, which stop with the storm.
    var isTrouble: Bool {
        switch self {
        case .replicaCrash, .replicaFreeze, .databaseSnapshot, .databaseFailover, .agentCrash, .agentRestored,
            .agentCloned, .curiosity, .vanish, .anySessionBreaks, .cut, .clockJumps, .newRollout, .suddenRollout,
            .operatorActs,
            .documentsChange, .membershipChanges, .storeGoesAway, .freeze, .goBlind, .beginLying, .lie,
            .membershipTempted, .stopTempted,
            .memberReturns, .memberMoves:
            true
        default: false
        }
    }

    /// Whether it belongs in the trace: what happens all the time does not.
    var isNotable: Bool {
        switch self {
        case .replicaTick, .thoughtEnds, .agentTick, .contentAsked, .contentArrives, .look, .settled, .cutEnds, .lie:
            false
        default: true
        }
    }

    /// The agent that it happens to, if it happens to one.
    var agent: Int? {
        switch self {
        case .connect(let agent), .breakSession(let agent, _), .helloArrives(let agent, _, _, _),
            .reportArrives(let agent, _, _, _), .acknowledgementArrives(let agent, _, _, _),
            .assignmentsArrive(let agent, _, _, _), .cutEnds(let agent), .agentTick(let agent, _),
            .contentAsked(let agent, _, _), .contentArrives(let agent, _, _), .workEnds(let agent, _, _, _),
            .look(let agent, _, _, _), .cloneEnds(let agent), .agentStarts(let agent), .reappear(let agent),
            .lie(let agent),
            .memberReturns(let agent), .memberMoves(let agent, _):
            agent
        default: nil
        }
    }

    /// The agent whose process handles it, if one does: one that stands still handles it when it goes on.
    var handler: Int? {
        switch self {
        case .connect(let agent), .acknowledgementArrives(let agent, _, _, _), .assignmentsArrive(let agent, _, _, _),
            .agentTick(let agent, _), .contentAsked(let agent, _, _), .contentArrives(let agent, _, _),
            .workEnds(let agent, _, _, _), .look(let agent, _, _, _):
            agent
        default: nil
        }
    }

    /// For the trace, after the cluster's name where there is one.
    var summary: String {
        switch self {
        case .connect: "connects"
        case .breakSession: "its session breaks"
        case .helloArrives(_, _, let statuses, _):
            "says hello: "
                + statuses.map { "\($0.application) g\($0.generation) \($0.phase) \($0.health)" }.joined(
                    separator: ", ")
        case .reportArrives(_, _, let outgoing, let isLate):
            "reports\(isLate ? " late" : ""): \(outgoing.report.application) g\(outgoing.report.generation) "
                + "e\(outgoing.report.epoch) \(outgoing.report.phase) \(outgoing.report.health)"
        case .acknowledgementArrives(_, _, let application, let sequence):
            "its report \(sequence) of \(application) is acknowledged"
        case .assignmentsArrive(_, _, let assignments, _):
            "is told: "
                + assignments.map {
                    "\($0.application) g\($0.generation) e\($0.epoch) \($0.digest?.short ?? "remove")"
                }.joined(separator: ", ")
        case .workEnds(_, _, let work, _): "ends work on \(work.application) g\(work.generation)"
        case .cloneEnds: "its clone ends"
        case .agentStarts: "its agent starts"
        case .reappear: "is in reach again"
        case .memberReturns: "is in the fleet again"
        case .memberMoves(_, let region): "moves to \(region)"
        case .clockJumps(let fault): "\(fault.rawValue)"
        default: "\(self)"
        }
    }
}

/// One line of what happened.
struct TraceLine: Hashable {
    var after: Interval
    /// The cluster that it concerns, if it concerns one.
    var cluster: ClusterName?
    var text: String
}

/// An event in its place; of two at one moment, the one put in first goes first.
struct ScheduledEvent: Comparable {
    var at: Timestamp
    var order: Int
    var event: WorldEvent

    static func < (left: Self, right: Self) -> Bool { (left.at, left.order) < (right.at, right.order) }
    static func == (left: Self, right: Self) -> Bool { left.at == right.at && left.order == right.order }
}

extension WorldEvent {
    /// The same, as it comes again later.
    var again: WorldEvent {
        guard case .assignmentsArrive(let agent, let session, let assignments, _) = self else { return self }
        return .assignmentsArrive(agent, session, assignments, isRepeat: true)
    }
}
