internal import SwellModel

// The agent's clock is its node's, which may be set back or forward by any length; its process may be stopped for any time while
// that clock goes on; and its cluster may be out of sight. None of this is a release's fault: what is judged by time is judged by
// time in which the machine ran and could see (invariants 12, 20 and 23), and still comes to its end (invariant 19).
extension AgentMachine {
    /// Moves what lies further ahead than it can be to where it can: what is past is no later than now, and what is awaited is no
    /// further away than its own length.
    mutating func keepPace(with now: Timestamp) {
        moveStall(to: now)
        if let awaySince = journal.awaySince, awaySince > now { journal.awaySince = now }
        for (name, record) in journal.applications {
            if let acceptedAt = record.acceptedAt, acceptedAt > now {
                journal.applications[name]?.acceptedAt = now
            }
            if let since = record.healthySince, since > now { journal.applications[name]?.healthySince = now }
            if let since = record.blindSince, since > now { journal.applications[name]?.blindSince = now }
            if let since = record.pausedSince, since > now { journal.applications[name]?.pausedSince = now }
            if let deadline = record.deadline, let settings = record.assignment?.settings {
                let furthest = now + max(settings.progressDeadline, rules.restartGrace)
                if deadline > furthest { journal.applications[name]?.deadline = furthest }
            }
            if case .retrying(let until) = activities[name], until > now + rules.retryDelayLimit {
                activities[name] = .retrying(until: now + rules.retryDelayLimit)
            }
        }
    }

    /// A machine that was not woken when it asked to be did not run, or its clock went ahead: what it has waited for moves by that
    /// time, and a stretch of health in which nobody looked begins again.
    private mutating func moveStall(to now: Timestamp) {
        defer { lastRunAt = now }
        guard let lastRunAt, let wakeAt, now > wakeAt + rules.stallGrace else { return }
        let stall = now - lastRunAt
        journal.awaySince = journal.awaySince.map { min($0 + stall, now) }
        for (name, record) in journal.applications {
            if let deadline = record.deadline { journal.applications[name]?.deadline = deadline + stall }
            if record.healthySince != nil { journal.applications[name]?.healthySince = now }
            if let since = record.blindSince { journal.applications[name]?.blindSince = min(since + stall, now) }
            if let since = record.pausedSince { journal.applications[name]?.pausedSince = min(since + stall, now) }
        }
    }

    /// Stops the deadline while a person's pause covers the cluster, and lets it go on with what was left: nobody is to find the cluster
    /// taken back while somebody looks. A pause is the coordinator's word, and only it can end one: on its own for longer than a grace,
    /// the agent judges again.
    mutating func keepPause(_ now: Timestamp) {
        let isOnItsOwn = journal.awaySince.map { now >= $0 + rules.awayGrace } ?? false
        for (name, record) in journal.applications {
            // The way back does not rest, as it does not for the coordinator.
            let rests =
                record.deadline != nil && record.isUnfinished && record.assignment?.isPaused == true && !isOnItsOwn
            switch (rests, record.pausedSince) {
            // What could not be seen before is part of it, so that no time is left out twice.
            case (true, nil): journal.applications[name]?.pausedSince = record.blindSince ?? now
            case (false, let since?):
                journal.applications[name]?.pausedSince = nil
                journal.applications[name]?.deadline = record.deadline.map { $0 + (now - since) }
                if record.blindSince != nil { journal.applications[name]?.blindSince = now }
            case (true, _?), (false, nil): break
            }
        }
    }

    /// Stops the deadline of work that cannot be seen, and lets it go on with what was left once it is seen again. At least four
    /// times as much is left as was not seen, up to a grace: requests may hang for longer than the server does, and what became of
    /// the work must have the time to show. So blinking neither fails a release nor keeps it from being judged, unless more than a
    /// fifth of the time is dark.
    mutating func keepSight(_ now: Timestamp) {
        for (name, record) in journal.applications {
            let isBlind = record.deadline != nil && record.observed.health == .unknown
            switch (isBlind, record.blindSince) {
            case (true, nil): journal.applications[name]?.blindSince = now
            case (false, let since?):
                journal.applications[name]?.blindSince = nil
                guard record.pausedSince == nil, let deadline = record.deadline,
                    let settings = record.assignment?.settings
                else { continue }
                let dark = now - since
                journal.applications[name]?.deadline = max(
                    deadline + dark, now + min(dark + dark + dark + dark, rules.restartGrace, settings.progressDeadline)
                )
            case (true, _?), (false, nil): break
            }
        }
    }

    /// When work is judged as late; nil while it has no deadline, or while that stands still.
    ///
    /// A cluster that falls silent is known as out of sight only some seconds later. A deadline in these seconds would be judged by
    /// what was seen before them.
    func judgement(of record: AgentRecord) -> Timestamp? {
        guard record.blindSince == nil, record.pausedSince == nil, let deadline = record.deadline else { return nil }
        return deadline + rules.sightDelay
    }

    /// The earliest moment at which something follows from time alone, or at which the machine has to be woken to know that it ran.
    func nextMoment(after now: Timestamp) -> Timestamp? {
        var moments: [Timestamp] = []
        for (name, record) in journal.applications {
            if case .retrying(let until) = activities[name] { moments.append(until) }
            if let judgement = judgement(of: record), !isHeld(record, judgement) { moments.append(judgement) }
            // When a pause ends for an agent that is on its own.
            if record.pausedSince != nil, let away = journal.awaySince { moments.append(away + rules.awayGrace) }
            if let since = record.healthySince, isProving(record), let settings = record.assignment?.settings {
                moments.append(since + settings.minHealthyTime)
            }
            if let away = journal.awaySince, record.isUnfinished,
                let behaviour = record.assignment?.settings.whenDisconnected, behaviour != .finish
            {
                moments.append(away + rules.awayGrace)
            }
        }
        guard let next = moments.filter({ $0 > now }).min() else { return nil }
        // One that was asked for already will do, so that events do not put it off.
        let beat = wakeAt.flatMap { $0 > now ? $0 : nil } ?? now + rules.heartbeatInterval
        return min(next, beat, now + rules.heartbeatInterval)
    }
}
