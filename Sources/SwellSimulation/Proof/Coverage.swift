internal import SwellEngine

/// What was met over all worlds, so that what is never met is seen.
public struct Coverage: Sendable {
    public private(set) var counts: [String: Int] = [:]

    public init() {}

    mutating func met(_ fault: Fault) { counts["fault \(fault.rawValue)", default: 0] += 1 }
    mutating func noteAgent(_ what: String) { counts["agent \(what)", default: 0] += 1 }

    mutating func noteRetold(_ count: Int) { if count > 0 { counts["strays told again", default: 0] += count } }

    mutating func noteCommand(_ command: RolloutCommand, isAccepted: Bool) {
        let word = String("\(command)".prefix { $0 != "(" })
        counts["command \(word) \(isAccepted ? "accepted" : "refused")", default: 0] += 1
    }

    mutating func note(_ decision: Decision) {
        for row in decision.transitions where row.from != row.to {
            let subject: String
            switch row.subject {
            case .rollout: subject = "rollout"
            case .stage: subject = "stage"
            case .target: subject = "target"
            }
            counts["\(subject) \(row.from ?? "new") -> \(row.to)", default: 0] += 1
            counts["\(subject) phase \(row.to)", default: 0] += 1
        }
        if decision.epochToOutrank != nil { counts["epoch outranked", default: 0] += 1 }
        for target in decision.rollout.targets.values {
            if let lateness = target.lateness { counts["lateness \(lateness.rawValue)", default: 0] += 1 }
            if let skip = target.skip { counts["skip \(skip.rawValue)", default: 0] += 1 }
        }
    }

    /// Adds what another run met.
    public mutating func add(_ other: Coverage) { counts.merge(other.counts, uniquingKeysWith: +) }

    /// What a thorough run should meet, and this one did not.
    public var neverMet: [String] {
        var wanted = Fault.allCases.filter { $0 != .slowNetwork }.map { "fault \($0.rawValue)" }
        wanted += RolloutPhase.allCases.map { "rollout phase \($0.rawValue)" }
        wanted += StagePhase.allCases.map { "stage phase \($0.rawValue)" }
        wanted += TargetPhase.allCases.map { "target phase \($0.rawValue)" }
        wanted += Lateness.allCases.map { "lateness \($0.rawValue)" }
        wanted += SkipReason.allCases.map { "skip \($0.rawValue)" }
        wanted += ["pause", "resume", "abort", "retry", "rollback", "approve", "promote"].map {
            "command \($0) accepted"
        }
        return wanted.filter { counts[$0] == nil }
    }
}
