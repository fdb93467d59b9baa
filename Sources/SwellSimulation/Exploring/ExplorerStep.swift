internal import SwellEngine
internal import SwellModel

/// One thing that may happen in a tiny fleet. Replicas and agents are named by their place.
enum ExplorerStep: Hashable, Sendable {
    /// One unit of time goes by: agents that can be reached are heard of, a replica that runs renews its lease. It is a delay where
    /// something that should happen at once has not.
    case timePasses(isDelay: Bool)
    case decides(replica: Int)
    /// The replica reads, and thinks for a while.
    case thinks(replica: Int)
    /// It commits what it thought, if that stands.
    case commits(replica: Int)
    case stalls(replica: Int)
    case wakes(replica: Int)
    case orders(ExplorerOrder)
    /// The assignment as stored now reaches the agent.
    case assignmentArrives(agent: Int)
    /// A copy of the assignment as stored now stays under way.
    case assignmentLingers(agent: Int)
    case lateAssignmentArrives(agent: Int)
    case looks(agent: Int, Health)
    /// The agent's report reaches the coordinator, and the acknowledgement the agent.
    case reportArrives(agent: Int)
    /// A copy of the agent's report stays under way.
    case reportLingers(agent: Int)
    case lateReportArrives(agent: Int)
    case goesSilent(agent: Int)
    case returns(agent: Int)

    /// Whether it is counted: faults and orders, which stop when faults stop.
    var isCounted: Bool {
        switch self {
        case .thinks, .stalls, .orders, .assignmentLingers, .reportLingers, .goesSilent: true
        case .looks(_, let health): health != .healthy
        case .timePasses(let isDelay): isDelay
        default: false
        }
    }

    /// Whether it happens before time goes by, but for a delay.
    var isPrompt: Bool {
        switch self {
        case .decides, .commits, .assignmentArrives, .reportArrives: true
        case .looks(_, let health): health == .healthy
        default: false
        }
    }
}

/// What an operator may order in a tiny fleet.
enum ExplorerOrder: Hashable, Sendable, CaseIterable {
    case pauseRollout, resumeRollout
    /// The region behind the canary, within the rollout.
    case pauseRegion, resumeRegion
    /// The same region, for everybody.
    case pauseRegionForAll, resumeRegionForAll
    case rollBack, abort, retry

    /// The command, where it is one of the rollout.
    var command: RolloutCommand? {
        switch self {
        case .pauseRollout: .pause(.rollout, reason: nil)
        case .resumeRollout: .resume(.rollout)
        case .pauseRegion: .pause(.region(TinyFleet.farRegion), reason: nil)
        case .resumeRegion: .resume(.region(TinyFleet.farRegion))
        case .rollBack: .rollback(.rollout, reason: nil)
        case .abort: .abort(reason: nil)
        case .retry: .retry(clusters: [])
        case .pauseRegionForAll, .resumeRegionForAll: nil
        }
    }
}

extension ExplorerStep: CustomStringConvertible {
    var description: String {
        func name(_ agent: Int) -> String { TinyFleet.clusters[agent].name.rawValue }
        func replica(_ index: Int) -> String { "replica \(TinyFleet.replicaNames[index])" }
        switch self {
        case .timePasses(let isDelay): return "\(TinyFleet.unit) go by" + (isDelay ? ", with something under way" : "")
        case .decides(let index): return "\(replica(index)) decides"
        case .thinks(let index): return "\(replica(index)) reads, and thinks"
        case .commits(let index): return "\(replica(index)) commits what it thought"
        case .stalls(let index): return "\(replica(index)) stalls"
        case .wakes(let index): return "\(replica(index)) goes on"
        case .orders(let order): return "an operator orders \(order)"
        case .assignmentArrives(let agent): return "the assignment reaches \(name(agent))"
        case .assignmentLingers(let agent): return "a copy of \(name(agent))'s assignment stays under way"
        case .lateAssignmentArrives(let agent): return "the late copy of an assignment reaches \(name(agent))"
        case .looks(let agent, let health): return "\(name(agent)) looks \(health)"
        case .reportArrives(let agent): return "\(name(agent))'s report arrives"
        case .reportLingers(let agent): return "a copy of \(name(agent))'s report stays under way"
        case .lateReportArrives(let agent): return "the late copy of a report of \(name(agent)) arrives"
        case .goesSilent(let agent): return "\(name(agent)) goes silent"
        case .returns(let agent): return "\(name(agent)) is back"
        }
    }
}
