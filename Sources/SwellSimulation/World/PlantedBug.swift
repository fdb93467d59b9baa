internal import SwellEngine
internal import SwellModel

/// Mistakes like those that rollout tools have shipped, put between the world and the engine: the checker must find each.
public enum PlantedBug: String, Sendable, CaseIterable {
    /// Caps are not looked at (invariant 1).
    case ignoresCaps
    /// The soak is skipped (invariant 3).
    case skipsSoak
    /// The health of the previous release completes a step (invariant 4).
    case takesOldEvidence
    /// The failure budget is not looked at (invariant 5).
    case ignoresBudget
    /// Pauses are not looked at (invariant 6).
    case ignoresPauses
    /// What is silent counts as there (invariant 12).
    case takesSilenceForFailure
    /// Approvals are not asked for (invariant 14).
    case ignoresApprovals
    /// Now and then an audit row is lost (invariant 16).
    case losesTransitions
    /// New wishes reach agents only when they connect (invariant 19).
    case neverPushes

    /// What the engine is shown.
    func distort(_ input: DecisionInput) -> DecisionInput {
        var input = input
        switch self {
        case .ignoresCaps:
            input.surroundings.fleetHeadroom = nil
            input.rollout.policy.maxConcurrent = nil
            for index in input.rollout.policy.stages.indices {
                input.rollout.policy.stages[index].maxConcurrent = .percent(100)
                input.rollout.policy.stages[index].maxConcurrentInStage = nil
            }
        case .skipsSoak:
            for index in input.rollout.policy.stages.indices { input.rollout.policy.stages[index].soak = .zero }
        case .takesOldEvidence:
            for index in input.reports.indices {
                guard let target = input.rollout.targets[input.reports[index].cluster] else { continue }
                input.reports[index].report.generation = target.generation ?? 0
                input.reports[index].report.digest = target.assigned?.digest
            }
        case .ignoresBudget:
            for index in input.rollout.policy.stages.indices {
                input.rollout.policy.stages[index].failureBudget = .percent(100)
            }
        case .ignoresPauses:
            input.surroundings.pausedRegions = [:]
            input.surroundings.pausedClusters = [:]
            input.rollout.pausedRegions = [:]
            input.rollout.pausedClusters = [:]
        case .takesSilenceForFailure:
            for name in input.surroundings.fleet.keys { input.surroundings.fleet[name]?.lastSeenAt = input.now }
        case .ignoresApprovals:
            for index in input.rollout.policy.stages.indices {
                input.rollout.policy.stages[index].approval = ApprovalRule()
            }
        case .losesTransitions, .neverPushes: break
        }
        return input
    }

    /// What becomes of its decision.
    func distort(_ decision: Decision, of input: DecisionInput) -> Decision {
        var decision = decision
        decision.rollout.policy = input.rollout.policy
        for index in decision.transitions.indices {
            guard case .rollout(var head) = decision.transitions[index].value else { continue }
            head.policy = input.rollout.policy
            if self == .ignoresPauses {
                head.pausedRegions.merge(input.rollout.pausedRegions) { new, _ in new }
                head.pausedClusters.merge(input.rollout.pausedClusters) { new, _ in new }
            }
            decision.transitions[index].value = .rollout(head)
        }
        if self == .ignoresPauses {
            decision.rollout.pausedRegions.merge(input.rollout.pausedRegions) { new, _ in new }
            decision.rollout.pausedClusters.merge(input.rollout.pausedClusters) { new, _ in new }
        }
        if self == .losesTransitions, decision.transitions.count > 3 { decision.transitions.removeLast() }
        return decision
    }
}
