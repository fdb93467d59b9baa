internal import SwellEngine
internal import SwellModel
internal import SwellStore

extension World {
    /// When faults have stopped, every rollout has ended or waits at a named gate, and every agent has converged (invariant 19).
    func checkLiveness() throws(Violation) {
        // Where a rollout waits at its gate to tell a cluster again, the gate is what the cluster waits for.
        var waiting: Set<ClusterApplication> = []
        // Under a pause its agent's clock rests too.
        var resting: Set<ClusterApplication> = []
        // What the database forgot may be there, and the rollout that has the cluster has not come to it.
        var awaited: Set<ClusterApplication> = []
        for summary in database.rolloutSummaries(of: nil, limit: 1_000) where !summary.phase.isEnded {
            guard let rollout = database.rollout(summary.name) else { continue }
            try checkGate(rollout)
            awaited.formUnion(
                rollout.targets.values.filter { $0.generation == nil }
                    .map { ClusterApplication($0.cluster, rollout.application) })
            for target in rollout.targets.values
            where target.generation != nil
                && (target.phase == .queued || target.phase == .failed || target.phase == .rollbackFailed
                    || Self.isHeld(target))
            {
                waiting.insert(ClusterApplication(target.cluster, rollout.application))
            }
            resting.formUnion(
                rollout.targets.values.filter { $0.generation != nil }
                    .map { ClusterApplication($0.cluster, rollout.application) })
        }
        for agent in agents where agent.isMember && !agent.isClone && !blame.spoiled.contains(agent.cluster.name) {
            for assignment in database.assignments(of: agent.cluster.name)
            where !waiting.contains(ClusterApplication(assignment)) {
                if assignment.isPaused == true {
                    guard resting.contains(ClusterApplication(assignment)) else {
                        throw Violation(
                            invariant: 19,
                            message:
                                "\(assignment.cluster) rests under a pause of \(assignment.rollout) that nobody will end"
                        )
                    }
                    continue
                }
                let accepted = agent.disk.applications[assignment.application]?.highestGeneration ?? 0
                if awaited.contains(ClusterApplication(assignment)), accepted > assignment.generation { continue }
                // What was proven under an order that the database lost is left as it is.
                if accepted > assignment.generation, hasProvenAnother(agent, than: assignment) { continue }
                try checkConverged(agent, assignment)
            }
        }
    }

    /// Whether a rollback left a cluster as it was, since there is nothing to go back to or the release was there before, or a person
    /// left it out: as long as its rollout lasts, nothing is told there, even where the agent is ahead of a database that lost commits.
    private static func isHeld(_ target: TargetState) -> Bool {
        guard target.phase == .skipped else { return false }
        return target.skip == .neverHealthy || target.skip == .ordered || target.skip == .rolledBack
    }

    private static let gates: Set<Blocker.Kind> = [.approval, .pause, .regionPause, .clusterPause, .failure, .start]

    private func checkGate(_ rollout: Rollout) throws(Violation) {
        let snapshot = database.snapshot(around: rollout)
        let blockers = Blockers.of(rollout, snapshot: snapshot, now: database.now)
        // A stage without a healthy cluster is a gate too: it names itself, and waits for a retry or a promotion.
        let isGated = blockers.contains {
            Self.gates.contains($0.what)
                // Whoever holds what is to start is at a gate of its own, or this finds it.
                || ($0.what == .held && rollout.awaitsStart)
                || ($0.what == .health && $0.why.contains("none of its clusters is healthy"))
        }
        // Of a cluster whose clocks rest under a pause, and of one that lied itself out of being believed, nothing more comes.
        let isWaiting = rollout.targets.values.contains { target in
            guard target.phase.isUnderWay else { return false }
            return blame.spoiled.contains(target.cluster) || rollout.pausedClusters[target.cluster] != nil
                || rollout.pausedRegions[target.region] != nil || snapshot.pausedClusters[target.cluster] != nil
                || snapshot.pausedRegions[target.region] != nil
        }
        guard isGated || isWaiting else {
            throw Violation(
                invariant: 19,
                message: "\(rollout.name) is \(rollout.phase) in the calm and waits at no gate: "
                    + blockers.map { "\($0.what): \($0.why)" }.joined(separator: "; "))
        }
    }

    private func hasProvenAnother(_ agent: SimulatedAgent, than assignment: Assignment) -> Bool {
        guard let record = agent.disk.applications[assignment.application] else { return false }
        return record.currentReport.provesAnother(than: assignment)
            && agent.running[assignment.application] == record.reportedDigest
    }

    private func checkConverged(_ agent: SimulatedAgent, _ assignment: Assignment) throws(Violation) {
        let name = "\(agent.cluster.name) of \(assignment.application)"
        guard let record = agent.disk.applications[assignment.application],
            record.assignment?.generation == assignment.generation, record.assignment?.goal == assignment.goal
        else {
            throw Violation(
                invariant: 19,
                message: "\(name) should be at generation \(assignment.generation), its agent has "
                    + "\(agent.disk.applications[assignment.application]?.assignment?.generation ?? 0)")
        }
        let running = agent.running[assignment.application]
        let isConverged: Bool
        switch record.phase {
        case .healthy, .removed: isConverged = running == assignment.digest
        case .reverted: isConverged = running != nil && running == record.work?.release?.digest
        case .failed: isConverged = true
        case .accepted, .applying, .verifying, .reverting: isConverged = false
        }
        guard isConverged else {
            throw Violation(
                invariant: 19, message: "\(name) is \(record.phase) in the calm and runs \(running?.short ?? "nothing")"
            )
        }
    }
}
