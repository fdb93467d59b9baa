internal import SwellModel

extension DecisionMaker {
    /// Why a command makes no sense on a rollout as it stands, for people; nil where it does.
    ///
    /// Asked twice: before the command is stored, and again when it is its turn, since others may have come before it.
    ///
    /// - Parameter snapshot: What is around the rollout when it is its turn; nil before, where that may still change.
    public static func refusal(
        of command: RolloutCommand, on rollout: Rollout, in snapshot: FleetSnapshot? = nil
    ) -> String? {
        guard !rollout.phase.isEnded else {
            let ended = "rollout '\(rollout.name)' has ended (\(rollout.phase.rawValue))"
            if case .rollback = command { return "\(ended): undo it with a new rollout" }
            return ended
        }
        switch command {
        case .pause(let scope, _): return unknown(scope, rollout)
        case .resume(let scope): return unknown(scope, rollout) ?? notPaused(scope, rollout)
        case .abort: return nil
        case .retry(let clusters): return refusal(ofRetry: clusters, rollout, snapshot)
        case .rollback(let scope, _, let remove):
            return unknown(scope, rollout) ?? refusal(ofRollback: scope, removes: remove == true, rollout)
        case .approve(let stage, let digest, let gate, let plan):
            return refusal(ofApproval: stage, digest, gate, rollout) ?? unseen(plan, rollout)
        case .withdraw(let stage): return refusal(ofWithdrawal: stage, rollout)
        case .promote(let stage, let despiteHealth, let digest, let plan):
            return refusal(ofPromotion: stage, despiteHealth: despiteHealth == true, rollout)
                ?? refusal(ofApprovalByPromotion: stage, digest, plan, rollout)
        case .skip(let cluster, _), .leaveBehind(let cluster, _):
            return unknown(RollbackScope.cluster(cluster), rollout) ?? refusal(ofLeaving: cluster, command, rollout)
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

    private static func refusal(
        ofRetry clusters: [ClusterName], _ rollout: Rollout, _ snapshot: FleetSnapshot?
    ) -> String? {
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
            if let snapshot, let holder = rollout.holder(of: name, in: snapshot) {
                return
                    "cluster '\(name)' is held by rollout '\(holder)' by now: retry it once that has ended, or end that first "
                    + "(swell rollout abort \(holder))"
            }
        }
        guard !clusters.isEmpty || !rollout.retryable.isEmpty else {
            return "no cluster of rollout '\(rollout.name)' has failed"
        }
        // Without names, those are left that another one holds; where it holds all of them, it is named.
        if clusters.isEmpty, let snapshot, rollout.retryable(in: snapshot).isEmpty {
            return refusal(ofRetry: rollout.retryable, rollout, snapshot)
        }
        return nil
    }

    /// Nothing is removed by surprise: where none of the clusters has anywhere to go back to, a person must say so.
    /// And nothing is removed by an order to go back: what is being removed has nowhere to go back to.
    private static func refusal(ofRollback scope: RollbackScope, removes: Bool, _ rollout: Rollout) -> String? {
        if rollout.kind.isRemoval {
            return
                "rollout '\(rollout.name)' removes \(rollout.application), which nothing takes back: pause or abort it "
                + "(swell rollout abort \(rollout.name)), then start the release (swell rollout start "
                + "\(rollout.application) --version \(rollout.release.version) ...)"
        }
        guard !removes, scope != .rollout else { return nil }
        let touched = rollout.targets.values.filter { rollout.covers(scope, $0) && $0.hasNowhereToGo }
        let others = rollout.targets.values.contains { rollout.covers(scope, $0) && !$0.hasNowhereToGo }
        guard !touched.isEmpty, !others else { return nil }
        return "no other release of \(rollout.application) was ever proven on "
            + "\(named(touched.map(\.cluster).sorted())), so that there is nothing to go back to: going back would remove "
            + "what \(rollout.release.version) brought there. Say --remove for that"
    }

    // MARK: Approvals

    private static func refusal(
        ofApproval name: StageName, _ digest: ContentDigest, _ gate: ApprovalGate?, _ rollout: Rollout
    ) -> String? {
        guard let index = rollout.stageIndex(name) else { return unknownStage(name, rollout) }
        guard rollout.phase != .rollingBack else { return "rollout '\(rollout.name)' is rolling back" }
        if let unseen = unseen(digest, in: rollout) { return unseen }
        let stage = rollout.stages[index]
        let rule = rollout.policy.stages[index].approval
        let open: ApprovalGate
        switch stage.phase {
        case .waiting:
            return rule.before
                ? "stage '\(name)' is not at its approval yet: earlier stages come first, and the approval is for what they show"
                : "stage '\(name)' needs no approval before it starts"
        case .gated:
            guard rule.before else { return "stage '\(name)' needs no approval before it starts" }
            if stage.approvedBefore != nil { return "stage '\(name)' is approved already" }
            open = .before
        case .soaking:
            return rule.after
                ? "stage '\(name)' still soaks: an approval is for what the whole soak has shown"
                : "stage '\(name)' needs no approval"
        case .verifying:
            guard rule.after else { return "stage '\(name)' needs no approval" }
            if stage.approvedAfter != nil { return "stage '\(name)' is approved already" }
            if let waiting = unsettled(index, rollout) {
                return "stage '\(name)' is not at its approval yet: it waits for \(waiting)"
            }
            open = .after
        case .progressing:
            return "stage '\(name)' is not at an approval: it is still bringing up its clusters"
        case .passed, .failed:
            return "stage '\(name)' has \(stage.phase.rawValue)"
        }
        guard gate == nil || gate == open else {
            return
                "stage '\(name)' waits for the approval \(open.rawValue) it, not for the one \(gate?.rawValue ?? "") it"
        }
        return nil
    }

    /// Invariant 14: an approval is for exactly this content.
    private static func unseen(_ digest: ContentDigest, in rollout: Rollout) -> String? {
        guard digest != rollout.release.digest else { return nil }
        return "the approval is for \(digest.short), but rollout '\(rollout.name)' carries "
            + "\(rollout.release.digest.short): look at what changed and approve that"
    }

    /// Invariant 14: and for exactly this plan.
    private static func unseen(_ plan: ContentDigest?, _ rollout: Rollout) -> String? {
        guard let plan, plan != rollout.planDigest else { return nil }
        return "the approval is for the plan \(plan.short), but rollout '\(rollout.name)' has the plan "
            + "\(rollout.planDigest.short) by now (did a cluster join or move?): look at it again and approve that"
    }

    /// Who promotes over an approval approves, and must have seen the same.
    private static func refusal(
        ofApprovalByPromotion name: StageName, _ digest: ContentDigest?, _ plan: ContentDigest?, _ rollout: Rollout
    ) -> String? {
        guard let index = rollout.stageIndex(name), passesApproval(byPromoting: index, rollout) else { return nil }
        guard let digest, let plan else {
            return
                "stage '\(name)' waits for an approval, and to promote it is to approve it: say which digest and which "
                + "plan of the rollout you looked at"
        }
        return unseen(digest, in: rollout) ?? unseen(plan, rollout)
    }

    private static func passesApproval(byPromoting index: Int, _ rollout: Rollout) -> Bool {
        let stage = rollout.stages[index]
        if stage.phase == .gated { return true }
        guard stage.phase == .verifying, stage.approvedAfter == nil, rollout.policy.stages[index].approval.after else {
            return false
        }
        let tally = RolloutTally(rollout).stages[index]
        return !tally.isEmpty && (tally.verdict != .unproven || stage.promotion != nil)
    }

    private static func refusal(ofWithdrawal name: StageName, _ rollout: Rollout) -> String? {
        guard let index = rollout.stageIndex(name) else { return unknownStage(name, rollout) }
        guard rollout.stages[index].standingApproval == nil else { return nil }
        return "stage '\(name)' has no approval that could be withdrawn: none was given, or it has led on already"
    }

    private static func unsettled(_ index: Int, _ rollout: Rollout) -> String? {
        let unsettled = rollout.targets.values.filter { $0.stage == index && $0.holdsStage && !$0.isSettled }
        return unsettled.isEmpty ? nil : SwellEngine.named(unsettled.map(\.cluster).sorted())
    }

    private static func refusal(ofPromotion name: StageName, despiteHealth: Bool, _ rollout: Rollout) -> String? {
        guard let index = rollout.stageIndex(name) else { return unknownStage(name, rollout) }
        guard rollout.phase != .rollingBack else { return "rollout '\(rollout.name)' is rolling back" }
        switch rollout.stages[index].phase {
        case .gated, .soaking: return nil
        case .verifying:
            if let waiting = unsettled(index, rollout) {
                return "stage '\(name)' waits for \(waiting): "
                    + "a promotion ends a soak or an approval, not a lack of health"
            }
            let verdict = RolloutTally(rollout).stages[index].verdict
            guard verdict != .unproven || despiteHealth else {
                return "none of the clusters of stage '\(name)' is healthy, so that nothing speaks for going on. "
                    + "Retry its clusters, or say --despite-health to go on all the same; that is audited"
            }
            return nil
        case .waiting, .progressing, .passed, .failed:
            return "stage '\(name)' is \(rollout.stages[index].phase.rawValue): "
                + "only a soak or an approval can be ended early"
        }
    }

    // MARK: Single clusters

    private static func refusal(ofLeaving name: ClusterName, _ command: RolloutCommand, _ rollout: Rollout) -> String? {
        guard let target = rollout.targets[name] else { return nil }
        let isUnseen = target.attempt?.evidence.isKnown == false
        switch (command, target.phase) {
        // What failed before it left still counts; a person may say that it does not.
        case (.skip, .skipped) where target.skip == .left && target.failedAt != nil: return nil
        case (_, .skipped): return "cluster '\(name)' is skipped already: \(target.reason ?? "")"
        case (_, .rollingBack) where !isUnseen:
            return "cluster '\(name)' is going back: wait for that, or roll back again"
        case (.leaveBehind, _) where rollout.phase == .rollingBack:
            return
                "rollout '\(rollout.name)' is rolling back, which waits for all its clusters: leave it out for good instead (skip)"
        case (.leaveBehind, .healthy), (.leaveBehind, .failed), (.leaveBehind, .rolledBack),
            (.leaveBehind, .rollbackFailed):
            return "nothing waits for cluster '\(name)': it is \(target.phase.rawValue)"
        case (.leaveBehind, _):
            return target.late == nil ? nil : "cluster '\(name)' is left behind already"
        default: return nil
        }
    }
}
