internal import SwellModel

extension DecisionMaker {
    /// Why a command makes no sense on a rollout as it stands, for people; nil where it does.
    ///
    /// Asked twice: before the command is stored, and again when it is its turn, since others may have come before it.
    public static func refusal(of command: RolloutCommand, on rollout: Rollout) -> String? {
        guard !rollout.phase.isEnded else {
            let ended = "rollout '\(rollout.name)' has ended (\(rollout.phase.rawValue))"
            if case .rollback = command { return "\(ended): undo it with a new rollout" }
            return ended
        }
        switch command {
        case .pause(let scope, _): return unknown(scope, rollout)
        case .resume(let scope): return unknown(scope, rollout) ?? notPaused(scope, rollout)
        case .abort: return nil
        case .retry(let clusters): return refusal(ofRetry: clusters, rollout)
        case .rollback(let scope, _): return unknown(scope, rollout)
        case .approve(let stage, let digest): return refusal(ofApproval: stage, digest, rollout)
        case .promote(let stage): return refusal(ofPromotion: stage, rollout)
        case .supersede(let successor):
            return successor == rollout.name ? "a rollout cannot supersede itself" : nil
        }
    }

    private static func unknown(_ scope: PauseScope, _ rollout: Rollout) -> String? {
        switch scope {
        case .rollout: return nil
        case .region(let name): return unknown(RollbackScope.region(name), rollout)
        case .cluster(let name): return unknown(RollbackScope.cluster(name), rollout)
        }
    }

    private static func unknown(_ scope: RollbackScope, _ rollout: Rollout) -> String? {
        switch scope {
        case .rollout: return nil
        case .cluster(let name):
            return rollout.targets[name] == nil ? "rollout '\(rollout.name)' has no cluster '\(name)'" : nil
        case .region(let name):
            guard !rollout.targets.values.contains(where: { $0.region == name }) else { return nil }
            let regions = Set(rollout.targets.values.map(\.region)).sorted().map(\.rawValue)
            return "rollout '\(rollout.name)' has no region '\(name)': it has \(regions.joined(separator: ", "))"
        case .stage(let name):
            return unknownStage(name, rollout)
        }
    }

    private static func unknownStage(_ name: StageName, _ rollout: Rollout) -> String? {
        guard rollout.stageIndex(name) == nil else { return nil }
        let stages = rollout.stages.map(\.name.rawValue).joined(separator: ", ")
        return "rollout '\(rollout.name)' has no stage '\(name)': it has \(stages)"
    }

    private static func notPaused(_ scope: PauseScope, _ rollout: Rollout) -> String? {
        switch scope {
        case .rollout:
            guard rollout.pause == nil else { return nil }
            guard rollout.phase == .paused else { return "rollout '\(rollout.name)' is not paused" }
            return "rollout '\(rollout.name)' stopped for failures (\(rollout.reason ?? "")): "
                + "retry the failed clusters, roll back or abort"
        case .region(let name):
            return rollout.pausedRegions[name] == nil
                ? "region '\(name)' is not paused in rollout '\(rollout.name)'" : nil
        case .cluster(let name):
            return rollout.pausedClusters[name] == nil
                ? "cluster '\(name)' is not paused in rollout '\(rollout.name)'" : nil
        }
    }

    private static func refusal(ofRetry clusters: [ClusterName], _ rollout: Rollout) -> String? {
        guard rollout.phase != .rollingBack else {
            return "rollout '\(rollout.name)' is rolling back: nothing goes forward any more"
        }
        for name in clusters {
            guard let target = rollout.targets[name] else {
                return "rollout '\(rollout.name)' has no cluster '\(name)'"
            }
            guard target.isRetryable else {
                return "cluster '\(name)' did not fail: it is \(target.phase.rawValue)"
            }
        }
        guard !clusters.isEmpty || !rollout.retryable.isEmpty else {
            return "no cluster of rollout '\(rollout.name)' has failed"
        }
        return nil
    }

    private static func refusal(
        ofApproval name: StageName, _ digest: ContentDigest, _ rollout: Rollout
    ) -> String? {
        guard let index = rollout.stageIndex(name) else { return unknownStage(name, rollout) }
        guard rollout.phase != .rollingBack else { return "rollout '\(rollout.name)' is rolling back" }
        // Invariant 14: an approval is for exactly this content.
        guard digest == rollout.release.digest else {
            return "the approval is for \(digest.short), but rollout '\(rollout.name)' carries "
                + "\(rollout.release.digest.short): look at what changed and approve that"
        }
        let stage = rollout.stages[index]
        let rule = rollout.policy.stages[index].approval
        switch stage.phase {
        case .waiting, .gated:
            guard rule.before else { return "stage '\(name)' needs no approval before it starts" }
            return stage.approvedBefore == nil ? nil : "stage '\(name)' is approved already"
        case .soaking, .verifying:
            guard rule.after else { return "stage '\(name)' needs no approval" }
            return stage.approvedAfter == nil ? nil : "stage '\(name)' is approved already"
        case .progressing:
            return "stage '\(name)' is not at an approval: it is still bringing up its clusters"
        case .passed, .failed:
            return "stage '\(name)' has \(stage.phase.rawValue)"
        }
    }

    private static func refusal(ofPromotion name: StageName, _ rollout: Rollout) -> String? {
        guard let index = rollout.stageIndex(name) else { return unknownStage(name, rollout) }
        guard rollout.phase != .rollingBack else { return "rollout '\(rollout.name)' is rolling back" }
        let stage = rollout.stages[index]
        switch stage.phase {
        case .gated, .soaking: return nil
        case .verifying:
            let unsettled = rollout.targets.values.filter { $0.stage == index && $0.holdsStage && !$0.isSettled }
            guard !unsettled.isEmpty else { return nil }
            return "stage '\(name)' waits for \(SwellEngine.named(unsettled.map(\.cluster).sorted())): "
                + "a promotion ends a soak or an approval, not a lack of health"
        case .waiting, .progressing, .passed, .failed:
            return "stage '\(name)' is \(stage.phase.rawValue): only a soak or an approval can be ended early"
        }
    }
}
