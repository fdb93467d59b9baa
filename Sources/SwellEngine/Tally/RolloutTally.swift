internal import SwellModel

/// The targets of a rollout, counted: once at the beginning of a decision, and on with each change. What caps, budgets, stages and
/// ends ask for is read off here, so that nothing counts them again (a fleet of ten thousand is walked once, not once a target).
struct RolloutTally {
    struct Lane: Hashable {
        var stage: Int
        var region: RegionName
    }

    private(set) var stages: [StageTally]
    /// What is under way in each lane, and so counts under its cap.
    private(set) var lanes: [Lane: Int] = [:]
    private(set) var underWay = 0
    private(set) var phases: [TargetPhase: Int] = [:]

    init(_ rollout: Rollout) {
        stages = rollout.stages.indices.map { index in
            StageTally(
                planned: rollout.stages[index].lanes.values.reduce(0, +),
                budget: rollout.policy.stages[index].failureBudget, isUndo: rollout.kind != .release)
        }
        for target in rollout.targets.values { count(target, 1) }
    }

    /// Counts a change of one target; nil for one that is new.
    mutating func moved(from before: TargetState?, to after: TargetState) {
        if let before { count(before, -1) }
        count(after, 1)
    }

    private mutating func count(_ target: TargetState, _ step: Int) {
        phases[target.phase, default: 0] += step
        stages[target.stage].count(target, step)
        guard target.holdsSlot else { return }
        lanes[Lane(stage: target.stage, region: target.region), default: 0] += step
        underWay += step
    }

    func count(_ phase: TargetPhase) -> Int { phases[phase] ?? 0 }
    func failures(inStage index: Int) -> FailureBudget { stages[index].failures }
    /// The first stage with more failures than its budget, if there is one.
    var overspent: Int? { stages.firstIndex { $0.failures.isExceeded } }
}

/// The targets of one stage, counted.
struct StageTally {
    /// How many clusters it was planned for.
    let planned: Int
    let budget: Limit
    /// Whether it takes back: then a cluster that has nothing to go back to is done with.
    let isUndo: Bool
    /// Regular members that are there, so that the stage waits for them.
    private(set) var members = 0
    private(set) var settled = 0
    private(set) var healthy = 0
    /// Members that failed; a stage all of whose members did passes where the budget tolerates it.
    private(set) var failedMembers = 0
    /// Everything that failed here, whatever has become of it since.
    private(set) var failed = 0
    /// Who takes part, or failed before it left: what a budget in percent is of.
    private(set) var counted = 0
    private(set) var underWay = 0
    /// Those for whom nothing can be done: no other release was ever proven there.
    private(set) var held = 0

    init(planned: Int, budget: Limit, isUndo: Bool) {
        self.planned = planned
        self.budget = budget
        self.isUndo = isUndo
    }

    mutating func count(_ target: TargetState, _ step: Int) {
        if target.holdsSlot { underWay += step }
        if target.skip == .neverHealthy { held += step }
        if target.countsAsFailure { failed += step }
        if target.late != .joined, target.phase != .skipped || target.countsAsFailure { counted += step }
        guard target.holdsStage else { return }
        members += step
        if target.isSettled { settled += step }
        if target.phase == .healthy { healthy += step }
        if target.failedAt != nil { failedMembers += step }
    }

    /// A percentage is of those who take part: clusters that left can bear no failure (a count stays what it is).
    var failures: FailureBudget {
        FailureBudget(failed: failed, allowed: budget.resolved(of: min(planned, counted), atLeast: 0))
    }

    /// Whether it has nothing to bring up and never had: such a stage passes by itself, and asks nobody.
    var isEmpty: Bool { members == 0 && failed == 0 && (planned == 0 || isUndo && held > 0) }

    /// What its clusters say for it (invariant 21).
    var verdict: StageVerdict {
        if isEmpty { return .empty }
        if healthy > 0 { return .proven }
        return members > 0 && failedMembers == members ? .tolerated : .unproven
    }
}

/// What the settled clusters of a stage say for it.
enum StageVerdict: Hashable {
    /// There was nothing to prove.
    case empty
    /// At least one of its clusters is healthy.
    case proven
    /// All of them failed, and the policy tolerates that many.
    case tolerated
    /// None is healthy: its clusters left, or were left out. It takes a person's word.
    case unproven
}
