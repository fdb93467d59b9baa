internal import SwellModel

// How stages follow one another (invariants 2, 3, 5, 14 and 18).
//
// A stage passes when each of its regular members is settled, at least one of them is healthy, the soak is over and whoever must
// approve has. Left out are: clusters that left, joiners of a running stage, and, where the policy says to skip, clusters of
// paused regions. The stages after it do not wait for those either: a region that is resumed catches up in the order of its own
// stages (see `DispatchLimits`), and the rollout ends only when it has. A stage none of whose clusters is healthy never passes by
// leaving out: that takes failures the policy tolerates, or a person's promotion.
//
// A passed stage whose evidence regresses goes back to `verifying`; nothing new starts or is dispatched behind it until it is
// healthy again. Its soak is not asked for twice.
extension DecisionState {
    mutating func advanceStages() {
        var hasWayClear = true
        for index in rollout.stages.indices {
            advanceStage(index, hasWayClear: hasWayClear)
            hasWayClear = hasWayClear && rollout.stages[index].phase == .passed
        }
    }

    private mutating func advanceStage(_ index: Int, hasWayClear: Bool) {
        let stage = rollout.stages[index]
        if rollout.policy.onFailure.action != .continue, rollout.exceedsBudget(stage: index) {
            let failures = rollout.failures(inStage: index)
            let budget = rollout.failureBudget(ofStage: index)
            updateStage(index) {
                $0.phase = .failed
                $0.reason = "\(failures) failed, more than the budget of \(budget)"
                $0.clearSoak()
            }
            return
        }
        if stage.phase == .failed {
            updateStage(index) {
                $0.phase = $0.startedAt == nil ? .waiting : .progressing
                $0.reason = nil
            }
        }
        switch rollout.stages[index].phase {
        case .waiting, .gated: open(index, hasWayClear: hasWayClear)
        case .progressing, .soaking, .verifying, .passed: judge(index, hasWayClear: hasWayClear)
        case .failed: break
        }
    }

    /// Starts a stage whose turn it is, or says what it waits for.
    private mutating func open(_ index: Int, hasWayClear: Bool) {
        guard hasWayClear, rollout.phase == .progressing else {
            if !hasWayClear { updateStage(index) { $0.phase = .waiting } }
            return
        }
        let needsApproval = rollout.policy.stages[index].approval.before && rollout.stages[index].approvedBefore == nil
        updateStage(index) { [now] in
            if needsApproval {
                $0.phase = .gated
                $0.reason = "waits for approval"
            } else {
                $0.phase = .progressing
                $0.reason = nil
                $0.startedAt = now
            }
        }
        if !needsApproval { judge(index, hasWayClear: hasWayClear) }
    }

    private struct Members {
        var count = 0
        var healthy = 0
        var failed = 0
        var lastHealthyAt: Timestamp?
        var pending: [ClusterName] = []
        var isBringingUp = false
        var excluded: [ClusterName] = []
    }

    private func members(ofStage index: Int) -> Members {
        var members = Members()
        for name in names {
            guard let target = rollout.targets[name], target.stage == index, target.holdsStage else { continue }
            members.count += 1
            if target.failedAt != nil { members.failed += 1 }
            if target.isSettled {
                guard target.phase == .healthy, let healthyAt = target.healthyAt else { continue }
                members.healthy += 1
                members.lastHealthyAt = max(members.lastHealthyAt ?? healthyAt, healthyAt)
            } else if rollout.isExcluded(target, snapshot) {
                members.excluded.append(name)
            } else {
                members.pending.append(name)
                if target.phase == .queued || target.isInFlight { members.isBringingUp = true }
            }
        }
        return members
    }

    private mutating func judge(_ index: Int, hasWayClear: Bool) {
        let members = members(ofStage: index)
        guard members.pending.isEmpty else {
            updateStage(index) {
                $0.clearSoak()
                if members.isBringingUp && $0.passedAt == nil {
                    $0.phase = .progressing
                    $0.reason = nil
                } else {
                    $0.phase = .verifying
                    $0.reason = "waits for \(named(members.pending)) to be healthy again"
                }
            }
            return
        }
        let isTolerated =
            members.count == 0 || (members.failed > 0 && members.failed == members.count)
        guard members.healthy > 0 || isTolerated || rollout.stages[index].promotion != nil else {
            updateStage(index) {
                $0.healthyAt = nil
                $0.soakEndsAt = nil
                $0.phase = .verifying
                $0.reason = "none of its clusters is healthy"
            }
            return
        }
        soak(index, lastHealthyAt: members.lastHealthyAt)
        finish(index, hasWayClear: hasWayClear, excluded: members.excluded)
    }

    /// Counts the soak from the moment the last target was seen healthy; a target that became healthy again restarts it, even where
    /// its bad spell began and ended between two decisions (invariant 3).
    private mutating func soak(_ index: Int, lastHealthyAt: Timestamp?) {
        guard let lastHealthyAt, rollout.stages[index].passedAt == nil else { return }
        let end = now + rollout.policy.stages[index].soak
        updateStage(index) { [now] in
            if let healthyAt = $0.healthyAt, lastHealthyAt <= healthyAt { return }
            $0.healthyAt = now
            $0.soakEndsAt = end
            $0.promotion = nil
        }
    }

    private mutating func finish(_ index: Int, hasWayClear: Bool, excluded: [ClusterName]) {
        let rule = rollout.policy.stages[index]
        let stage = rollout.stages[index]
        if stage.passedAt == nil {
            if let end = stage.soakEndsAt, now < end, stage.promotion == nil {
                updateStage(index) {
                    $0.phase = .soaking
                    $0.reason = nil
                }
                return
            }
            if rule.approval.after, stage.approvedAfter == nil, !isEmpty(index) {
                updateStage(index) {
                    $0.phase = .verifying
                    $0.reason = "waits for approval to pass"
                }
                return
            }
        }
        guard hasWayClear else {
            updateStage(index) {
                $0.phase = .verifying
                $0.reason = "waits for an earlier stage to be healthy again"
            }
            return
        }
        for name in excluded {
            update(name) { $0.late = .deferred }
        }
        updateStage(index) { [now] in
            $0.phase = .passed
            $0.reason = excluded.isEmpty ? nil : "without \(named(excluded)), whose region is paused"
            $0.passedAt = $0.passedAt ?? now
        }
    }

    private func isEmpty(_ index: Int) -> Bool {
        !rollout.targets.values.contains { $0.stage == index && $0.holdsStage }
    }
}

extension Rollout {
    /// Whether nothing but an approval keeps a stage from passing: every cluster is settled, healthy or tolerated. One rule for
    /// promoting and for telling people what it waits for.
    func awaitsApprovalToPass(stage index: Int, _ snapshot: FleetSnapshot) -> Bool {
        let stage = stages[index]
        guard stage.phase == .verifying, stage.passedAt == nil, stage.approvedAfter == nil,
            policy.stages[index].approval.after
        else { return false }
        let members = targets.values.filter { $0.stage == index && $0.holdsStage }
        guard !members.isEmpty, members.allSatisfy({ $0.isSettled || isExcluded($0, snapshot) }) else {
            return false
        }
        return members.contains { $0.phase == .healthy } || members.allSatisfy { $0.failedAt != nil }
            || stage.promotion != nil
    }
}

extension StageState {
    /// Disqualifies a running soak (invariant 3). What led to a pass stays on record.
    fileprivate mutating func clearSoak() {
        guard passedAt == nil else { return }
        healthyAt = nil
        soakEndsAt = nil
        promotion = nil
    }
}
