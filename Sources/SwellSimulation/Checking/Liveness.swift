internal import SwellEngine
internal import SwellModel
internal import SwellStore

extension World {
    /// When faults have stopped, every rollout has ended or waits at a named gate, and every agent has converged (invariant 19).
    func checkLiveness() throws(Violation) {
        let gates: Set<Blocker.Kind> = [.approval, .pause, .regionPause, .clusterPause, .failure, .start]
        for summary in database.rolloutSummaries(of: nil, limit: 1_000) where !summary.phase.isEnded {
            guard let rollout = database.rollout(summary.name),
                let surroundings = try? database.surroundings(for: rollout.application)
            else { continue }
            let blockers = Blockers.of(rollout, surroundings: surroundings, now: now)
            // A stage without a healthy cluster is a gate too: it names itself, and waits for a retry or a promotion.
            let isGated = blockers.contains {
                gates.contains($0.what) || ($0.what == .health && $0.why.contains("none of its clusters is healthy"))
            }
            guard isGated else {
                throw Violation(
                    invariant: 19,
                    message: "\(rollout.name) is \(rollout.phase) in the calm and waits at no gate: "
                        + blockers.map { "\($0.what): \($0.why)" }.joined(separator: "; "))
            }
        }
        // Where a rollout waits at its gate to tell a cluster anew, the gate is what the cluster waits for.
        var waiting: Set<ClusterName> = []
        for summary in database.rolloutSummaries(of: nil, limit: 1_000) where !summary.phase.isEnded {
            let targets = database.rollout(summary.name)?.targets.values.filter {
                $0.generation != nil && ($0.phase == .queued || $0.phase == .failed || $0.phase == .rollbackFailed)
            }
            waiting.formUnion((targets ?? []).map(\.cluster))
        }
        for agent in agents where agent.isMember && !waiting.contains(agent.cluster.name) {
            for assignment in database.assignments(of: agent.cluster.name) { try checkConverged(agent, assignment) }
        }
    }

    private func checkConverged(_ agent: SimulatedAgent, _ assignment: Assignment) throws(Violation) {
        let name = agent.cluster.name
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
