public import SwellModel

extension Rollout {
    /// Whether a rollback of this scope concerns a target.
    public func covers(_ scope: RollbackScope, _ target: TargetState) -> Bool {
        covers(scope, cluster: target.cluster, region: target.region, stage: target.stage)
    }

    func covers(_ scope: RollbackScope, cluster: ClusterName, region: RegionName, stage: Int) -> Bool {
        switch scope {
        case .rollout: true
        case .stage(let name): stages.indices.contains(stage) && stages[stage].name == name
        case .region(let name): region == name
        case .cluster(let name): cluster == name
        }
    }

    /// Whether taking back a scope leaves a target that it covers as it is: the rollout changed nothing there. A person who names the
    /// cluster means it.
    public func spares(_ target: TargetState, from scope: RollbackScope) -> Bool {
        if case .cluster = scope { return false }
        return target.ranBefore && (target.phase.isForward || target.phase == .queued)
    }

    /// The index of a stage by name.
    public func stageIndex(_ name: StageName) -> Int? { stages.firstIndex { $0.name == name } }
}
