internal import SwellModel

// How a target is stored: flat, under the words that rows of every version have, so that old rows are read by new programs and, as
// far as they need it, new rows by old ones. Golden rows of each version stand in the tests.
extension TargetState: Codable {
    private enum Key: String, CodingKey {
        case cluster, region, stage, phase, reason, generation, epoch, assigned, previous, ranBefore, dispatchedAt
        case healthySince = "goodSince"
        case assertedAt = "claimedAt"
        case healthyAt, provenAt, deadlineAt, deadlineLeft, accepted, unknownSince, unseenSince, failedAt
        case late = "lateness"
        case skip, changedAt, attempts
    }

    public init(from decoder: any Decoder) throws {
        let row = try decoder.container(keyedBy: Key.self)
        let phase = try row.decode(TargetPhase.self, forKey: .phase)
        let changedAt = try row.decode(Timestamp.self, forKey: .changedAt)
        self.init(
            cluster: try row.decode(ClusterName.self, forKey: .cluster),
            region: try row.decode(RegionName.self, forKey: .region), stage: try row.decode(Int.self, forKey: .stage),
            phase: phase, reason: try row.decodeIfPresent(String.self, forKey: .reason),
            attempt: try Self.attempt(row, phase, changedAt),
            previous: try row.decodeIfPresent(ReleaseReference.self, forKey: .previous),
            ranBefore: try row.decodeIfPresent(Bool.self, forKey: .ranBefore) ?? false,
            failedAt: try row.decodeIfPresent(Timestamp.self, forKey: .failedAt),
            late: try row.decodeIfPresent(LateMember.self, forKey: .late),
            skip: try row.decodeIfPresent(SkipReason.self, forKey: .skip), changedAt: changedAt,
            attempts: try row.decode(Int.self, forKey: .attempts))
    }

    private static func attempt(
        _ row: KeyedDecodingContainer<Key>, _ phase: TargetPhase, _ changedAt: Timestamp
    ) throws -> Attempt? {
        guard let generation = try row.decodeIfPresent(Int64.self, forKey: .generation),
            let dispatchedAt = try row.decodeIfPresent(Timestamp.self, forKey: .dispatchedAt)
        else { return nil }
        func moment(_ key: Key) throws -> Timestamp? { try row.decodeIfPresent(Timestamp.self, forKey: key) }
        let goal = try row.decodeIfPresent(ReleaseReference.self, forKey: .assigned).map { Assignment.Goal.run($0) }
        let deadline: Deadline
        if let until = try moment(.deadlineAt) {
            deadline = .running(until: until)
        } else if let left = try row.decodeIfPresent(Int64.self, forKey: .deadlineLeft) {
            deadline = .stopped(left: Interval(milliseconds: left))
        } else {
            deadline = .met
        }
        let provenAt = try moment(.provenAt)
        return Attempt(
            generation: generation, epoch: try row.decodeIfPresent(Int64.self, forKey: .epoch) ?? 0,
            goal: goal ?? .remove, dispatchedAt: dispatchedAt,
            evidence: Evidence(
                standing: try standing(phase, changedAt, deadline, moment), provenAt: provenAt),
            deadline: deadline,
            isAccepted: try row.decodeIfPresent(Bool.self, forKey: .accepted) ?? isSpokenOf(phase, provenAt))
    }

    /// Rows before acceptance was kept say by their phase and proof alone that the agent has spoken.
    private static func isSpokenOf(_ phase: TargetPhase, _ provenAt: Timestamp?) -> Bool {
        switch phase {
        case .queued, .dispatched, .unreachable, .rollingBack, .skipped: provenAt != nil
        case .applying, .verifying, .healthy, .failed, .rolledBack, .rollbackFailed: true
        }
    }

    /// Rows before evidence was a value of its own say unseen by their phase alone, and on the way back by having no deadline: it
    /// counts from the agent's return.
    private static func standing(
        _ phase: TargetPhase, _ changedAt: Timestamp, _ deadline: Deadline, _ moment: (Key) throws -> Timestamp?
    ) throws -> Evidence.Standing {
        if let since = try moment(.unknownSince) { return .unknown(since: since) }
        if let since = try moment(.unseenSince) { return .unseen(since: since) }
        if phase == .unreachable || phase == .rollingBack && deadline == .met { return .unseen(since: changedAt) }
        if let since = try moment(.healthyAt) { return .healthy(since: since) }
        let healthySince = try moment(.healthySince)
        if let assertedAt = try moment(.assertedAt) {
            return .asserted(at: assertedAt, healthySince: healthySince ?? assertedAt)
        }
        return healthySince.map { .good(since: $0) } ?? .none
    }

    public func encode(to encoder: any Encoder) throws {
        var row = encoder.container(keyedBy: Key.self)
        try row.encode(cluster, forKey: .cluster)
        try row.encode(region, forKey: .region)
        try row.encode(stage, forKey: .stage)
        try row.encode(phase, forKey: .phase)
        try row.encodeIfPresent(reason, forKey: .reason)
        try row.encodeIfPresent(previous, forKey: .previous)
        if ranBefore { try row.encode(true, forKey: .ranBefore) }
        try row.encodeIfPresent(failedAt, forKey: .failedAt)
        try row.encodeIfPresent(late, forKey: .late)
        try row.encodeIfPresent(skip, forKey: .skip)
        try row.encode(changedAt, forKey: .changedAt)
        try row.encode(attempts, forKey: .attempts)
        guard let attempt else { return }
        try row.encode(attempt.generation, forKey: .generation)
        try row.encode(attempt.epoch, forKey: .epoch)
        try row.encodeIfPresent(attempt.release, forKey: .assigned)
        try row.encode(attempt.dispatchedAt, forKey: .dispatchedAt)
        try row.encodeIfPresent(attempt.evidence.provenAt, forKey: .provenAt)
        if attempt.isAccepted != Self.isSpokenOf(phase, attempt.evidence.provenAt) {
            try row.encode(attempt.isAccepted, forKey: .accepted)
        }
        switch attempt.deadline {
        case .running(let until): try row.encode(until, forKey: .deadlineAt)
        case .stopped(let left): try row.encode(left.milliseconds, forKey: .deadlineLeft)
        case .met: break
        }
        switch attempt.evidence.standing {
        case .none: break
        case .good(let since): try row.encode(since, forKey: .healthySince)
        case .asserted(let moment, let since):
            try row.encode(since, forKey: .healthySince)
            try row.encode(moment, forKey: .assertedAt)
        case .healthy(let since): try row.encode(since, forKey: .healthyAt)
        case .unknown(let since): try row.encode(since, forKey: .unknownSince)
        case .unseen(let since): try row.encode(since, forKey: .unseenSince)
        }
    }
}
