public import SwellModel

extension Rollout {
    /// Whether a cluster that is no target, and that the application selects, may ever join: what is not read of it changes nothing.
    public func mayAdmit(_ cluster: Cluster) -> Bool {
        header.kind == .release && header.select.matches(cluster)
            && header.policy.stages.contains { $0.select.matches(cluster) }
    }
}

// Who takes part (invariants 18 and 21): leavers are skipped, joiners are brought level. What a cluster failed stays on record while it
// is away, and counts again when it is back: leaving takes back no failure.
extension DecisionState {
    mutating func applyMembership() {
        for name in names { followMember(name) }
        admitJoiners()
    }

    private mutating func followMember(_ name: ClusterName) {
        let target = target(name)
        let isHere = snapshot.fleet[name] != nil
        if !isHere, target.phase != .skipped {
            // Whatever pause it was told of: nobody will come back to it, and its assignment outlives its membership.
            if target.phase.isForward { tell(name, isPaused: false) }
            update(name) { $0.leaveOut(.left, "the cluster left the fleet") }
        } else if let holder = snapshot.fleet[name].map(\.heldBy), target.skip == .left,
            holder == nil || holder == rollout.name
        {
            // One that another rollout has taken meanwhile is that one's (invariant 11).
            readmit(target)
        }
    }

    /// A cluster that had left is back: it goes the way its scope goes, and what had failed has failed.
    private mutating func readmit(_ target: TargetState) {
        let isRolledBack = rollout.phase == .rollingBack || rollout.rolledBack.contains { rollout.covers($0, target) }
        let hasStarted = rollout.stages[target.stage].startedAt != nil
        update(target.cluster) {
            if let failedAt = $0.failedAt {
                $0.fail("failed before it left the fleet and came back", at: failedAt)
                $0.skip = nil
            } else {
                $0.queue("the cluster is back in the fleet")
                if hasStarted, $0.late == nil { $0.late = .joined }
            }
        }
        guard isRolledBack else { return }
        if target.ranBefore {
            leaveUnchanged(target.cluster)
        } else {
            rollBackTarget(target.cluster, reason: "rolled back while the cluster was away")
        }
    }

    /// Takes in clusters that the application selects and a stage matches: as regular members while the stage has not started,
    /// otherwise late, so that no soak or pass is disturbed. A cluster whose agent is away, or that another rollout holds, is not
    /// taken in before that changes.
    private mutating func admitJoiners() {
        guard rollout.phase != .rollingBack, !isStoppedByFailure else { return }
        let unrelated = snapshot.fleet.values.filter {
            rollout.targets[$0.cluster.name] == nil && $0.isEnrolled
                && ($0.heldBy == nil || $0.heldBy == rollout.name) && rollout.mayAdmit($0.cluster)
                && !isUnreachable($0.cluster.name)
        }
        var joiners: [TargetState] = []
        for facts in unrelated.sorted(by: { $0.cluster.name < $1.cluster.name }) {
            let name = facts.cluster.name
            guard let stage = rollout.policy.stages.firstIndex(where: { $0.select.matches(facts.cluster) }) else {
                continue
            }
            let isRolledBack = rollout.rolledBack.contains {
                rollout.covers($0, cluster: name, region: facts.cluster.region, stage: stage)
            }
            guard !isRolledBack else { continue }
            joiners.append(
                TargetState(
                    cluster: name, region: facts.cluster.region, stage: stage, reason: "joined the fleet",
                    previous: facts.provenOther(than: rollout.release),
                    late: rollout.stages[stage].startedAt == nil ? nil : .joined, changedAt: now))
        }
        add(joiners)
    }
}
