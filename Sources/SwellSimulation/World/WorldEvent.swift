internal import SwellEngine
internal import SwellModel

/// One thing that happens in a world.
enum WorldEvent: Sendable {
    // Coordinator
    case replicaTick(Int)
    case replicaCrash
    case replicaFreeze
    case replicaBack(Int)
    case databaseSnapshot
    case databaseFailover
    // Sessions: agent, session
    case connect(Int)
    case breakSession(Int, Int)
    case helloArrives(Int, Int, [ApplicationReport], Int64)
    case reportArrives(Int, Int, OutgoingReport)
    case acknowledgementArrives(Int, Int, ApplicationName, Int64)
    case assignmentsArrive(Int, Int, [Assignment])
    // Agents: agent, process
    case agentTick(Int, Int)
    case contentArrives(Int, Int, ContentDigest)
    case workEnds(Int, Int, AgentWork, Int)
    case look(Int, Int, AgentWork, Int)
    case agentCrash
    case agentRestored
    case agentStarts(Int)
    case vanish
    case reappear(Int)
    case anySessionBreaks
    // People
    case newRollout
    case operatorActs
    case membershipChanges
    case calm

    /// Whether it is a fault or a person's doing, which stop with the storm.
    var isTrouble: Bool {
        switch self {
        case .replicaCrash, .replicaFreeze, .databaseSnapshot, .databaseFailover, .agentCrash, .agentRestored, .vanish,
            .anySessionBreaks, .newRollout, .operatorActs, .membershipChanges:
            true
        default: false
        }
    }

    /// For the trace.
    var summary: String {
        switch self {
        case .helloArrives(let agent, _, let statuses, _):
            "hello of agent \(agent): " + statuses.map { "g\($0.generation) \($0.phase) \($0.health)" }.joined()
        case .reportArrives(let agent, _, let report):
            "report of agent \(agent): g\(report.report.generation) e\(report.report.epoch) \(report.report.phase) \(report.report.health)"
        case .assignmentsArrive(let agent, _, let assignments):
            "assignments reach agent \(agent): "
                + assignments.map { "g\($0.generation) e\($0.epoch) \($0.digest?.short ?? "remove")" }.joined(
                    separator: ", ")
        case .workEnds(let agent, _, let work, _): "agent \(agent) ends work of g\(work.generation)"
        case .contentArrives(let agent, _, _): "content reaches agent \(agent)"
        case .look(let agent, _, let work, _): "agent \(agent) looks at g\(work.generation)"
        case .acknowledgementArrives(let agent, _, _, let sequence): "ack \(sequence) reaches agent \(agent)"
        default: "\(self)"
        }
    }
}

/// An event in its place; of two at one moment, the one put in first goes first.
struct ScheduledEvent: Comparable {
    var at: Timestamp
    var order: Int
    var event: WorldEvent

    static func < (left: Self, right: Self) -> Bool { (left.at, left.order) < (right.at, right.order) }
    static func == (left: Self, right: Self) -> Bool { left.at == right.at && left.order == right.order }
}
