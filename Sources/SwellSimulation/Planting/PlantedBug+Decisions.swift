internal import SwellEngine
internal import SwellModel

// Mistakes around a decision: the engine is shown something else, or what it says is changed.
extension PlantedBug {
    func decide(_ input: DecisionInput) -> Decision {
        let shown = distort(input)
        var decision = DecisionMaker.decide(shown)
        mend(&decision, of: input)
        distort(&decision, of: input)
        return decision
    }

    private func distort(_ input: DecisionInput) -> DecisionInput {
        var input = input
        switch self {
        case .ignoresCaps, .skipsSoak, .ignoresBudget, .ignoresApprovals:
            input.rollout.header = input.rollout.header.replacing(policy(input))
        case .collapsesStages: collapse(&input.rollout)
        case .takesOldEvidence:
            for index in input.reports.indices {
                guard let target = input.rollout.targets[input.reports[index].cluster] else { continue }
                input.reports[index].report.generation = target.generation ?? 0
                input.reports[index].report.epoch = target.epoch ?? 0
                input.reports[index].report.digest = target.assigned?.digest
            }
        case .trustsReverts:
            for index in input.reports.indices {
                let phase = input.reports[index].report.phase
                guard phase == .reverting || phase == .reverted else { continue }
                input.reports[index].report.phase = .healthy
                input.reports[index].report.health = .healthy
                input.reports[index].report.digest =
                    input.rollout.targets[input.reports[index].cluster]?.assigned?.digest
            }
        case .ignoresPauses:
            input.snapshot.pausedRegions = [:]
            input.snapshot.pausedClusters = [:]
            input.rollout.pausedRegions = [:]
            input.rollout.pausedClusters = [:]
        case .forgetsAborts: input.commands.removeAll { Self.stops($0.command) }
        case .decidesUnderOldEpochs: input.epoch -= 1
        case .obeysTwice: if let first = input.commands.first { input.commands.append(first) }
        case .rollsBackTooMuch:
            for index in input.commands.indices {
                guard case .rollback(.cluster(let name), let reason, _) = input.commands[index].command,
                    let region = input.rollout.targets[name]?.region
                else { continue }
                input.commands[index].command = .rollback(.region(region), reason: reason)
            }
        case .takesHeldClusters:
            for name in input.snapshot.fleet.keys { input.snapshot.fleet[name]?.heldBy = nil }
        case .takesSilenceForFailure:
            for name in input.snapshot.fleet.keys { input.snapshot.fleet[name]?.lastSeenAt = input.now }
        case .keepsLeavers:
            for target in input.rollout.targets.values where input.snapshot.fleet[target.cluster] == nil {
                input.snapshot.fleet[target.cluster] = ClusterFacts(
                    cluster: Cluster(name: target.cluster, region: target.region, environment: "production"),
                    isEnrolled: true, lastSeenAt: input.now, highestGeneration: target.generation ?? 0,
                    heldBy: input.rollout.name)
            }
        case .forgetsLastWord, .failsUnknown, .soaksUnseen, .forgetsLeavers, .spreadsEpochs, .spreadsGenerations,
            .pausesPlannedRegionsOnly, .countsLostTime, .takesBackUnchanged:
            distortAsBefore(&input)
        case .forgetsJoiners:
            let targets = input.rollout.targets
            input.snapshot.fleet = input.snapshot.fleet.filter { targets[$0.key] != nil }
        default: break
        }
        if self == .ignoresCaps { input.snapshot.fleetHeadroom = nil }
        return input
    }

    private static func stops(_ command: RolloutCommand) -> Bool {
        switch command {
        case .abort, .rollback: true
        default: false
        }
    }

    private func policy(_ input: DecisionInput) -> RolloutPolicy {
        var policy = input.rollout.policy
        if self == .ignoresCaps { policy.maxConcurrent = nil }
        for index in policy.stages.indices {
            switch self {
            case .ignoresCaps:
                policy.stages[index].maxConcurrent = .percent(100)
                policy.stages[index].maxConcurrentInStage = nil
            case .skipsSoak: policy.stages[index].soak = .zero
            case .ignoresBudget: policy.stages[index].failureBudget = .percent(100)
            default: policy.stages[index].approval = ApprovalRule()
            }
        }
        return policy
    }

    private func collapse(_ rollout: inout Rollout) {
        guard let open = rollout.stages.firstIndex(where: { $0.phase != .passed }) else { return }
        for name in rollout.targets.keys where rollout.targets[name]?.stage ?? 0 > open {
            rollout.targets[name]?.stage = open
        }
    }

    /// Puts back what the engine was not shown, so that only its decision is wrong.
    private func mend(_ decision: inout Decision, of input: DecisionInput) {
        func mendHeader(_ header: inout RolloutHeader) {
            header = header.replacing(input.rollout.policy)
            guard self == .ignoresPauses else { return }
            header.pausedRegions.merge(input.rollout.pausedRegions) { new, _ in new }
            header.pausedClusters.merge(input.rollout.pausedClusters) { new, _ in new }
        }
        mendHeader(&decision.rollout.header)
        if self == .forgetsLeavers { mendLeavers(&decision, of: input) }
        for name in decision.rollout.targets.keys {
            guard let stage = input.rollout.targets[name]?.stage else { continue }
            decision.rollout.targets[name]?.stage = stage
        }
        for index in decision.transitions.indices {
            switch decision.transitions[index].value {
            case .header(var header):
                mendHeader(&header)
                decision.transitions[index].value = .header(header)
            case .target(var target):
                target.stage = input.rollout.targets[target.cluster]?.stage ?? target.stage
                decision.transitions[index].value = .target(target)
            case .stage: break
            }
        }
        guard self == .forgetsAborts else { return }
        let unanswered = Set(input.commands.map(\.id)).subtracting(decision.verdicts.map(\.command))
        decision.verdicts += unanswered.sorted().map { CommandVerdict(command: $0) }
    }

    private func distort(_ decision: inout Decision, of input: DecisionInput) {
        switch self {
        case .losesTransitions: if decision.transitions.count > 3 { decision.transitions.removeLast() }
        case .reusesGenerations:
            for index in decision.assignments.indices where decision.assignments[index].generation > 1 {
                decision.assignments[index].generation -= 1
            }
        case .rollsBackToUnproven:
            for index in decision.assignments.indices
            where decision.rollout.targets[decision.assignments[index].cluster]?.phase == .rollingBack {
                decision.assignments[index].goal = .run(input.rollout.release)
            }
        default: break
        }
    }
}

extension RolloutHeader {
    /// The same under another policy, which no rollout that ships ever gets.
    fileprivate func replacing(_ policy: RolloutPolicy) -> RolloutHeader {
        var header = RolloutHeader(
            name: name, application: application, kind: kind, release: release, policy: policy, strategy: strategy,
            createdBy: createdBy, createdAt: createdAt, startsAt: startsAt, select: select, phase: phase)
        header.reason = reason
        header.endedAt = endedAt
        header.pause = pause
        header.pausedRegions = pausedRegions
        header.pausedClusters = pausedClusters
        header.supersededBy = supersededBy
        header.rolledBack = rolledBack
        return header
    }
}
