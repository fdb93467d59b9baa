internal import SwellModel

// The agent's clock is its node's, which may be set back by any length. Then moments noted as past would lie in the future, and
// what counts from them would wait until the clock has caught up: a release stays unproven, a retry does not come (invariant 19).
extension AgentMachine {
    /// Moves what lies further ahead than it can be to where it can: what is past is no later than now, and what is awaited is no
    /// further away than its own length.
    mutating func keepPace(with now: Timestamp) {
        if let awaySince = journal.awaySince, awaySince > now { journal.awaySince = now }
        for (name, record) in journal.applications {
            if let acceptedAt = record.acceptedAt, acceptedAt > now {
                journal.applications[name]?.acceptedAt = now
            }
            if let since = record.healthySince, since > now { journal.applications[name]?.healthySince = now }
            if let deadline = record.deadline, let settings = record.assignment?.settings {
                let furthest = now + max(settings.progressDeadline, rules.restartGrace)
                if deadline > furthest { journal.applications[name]?.deadline = furthest }
            }
            if case .retrying(let until) = activities[name], until > now + rules.retryDelayLimit {
                activities[name] = .retrying(until: now + rules.retryDelayLimit)
            }
        }
    }
}
