internal import SwellEngine
internal import SwellModel

// Rules as they were before they were mended, put back by what the engine is shown.
extension PlantedBug {
    func distortAsBefore(_ input: inout DecisionInput) {
        switch self {
        case .forgetsLastWord:
            for name in input.snapshot.fleet.keys { input.snapshot.fleet[name]?.reportedAt = nil }
        case .failsUnknown:
            for index in input.reports.indices { Self.blur(&input.reports[index].report) }
            for name in input.snapshot.fleet.keys {
                if var report = input.snapshot.fleet[name]?.report {
                    Self.blur(&report)
                    input.snapshot.fleet[name]?.report = report
                }
            }
        case .soaksUnseen:
            for target in input.rollout.targets.values where target.phase == .healthy {
                input.snapshot.fleet[target.cluster]?.lastSeenAt = input.now
            }
        case .forgetsLeavers:
            for name in Self.leavers(input) {
                guard let target = input.rollout.targets.removeValue(forKey: name) else { continue }
                input.rollout.stages[target.stage].lanes[target.region, default: 1] -= 1
            }
            for index in input.rollout.stages.indices
            where input.rollout.stages[index].lanes.values.allSatisfy({ $0 <= 0 }) {
                input.rollout.stages[index].lanes = [:]
            }
        case .spreadsEpochs:
            let highest = input.snapshot.fleet.values.compactMap(\.report?.epoch).max() ?? 0
            for name in input.snapshot.fleet.keys { input.snapshot.fleet[name]?.report?.epoch = highest }
        case .spreadsGenerations:
            let highest = input.snapshot.fleet.values.map(\.highestGeneration).max() ?? 0
            for name in input.snapshot.fleet.keys { input.snapshot.fleet[name]?.highestGeneration = highest }
        case .pausesPlannedRegionsOnly:
            for target in input.rollout.targets.values {
                input.snapshot.fleet[target.cluster]?.cluster.region = target.region
            }
        case .countsLostTime: input.dueAt = nil
        case .takesBackUnchanged:
            for name in input.snapshot.fleet.keys where input.rollout.targets[name]?.attempts == 0 {
                input.snapshot.fleet[name]?.assigned = nil
            }
        default: break
        }
    }

    private static func blur(_ report: inout ApplicationReport) {
        if report.health == .unknown { report.health = .degraded }
    }

    /// Whoever left and was skipped for it.
    private static func leavers(_ input: DecisionInput) -> [ClusterName] {
        input.rollout.targets.values
            .filter { $0.phase == .skipped && input.snapshot.fleet[$0.cluster] == nil }.map(\.cluster)
    }

    /// Puts back the clusters that the engine was not shown, and the sizes of the stages they were planned for.
    func mendLeavers(_ decision: inout Decision, of input: DecisionInput) {
        for name in Self.leavers(input) { decision.rollout.targets[name] = input.rollout.targets[name] }
        for index in decision.rollout.stages.indices {
            decision.rollout.stages[index].lanes = input.rollout.stages[index].lanes
        }
        for index in decision.transitions.indices {
            guard case .stage(var stage) = decision.transitions[index].value,
                let place = input.rollout.stages.firstIndex(where: { $0.name == stage.name })
            else { continue }
            stage.lanes = input.rollout.stages[place].lanes
            decision.transitions[index].value = .stage(stage)
        }
    }
}
