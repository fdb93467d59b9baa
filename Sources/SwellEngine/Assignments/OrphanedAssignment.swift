public import SwellModel

/// An assignment that an agent is ahead of and that is not the work of an active rollout: the database went back to an earlier state, and
/// what was committed after it reached the agent.
///
/// The agent refuses the assignment as it stands, since generations and epochs never fall there (invariants 8 and 9), and no rollout is
/// left that would tell it again. So the same assignment is told above what the agent knows (invariant 19).
public struct OrphanedAssignment: Sendable, Hashable {
    /// The assignment as stored.
    public var assignment: Assignment
    /// The last that the agent said.
    public var report: ApplicationReport

    /// Nil where the agent is not ahead of the assignment.
    public init?(_ assignment: Assignment, report: ApplicationReport) {
        guard report.application == assignment.application,
            report.isAhead(of: assignment.generation, epoch: assignment.epoch, digest: assignment.digest),
            report.generation < OrphanedAssignment.highestGeneration
        else { return nil }
        self.assignment = assignment
        self.report = report
    }

    /// Generations from here on are nonsense: there would soon be none above them.
    static let highestGeneration: Int64 = 1 << 62

    /// The assignment as it is to be told under this epoch; nil where the agent would refuse that too, so that a higher one is needed.
    public func reissued(under epoch: Int64) -> Assignment? {
        guard epoch >= max(report.epoch, assignment.epoch) else { return nil }
        var reissued = assignment
        reissued.generation = max(assignment.generation, report.generation) + 1
        reissued.epoch = epoch
        return reissued
    }
}
