internal import SwellModel

// When stages start and pass (invariants 2, 3, 14 and 21).
extension DecisionReview {
    mutating func reviewStages(_ after: Rollout) {
        var hasWayClear = true
        for (index, stage) in after.stages.enumerated() {
            let former = before.stages[index]
            let rule = after.policy.stages[index]
            if former.startedAt == nil, stage.startedAt != nil {
                if !hasWayClear {
                    note(
                        .stageOrder, "stage \(stage.name)", seen: "it starts", expected: "an earlier one has not passed"
                    )
                }
                if rule.approval.before, stage.approvedBefore?.digest != after.release.digest,
                    stage.lanes.values.reduce(0, +) > 0
                {
                    note(.approval, "stage \(stage.name)", seen: "it starts", expected: "nobody approved this release")
                }
                if rule.approval.before, let plan = stage.approvedBefore?.plan, plan != after.planDigest {
                    note(.approval, "stage \(stage.name)", seen: "it starts", expected: "nobody approved this plan")
                }
            }
            if former.passedAt == nil, stage.passedAt != nil { reviewPass(index, stage, rule, after) }
            hasWayClear = hasWayClear && stage.phase == .passed
        }
    }

    private mutating func reviewPass(_ index: Int, _ stage: StageState, _ rule: PolicyStage, _ after: Rollout) {
        let subject = "stage \(stage.name)"
        var members = 0
        var healthy = 0
        var failed = 0
        var held = 0
        var lastHealthyAt: Timestamp?
        for target in after.targets.values where target.stage == index {
            if target.skip == .neverHealthy { held += 1 }
            // Whoever failed was a member, though the stage goes on before it is taken back.
            if target.late == .deferred, target.failedAt != nil, before.targets[target.cluster]?.late == nil {
                members += 1
                failed += 1
                continue
            }
            guard target.phase != .skipped, target.late == nil else { continue }
            members += 1
            switch target.phase {
            case .healthy:
                healthy += 1
                if case .healthy(let since)? = target.attempt?.evidence.standing {
                    lastHealthyAt = max(lastHealthyAt ?? since, since)
                }
            case .failed, .rolledBack, .rollbackFailed: if target.failedAt != nil { failed += 1 }
            default:
                note(.stageProof, subject, seen: "it passes", expected: "\(target.cluster) is \(target.phase.rawValue)")
            }
        }
        let isEmpty = members == 0 && (stage.lanes.isEmpty || after.kind != .release && held > 0)
        let isTolerated = members > 0 && failed == members
        if healthy == 0, !isEmpty, !isTolerated, stage.promotion == nil {
            note(
                .stageProof, subject, seen: "it passes with none of its clusters healthy",
                expected: "that takes tolerated failures or a person's word")
        }
        if rule.approval.after, !isEmpty, stage.approvedAfter?.digest != after.release.digest {
            note(.approval, subject, seen: "it passes", expected: "nobody approved this release")
        }
        if rule.approval.after, !isEmpty, let plan = stage.approvedAfter?.plan, plan != after.planDigest {
            note(.approval, subject, seen: "it passes", expected: "nobody approved this plan")
        }
        guard stage.promotion == nil, let lastHealthyAt, rule.soak > .zero else { return }
        if input.now - lastHealthyAt < rule.soak {
            note(
                .soak, subject, seen: "it passes after \(input.now - lastHealthyAt)",
                expected: "it soaks for \(rule.soak)")
        }
    }
}
