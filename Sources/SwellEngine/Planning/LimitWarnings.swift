internal import SwellModel

/// Caps and budgets that void themselves: allowed, and seldom meant.
enum LimitWarnings {
    static func of(_ policy: RolloutPolicy, stages: [StageState]) -> [PlanWarning] {
        policy.stages.indices.flatMap { index -> [PlanWarning] in
            let size = stages[index].lanes.values.reduce(0, +)
            guard size > 0 else { return [] }
            return [cap(policy, index, stages[index].lanes, size), budget(policy, index, size)].compactMap { $0 }
        }
    }

    /// A percentage is of each lane and at least one: over many small regions it is everything at once.
    private static func cap(
        _ policy: RolloutPolicy, _ index: Int, _ lanes: [RegionName: Int], _ size: Int
    ) -> PlanWarning? {
        let stage = policy.stages[index]
        guard case .percent(let percent) = stage.maxConcurrent, percent < 100, lanes.count > 1 else { return nil }
        let atOnce = lanes.values.reduce(0) { $0 + stage.maxConcurrent.resolved(of: $1, atLeast: 1) }
        let meant = max(1, size * percent / 100)
        let others = [
            stage.maxConcurrentInStage?.resolved(of: size, atLeast: 1),
            policy.maxConcurrent?.resolved(of: size, atLeast: 1),
        ]
        let real = others.reduce(atOnce) { min($0, $1 ?? $0) }
        guard real >= 2 * meant else { return nil }
        return PlanWarning(
            kind: .voidLimit,
            message:
                "stage '\(stage.name)': maxConcurrent \(percent)% is of each region and at least one there, which makes "
                + "\(real) of \(size) clusters at once: set maxConcurrentInStage to limit the stage", stage: stage.name)
    }

    /// A budget as large as its stage: every cluster of it may fail, and the next stage starts.
    private static func budget(_ policy: RolloutPolicy, _ index: Int, _ size: Int) -> PlanWarning? {
        let stage = policy.stages[index]
        let allowed = stage.failureBudget.resolved(of: size, atLeast: 0)
        guard allowed >= size else { return nil }
        return PlanWarning(
            kind: .voidLimit,
            message:
                "stage '\(stage.name)': failureBudget \(stage.failureBudget) tolerates that all \(size) of its clusters "
                + "fail, and goes on: write at most \(size - 1)", stage: stage.name)
    }
}
