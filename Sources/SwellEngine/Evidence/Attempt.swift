public import SwellModel

/// One assignment that a rollout decided for a target, and what came of it.
public struct Attempt: Sendable, Hashable {
    public let generation: Int64
    /// The epoch that the assignment carries.
    public let epoch: Int64
    public let goal: Assignment.Goal
    public let dispatchedAt: Timestamp
    public internal(set) var evidence: Evidence
    public internal(set) var deadline: Deadline

    public init(
        generation: Int64, epoch: Int64, goal: Assignment.Goal, dispatchedAt: Timestamp,
        evidence: Evidence = Evidence(), deadline: Deadline = .met
    ) {
        self.generation = generation
        self.epoch = epoch
        self.goal = goal
        self.dispatchedAt = dispatchedAt
        self.evidence = evidence
        self.deadline = deadline
    }

    /// The release that it brings; nil for a removal.
    public var release: ReleaseReference? { if case .run(let release) = goal { release } else { nil } }

    /// Ends it: neither its evidence nor its deadline counts any more.
    mutating func close() {
        evidence.close()
        deadline = .met
    }

    /// The first moment at which an assertion of health can be true; a removal has nothing to wait for.
    public func confirmableAt(minHealthyTime: Interval) -> Timestamp {
        release == nil ? dispatchedAt : dispatchedAt + minHealthyTime
    }

    /// Whether a report speaks of this attempt (invariant 4).
    public func isSubject(of report: ApplicationReport) -> Bool {
        report.generation == generation && report.epoch == epoch
    }
}
