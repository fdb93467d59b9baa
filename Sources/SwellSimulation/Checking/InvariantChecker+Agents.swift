internal import SwellEngine
internal import SwellModel

// What agents take in, do and read (invariants 8, 9, 10 and 15).
extension InvariantChecker {
    mutating func checkJournal(
        _ cluster: ClusterName, from before: AgentJournal, to after: AgentJournal
    ) throws(Violation) {
        for (application, record) in after.applications {
            let former = before.applications[application]
            guard record.highestGeneration >= former?.highestGeneration ?? 0 else {
                throw Violation(invariant: 8, message: "the generation fell at \(cluster)")
            }
            guard record.highestEpoch >= former?.highestEpoch ?? 0 else {
                throw Violation(invariant: 9, message: "the epoch fell at \(cluster)")
            }
            if let assignment = record.assignment, assignment != former?.assignment {
                try checkTaken(assignment, at: cluster, after: former)
            }
        }
    }

    /// An agent takes in what was committed for it, under an epoch no lower and a generation higher than it knows.
    private func checkTaken(
        _ assignment: Assignment, at cluster: ClusterName, after former: AgentRecord?
    ) throws(Violation) {
        let what = "\(assignment.application) generation \(assignment.generation), epoch \(assignment.epoch)"
        let place = ClusterApplication(cluster, assignment.application)
        let isIssued = reports.issued[place]?.reversed().contains(assignment) ?? false
        guard isIssued else {
            if let known = reports.issued[place]?.last(where: {
                $0.generation == assignment.generation && $0.goal == assignment.goal
            }), known.epoch < assignment.epoch {
                throw Violation(invariant: 9, message: "\(cluster) takes \(what), which was told under \(known.epoch)")
            }
            var anothers = assignment
            let isAnothers = reports.issued.contains { other, list in
                anothers.cluster = other.cluster
                return other.application == place.application && other.cluster != cluster && list.contains(anothers)
            }
            throw Violation(
                invariant: isAnothers ? 15 : 10,
                message: "\(cluster) takes \(what), which was \(isAnothers ? "another cluster's" : "never committed")")
        }
        guard let former, var known = former.assignment else { return }
        // What stands is told again with a pause that has begun or ended, and nothing else.
        known.isPaused = assignment.isPaused
        if known == assignment { return }
        guard assignment.epoch >= former.highestEpoch else {
            throw Violation(invariant: 9, message: "\(cluster) takes \(what) after epoch \(former.highestEpoch)")
        }
        guard assignment.generation > former.highestGeneration else {
            throw Violation(invariant: 8, message: "\(cluster) takes \(what) after \(former.highestGeneration)")
        }
    }

    // MARK: Deeds

    /// Work begins. What is under way or done in this process is not begun again (invariant 10).
    mutating func started(_ work: AgentWork, agent: Int, process: Int) throws(Violation) {
        if let record = works[agent]?[work.application], record.process == process, record.work == work,
            !record.isStopped
        {
            throw Violation(
                invariant: 10,
                message: "agent \(agent) does the work of \(work.application) generation \(work.generation) twice")
        }
        works[agent, default: [:]][work.application] = WorkRecord(process: process, work: work)
    }

    /// Work failed or was cut short, so that it may begin again.
    mutating func stopped(_ work: AgentWork, agent: Int) {
        guard works[agent]?[work.application]?.work == work else { return }
        works[agent]?[work.application]?.isStopped = true
    }

    // MARK: Content

    /// A cluster was given content, which must have been its business at some time (invariant 15).
    func read(_ digest: ContentDigest, by cluster: ClusterName, among applications: some Sequence<ApplicationName>)
        throws(Violation)
    {
        for application in applications {
            let place = ClusterApplication(cluster, application)
            let isIssued =
                reports.issued[place]?.contains { $0.digest == digest || $0.fallback?.digest == digest } ?? false
            if isIssued || ledger.proven[place]?.contains(where: { $0.digest == digest }) == true { return }
        }
        throw Violation(invariant: 15, message: "\(cluster) may read \(digest.short), which is not its business")
    }
}
