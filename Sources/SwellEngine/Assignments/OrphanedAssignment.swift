public import SwellModel

/// An assignment that an agent is ahead of, on a cluster that no active rollout has among its targets: the database went back to an earlier
/// state, and what was committed after it reached the agent.
///
/// What an active rollout has is left to it, even where it has not come to the cluster yet: what the agent runs may be the very release
/// that the rollout brings, from before it was forgotten, and is not to be taken back meanwhile (invariant 20).
///
/// The agent refuses the assignment as it stands, since generations and epochs never fall there (invariants 8 and 9), and no rollout is
/// left that would tell it again. So the same assignment is told above what the agent knows (invariant 19). Where the agent has proven
/// another release under a later order, the cluster is left as it is: the order that brought it is lost, its health is not, and it takes a
/// person to say which of the two it should run (invariant 20).
public struct OrphanedAssignment: Sendable, Hashable {
    /// The assignment as stored.
    public var assignment: Assignment
    /// The last that the agent said.
    public var report: ApplicationReport

    /// Nil where the agent is not ahead of the assignment, or has proven what it went on to.
    public init?(_ assignment: Assignment, report: ApplicationReport) {
        guard report.application == assignment.application,
            report.isAhead(
                of: assignment.generation, epoch: assignment.epoch, digest: assignment.digest,
                fallback: assignment.fallback?.digest),
            report.generation < OrphanedAssignment.highestGeneration,
            !report.provesAnother(than: assignment)
        else { return nil }
        self.assignment = assignment
        self.report = report
    }

    /// Generations from here on are nonsense: there would soon be none above them that the wire can carry (2^53, exact in every JSON).
    static let highestGeneration: Int64 = 1 << 52

    /// The assignment as it is to be delivered under a lease of this epoch: above what this cluster's agent knows, and no other's.
    public func reissued(under epoch: Int64) -> Assignment {
        var reissued = assignment
        // No rollout is left that would end the pause.
        reissued.isPaused = nil
        reissued.generation = max(assignment.generation, report.generation) + 1
        reissued.epoch = max(epoch, assignment.epoch, report.epoch)
        return reissued
    }
}
