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
    /// Whether the agent has spoken of it. Before that it may not have arrived, and its deadline says nothing of the release
    /// (invariant 20).
    public internal(set) var isAccepted: Bool

    public init(
        generation: Int64, epoch: Int64, goal: Assignment.Goal, dispatchedAt: Timestamp,
        evidence: Evidence = Evidence(), deadline: Deadline = .met, isAccepted: Bool = false
    ) {
        self.generation = generation
        self.epoch = epoch
        self.goal = goal
        self.dispatchedAt = dispatchedAt
        self.evidence = evidence
        self.deadline = deadline
        self.isAccepted = isAccepted
    }

    /// The agent has spoken of it for the first time: its own deadline began about now, and this one begins again.
    mutating func accept(at now: Timestamp, progressDeadline: Interval) {
        guard !isAccepted else { return }
        isAccepted = true
        switch deadline {
        case .running: deadline = .running(until: now + progressDeadline)
        case .stopped: deadline = .stopped(left: progressDeadline)
        case .met: break
        }
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
