internal import SwellModel

// Who takes part (invariant 18): leavers are skipped, joiners are brought level.
extension DecisionState {
    mutating func applyMembership() {
        for name in names { followMember(name) }
        admitJoiners()
    }

    private mutating func followMember(_ name: ClusterName) {
        guard let target = rollout.targets[name] else { return }
        let isHere = snapshot.fleet[name] != nil
        if !isHere, target.phase != .skipped {
            update(name) {
                $0.phase = .skipped
                $0.skip = .left
                $0.reason = "the cluster left the fleet"
                $0.deadlineAt = nil
                $0.healthySince = nil
                $0.assertedAt = nil
                $0.healthyAt = nil
                $0.provenAt = nil
            }
        } else if isHere, target.skip == .left {
            readmit(target)
        }
    }

    /// A cluster that had left is back: it goes the way its scope goes.
    private mutating func readmit(_ target: TargetState) {
        let isTakenBack = rollout.phase == .rollingBack || rollout.rolledBack.contains { rollout.covers($0, target) }
        let hasStarted = rollout.stages[target.stage].startedAt != nil
        update(target.cluster) {
            $0.phase = .queued
            $0.skip = nil
            $0.failedAt = nil
            $0.reason = "the cluster is back in the fleet"
            if hasStarted { $0.late = .joined }
        }
        if isTakenBack { rollBackTarget(target.cluster, reason: "rolled back while the cluster was away") }
    }

    /// Takes in clusters that the application selects and a stage matches: as regular members while the stage has not started,
    /// otherwise late, so that no soak or pass is disturbed. A cluster whose agent is away, or that another rollout holds, is not
    /// taken in before that changes.
    private mutating func admitJoiners() {
        guard rollout.kind == .release, rollout.phase != .rollingBack, !rollout.isStoppedByFailure,
            snapshot.fleet.count > 0
        else { return }
        let unrelated = snapshot.fleet.values.filter {
            rollout.targets[$0.cluster.name] == nil && $0.isEnrolled
                && ($0.heldBy == nil || $0.heldBy == rollout.name) && rollout.select.matches($0.cluster)
                && !isUnreachable($0.cluster.name)
        }
        for facts in unrelated.sorted(by: { $0.cluster.name < $1.cluster.name }) {
            let name = facts.cluster.name
            guard let stage = rollout.policy.stages.firstIndex(where: { $0.select.matches(facts.cluster) }) else {
                continue
            }
            let isTakenBack = rollout.rolledBack.contains {
                rollout.covers($0, cluster: name, region: facts.cluster.region, stage: stage)
            }
            guard !isTakenBack else { continue }
            add(
                TargetState(
                    cluster: name, region: facts.cluster.region, stage: stage, reason: "joined the fleet",
                    previous: facts.proven.first,
                    late: rollout.stages[stage].startedAt == nil ? nil : .joined, changedAt: now))
        }
    }
}
