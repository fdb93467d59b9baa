public import SwellEngine
public import SwellModel

/// What was met over all worlds, so that what is never met is seen.
public struct Coverage: Sendable {
    public private(set) var faults: [Fault: Int] = [:]
    public private(set) var rolloutMoves: [Move<RolloutPhase>: Int] = [:]
    public private(set) var stageMoves: [Move<StagePhase>: Int] = [:]
    public private(set) var targetMoves: [Move<TargetPhase>: Int] = [:]
    public private(set) var agentMoves: [Move<AgentPhase>: Int] = [:]
    public private(set) var accepted: [CommandKind: Int] = [:]
    public private(set) var refused: [CommandKind: Int] = [:]
    public private(set) var lateMembers: [LateMember: Int] = [:]
    public private(set) var skips: [SkipReason: Int] = [:]
    /// What agents decided, by the word in their notes.
    public private(set) var agentNotes: [String: Int] = [:]
    /// Decisions that were overtaken while they were thought about.
    public internal(set) var overtaken = 0
    /// Leases found lost, orphaned assignments reissued.
    public internal(set) var leasesLost = 0
    public internal(set) var reissued = 0
    /// Failovers that left every session standing.
    public internal(set) var survivedFailovers = 0
    /// Decisions of planted bugs that the second opinion would not have let pass.
    public internal(set) var held = 0

    /// What operators, and rollouts that take a place, order.
    public enum CommandKind: String, Sendable, CaseIterable {
        case pause, resume, abort, retry, rollback, approve, withdraw, promote, skip, leaveBehind, supersede

        init(_ command: RolloutCommand) {
            switch command {
            case .pause: self = .pause
            case .resume: self = .resume
            case .abort: self = .abort
            case .retry: self = .retry
            case .rollback: self = .rollback
            case .approve: self = .approve
            case .withdraw: self = .withdraw
            case .promote: self = .promote
            case .skip: self = .skip
            case .leaveBehind: self = .leaveBehind
            case .supersede: self = .supersede
            }
        }
    }

    public init() {}

    mutating func met(_ fault: Fault) { faults[fault, default: 0] += 1 }
    mutating func noteAgent(_ what: String) { agentNotes[what, default: 0] += 1 }

    mutating func note(_ command: RolloutCommand, isAccepted: Bool) {
        let kind = CommandKind(command)
        if isAccepted { accepted[kind, default: 0] += 1 } else { refused[kind, default: 0] += 1 }
    }

    mutating func note(_ decision: Decision) {
        for row in decision.transitions where row.from != row.to {
            switch row.value {
            case .header(let rollout):
                rolloutMoves[Move(from: row.from.flatMap(RolloutPhase.init), to: rollout.phase), default: 0] += 1
                if rollout.phase == .superseded { accepted[.supersede, default: 0] += 1 }
            case .stage(let stage):
                stageMoves[Move(from: row.from.flatMap(StagePhase.init), to: stage.phase), default: 0] += 1
            case .target(let target):
                targetMoves[Move(from: row.from.flatMap(TargetPhase.init), to: target.phase), default: 0] += 1
                if let late = target.late { lateMembers[late, default: 0] += 1 }
                if target.phase == .skipped, let skip = target.skip { skips[skip, default: 0] += 1 }
            }
        }
    }

    mutating func note(_ journal: AgentJournal, after former: AgentJournal) {
        for (name, record) in journal.applications where record.assignment != nil {
            let before = former.applications[name]
            let from = before?.assignment == nil ? nil : before?.phase
            if from != record.phase { agentMoves[Move(from: from, to: record.phase), default: 0] += 1 }
        }
    }

    /// Adds what another run met.
    public mutating func add(_ other: Coverage) {
        faults.merge(other.faults, uniquingKeysWith: +)
        rolloutMoves.merge(other.rolloutMoves, uniquingKeysWith: +)
        stageMoves.merge(other.stageMoves, uniquingKeysWith: +)
        targetMoves.merge(other.targetMoves, uniquingKeysWith: +)
        agentMoves.merge(other.agentMoves, uniquingKeysWith: +)
        accepted.merge(other.accepted, uniquingKeysWith: +)
        refused.merge(other.refused, uniquingKeysWith: +)
        lateMembers.merge(other.lateMembers, uniquingKeysWith: +)
        skips.merge(other.skips, uniquingKeysWith: +)
        agentNotes.merge(other.agentNotes, uniquingKeysWith: +)
        overtaken += other.overtaken
        leasesLost += other.leasesLost
        reissued += other.reissued
        survivedFailovers += other.survivedFailovers
        held += other.held
    }
}
