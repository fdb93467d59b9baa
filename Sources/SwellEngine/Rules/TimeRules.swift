internal import SwellModel

// What time alone changes about targets (invariants 3 and 12).
//
// Silence: an agent not heard of for longer than the policy's `unreachableAfter` makes its cluster unknown, neither healthy nor
// failed. What is under way becomes `unreachable` and keeps its place under the caps; its deadline stops and counts again from its
// return. It counts against no budget, but its stage waits for it by name. A healthy target becomes `unreachable` too as long as
// its stage has not passed, since a soak is earned by evidence; afterwards its proof stands.
//
// Deadlines: judged only on an agent heard of at or after the deadline, so that a lost line never looks like a failed release.
extension DecisionState {
    mutating func applyTime() {
        for name in names {
            catchUp(name)
            confirm(name)
            guard let target = rollout.targets[name] else { continue }
            switch target.phase {
            case .dispatched, .applying, .verifying: watchForward(target)
            case .healthy: watchHealthy(target)
            case .unreachable: watchUnreachable(target)
            case .rollingBack: watchRollback(target)
            case .queued, .failed, .rolledBack, .rollbackFailed, .skipped: break
            }
        }
    }

    /// Tells an assignment again where the agent is known to be ahead of it: it refused what it was told, or will (invariants 8 and 9).
    private mutating func catchUp(_ name: ClusterName) {
        guard let report = snapshot.fleet[name]?.report, let target = rollout.targets[name],
            let generation = target.generation, report.epoch <= epoch, report.generation < Self.highestGeneration,
            report.isAhead(of: generation, epoch: target.epoch ?? 0, digest: target.assigned?.digest)
        else { return }
        noteSeen(report.generation, at: name)
        reassign(name, report.agentKnowledge)
    }

    private mutating func watchForward(_ target: TargetState) {
        if isUnreachable(target.cluster) {
            markUnreachable(of: target.cluster)
        } else if isOverdue(target) {
            let verb = target.provenAt == nil ? "become healthy" : "recover"
            let detail = target.reason.map { ": \($0)" } ?? ""
            fail(
                target.cluster,
                "ProgressDeadlineExceeded: did not \(verb) within \(rollout.policy.progressDeadline)\(detail)")
        }
    }

    private mutating func watchHealthy(_ target: TargetState) {
        guard target.late == nil, rollout.stages[target.stage].passedAt == nil, isUnreachable(target.cluster) else {
            return
        }
        markUnreachable(of: target.cluster)
    }

    private mutating func watchUnreachable(_ target: TargetState) {
        guard !isUnreachable(target.cluster) else { return }
        update(target.cluster) { [deadline = now + rollout.policy.progressDeadline] in
            $0.phase = $0.provenAt == nil ? .dispatched : .verifying
            $0.reason = "agent reconnected"
            $0.deadlineAt = deadline
        }
    }

    private mutating func watchRollback(_ target: TargetState) {
        if isUnreachable(target.cluster) {
            update(target.cluster) {
                $0.deadlineAt = nil
                $0.healthySince = nil
                $0.assertedAt = nil
            }
        } else if target.deadlineAt == nil {
            let deadline = now + rollout.policy.progressDeadline
            update(target.cluster) { $0.deadlineAt = deadline }
        } else if isOverdue(target) {
            failRollback(
                target.cluster,
                "ProgressDeadlineExceeded: did not get back within \(rollout.policy.progressDeadline)")
        }
    }

    private mutating func markUnreachable(of name: ClusterName) {
        let reason = "its agent was not heard of for \(rollout.policy.unreachableAfter)"
        update(name) {
            $0.phase = .unreachable
            $0.reason = reason
            $0.deadlineAt = nil
            $0.healthySince = nil
            $0.assertedAt = nil
            $0.healthyAt = nil
        }
    }

    private func isOverdue(_ target: TargetState) -> Bool {
        guard let deadline = target.deadlineAt, now >= deadline,
            let lastSeen = snapshot.fleet[target.cluster]?.lastSeenAt
        else { return false }
        return lastSeen >= deadline
    }
}
