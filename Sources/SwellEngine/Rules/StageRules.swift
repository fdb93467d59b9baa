internal import SwellModel

// How stages follow one another (invariants 2, 3, 5, 14, 18 and 21).
//
// A stage passes when each of its regular members is settled, at least one of them is healthy, the soak is over and whoever must
// approve has. Left out are: clusters that left, joiners of a running stage, where the policy says so clusters of paused regions and
// up to `maxUnreachable` whose agents are away, and whom a person left behind. The stages after it do not wait for those either: who
// comes back catches up in the order of its own stages (see `DispatchBlockers`), and the rollout ends only when it has, or when
// nobody can wait for it. A stage none of whose clusters is healthy never passes by leaving out, whatever became of them: that takes
// failures the policy tolerates, or a person's promotion. Only a stage that was planned without clusters passes by itself.
//
// A passed stage whose evidence regresses goes back to `verifying`; nothing new starts or is dispatched behind it until it is
// healthy again. Its soak is not asked for twice.
extension DecisionState {
    mutating func advanceStages() {
        voidApprovals()
        var hasWayClear = true
        for index in rollout.stages.indices {
            advanceStage(index, hasWayClear: hasWayClear)
            hasWayClear = hasWayClear && rollout.stages[index].phase == .passed
        }
    }

    /// Takes back what was agreed to under another plan: a cluster that has joined or moved since, nobody has seen (invariant 14).
    private mutating func voidApprovals() {
        guard rollout.stages.contains(where: { $0.standingApproval?.plan != nil }) else { return }
        let plan = rollout.planDigest
        for (index, stage) in rollout.stages.enumerated() {
            guard let approval = stage.standingApproval, let seen = approval.plan, seen != plan else { continue }
            updateStage(index) {
                if $0.startedAt == nil { $0.approvedBefore = nil } else { $0.approvedAfter = nil }
                $0.reason = "waits for approval again: the plan changed after \(approval.by) had approved"
            }
        }
    }

    private mutating func advanceStage(_ index: Int, hasWayClear: Bool) {
        let stage = rollout.stages[index]
        let failures = tally.failures(inStage: index)
        if rollout.policy.onFailure.action != .continue, failures.isExceeded {
            return updateStage(index) {
                $0.phase = .failed
                $0.reason = "\(failures)"
                $0.clearSoak()
            }
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
        let needsApproval =
            rollout.policy.stages[index].approval.before && rollout.stages[index].approvedBefore == nil
            && !tally.stages[index].isEmpty
        updateStage(index) { [now] in
            if needsApproval {
                // Why it waits again stays until somebody has approved.
                if $0.phase != .gated || $0.reason == nil { $0.reason = "waits for approval" }
                $0.phase = .gated
            } else {
                $0.phase = .progressing
                $0.reason = nil
                $0.startedAt = now
            }
        }
        if !needsApproval { judge(index, hasWayClear: hasWayClear) }
    }

    /// The members that are not settled: those that the stage waits for, and those that it goes on without.
    fileprivate struct Unsettled {
        var pending: [ClusterName] = []
        var isBringingUp = false
        var paused: [ClusterName] = []
        var away: [ClusterName] = []
    }

    private func unsettled(inStage index: Int) -> Unsettled {
        var unsettled = Unsettled()
        let stage = tally.stages[index]
        guard stage.settled < stage.members else { return unsettled }
        for name in names(inStage: index) {
            let target = target(name)
            guard target.holdsStage, !target.isSettled else { continue }
            if isExcluded(target) {
                unsettled.paused.append(name)
            } else if isUnreachable(name), target.phase == .unreachable || target.phase == .queued {
                unsettled.away.append(name)
            } else {
                unsettled.wait(for: name, target)
            }
        }
        // Few that are away are to be expected of a large fleet; many are an outage, which nothing goes on over.
        let limit = rollout.policy.maxUnreachable?.resolved(of: stage.planned, atLeast: 0) ?? 0
        let alreadyAway = names(inStage: index).count {
            let target = target($0)
            return target.late == .deferred && !target.isSettled && isUnreachable($0)
        }
        if unsettled.away.count + alreadyAway > limit {
            for name in unsettled.away { unsettled.wait(for: name, target(name)) }
            unsettled.pending.sort()
            unsettled.away = []
        }
        return unsettled
    }

    private mutating func judge(_ index: Int, hasWayClear: Bool) {
        takeBackTheLast(index)
        let unsettled = unsettled(inStage: index)
        // At once, not only when the stage passes: else they would hold the slots that the others wait for.
        for name in unsettled.away { update(name) { $0.late = .deferred } }
        guard unsettled.pending.isEmpty else {
            return updateStage(index) {
                $0.clearSoak()
                if unsettled.isBringingUp && $0.passedAt == nil {
                    $0.phase = .progressing
                    $0.reason = nil
                } else {
                    $0.phase = .verifying
                    $0.reason = "waits for \(named(unsettled.pending)) to be healthy again"
                }
            }
        }
        guard isProven(index) else {
            return updateStage(index) {
                $0.healthyAt = nil
                $0.soakEndsAt = nil
                $0.phase = .verifying
                $0.reason = "none of its clusters is healthy"
            }
        }
        soak(index)
        finish(index, hasWayClear: hasWayClear, unsettled)
    }

    /// A stage that has gone on without all of its clusters, or that all of them have left, has nobody left to prove it: those that are
    /// back count again, once they prove it, or wait to be dispatched for that. Where there are none, joiners do: the canary that left and
    /// came back, or the one in its place.
    private mutating func takeBackTheLast(_ index: Int) {
        guard rollout.stages[index].passedAt == nil, tally.stages[index].members == 0 else { return }
        func able(_ late: LateMember) -> [ClusterName] {
            names(inStage: index).filter { name in
                let target = target(name)
                return target.late == late && !isUnreachable(name) && !isExcluded(target)
                    && [.healthy, .queued].contains(target.phase)
            }
        }
        var last = able(.deferred)
        if last.isEmpty, !isProven(index) { last = able(.joined) }
        for name in last { update(name) { $0.late = nil } }
    }

    /// Whether anything speaks for a stage: its clusters, a person, or that it has passed. The clusters of a passed stage may leave; its
    /// proof was theirs, and stands.
    private func isProven(_ index: Int) -> Bool {
        let stage = rollout.stages[index]
        return tally.stages[index].verdict != .unproven || stage.promotion != nil
            || stage.passedAt != nil && tally.stages[index].members == 0
    }

    /// Counts the soak from the moment the last target was seen healthy; a target that became healthy again restarts it, even where
    /// its bad spell began and ended between two decisions (invariant 3).
    private mutating func soak(_ index: Int) {
        guard rollout.stages[index].passedAt == nil else { return }
        let healthyAt = names(inStage: index).compactMap { name -> Timestamp? in
            let target = target(name)
            return target.holdsStage && target.phase == .healthy ? target.healthyAt : nil
        }.max()
        guard let healthyAt else { return }
        let end = now + rollout.policy.stages[index].soak
        updateStage(index) { [now] in
            if let former = $0.healthyAt, healthyAt <= former { return }
            $0.clearSoak()
            $0.healthyAt = now
            $0.soakEndsAt = end
        }
    }

    private mutating func finish(_ index: Int, hasWayClear: Bool, _ unsettled: Unsettled) {
        let rule = rollout.policy.stages[index]
        let stage = rollout.stages[index]
        if stage.passedAt == nil {
            if let end = stage.soakEndsAt, now < end, stage.promotion == nil {
                return updateStage(index) {
                    $0.phase = .soaking
                    $0.reason = nil
                }
            }
            // What its clusters said last counts before the clock does.
            if !unread.isEmpty, !unread.isDisjoint(with: names(inStage: index)) { return }
            if rule.approval.after, stage.approvedAfter == nil, !tally.stages[index].isEmpty {
                return updateStage(index) {
                    let waitsAgain = $0.phase == .verifying && $0.reason?.hasPrefix("waits for approval") == true
                    $0.phase = .verifying
                    if !waitsAgain { $0.reason = "waits for approval to pass" }
                }
            }
        }
        guard hasWayClear else {
            return updateStage(index) {
                $0.phase = .verifying
                $0.reason = "waits for an earlier stage to be healthy again"
            }
        }
        for name in unsettled.paused { update(name) { $0.late = .deferred } }
        let reason = remarks(onStage: index, unsettled)
        updateStage(index) { [now] in
            if $0.phase != .passed { $0.reason = reason }
            $0.phase = .passed
            $0.passedAt = $0.passedAt ?? now
        }
    }

    /// What a passed stage should not keep quiet about. An undo goes on over every failure: each leaves a cluster as it was.
    private func remarks(onStage index: Int, _ unsettled: Unsettled) -> String? {
        var remarks = [unsettled.reason].compactMap(\.self)
        if rollout.kind != .release {
            let failed = names(inStage: index).filter { target($0).failedAt != nil }
            if !failed.isEmpty { remarks.append("\(named(failed)) could not be taken back") }
        }
        return remarks.isEmpty ? nil : remarks.joined(separator: "; ")
    }

    /// Whether nothing but an approval keeps a stage from passing: every cluster is settled, healthy or tolerated. One rule for
    /// promoting and for telling people what it waits for.
    func awaitsApprovalToPass(stage index: Int) -> Bool {
        let stage = rollout.stages[index]
        guard stage.phase == .verifying, stage.passedAt == nil, stage.approvedAfter == nil,
            rollout.policy.stages[index].approval.after, !tally.stages[index].isEmpty
        else { return false }
        return unsettled(inStage: index).pending.isEmpty
            && (tally.stages[index].verdict != .unproven || stage.promotion != nil)
    }
}

extension DecisionState.Unsettled {
    fileprivate mutating func wait(for name: ClusterName, _ target: TargetState) {
        pending.append(name)
        if target.phase == .queued || target.isInFlight { isBringingUp = true }
    }

    /// Without whom the stage passed.
    fileprivate var reason: String? {
        var parts: [String] = []
        if !paused.isEmpty { parts.append("\(named(paused)), whose region is paused") }
        if !away.isEmpty { parts.append("\(named(away)), whose agents are away") }
        return parts.isEmpty ? nil : "without \(parts.joined(separator: ", and "))"
    }
}

extension StageState {
    /// Disqualifies a running soak, and with it what people agreed to on its showing (invariants 3 and 14). What led to a pass stays on
    /// record.
    fileprivate mutating func clearSoak() {
        guard passedAt == nil else { return }
        healthyAt = nil
        soakEndsAt = nil
        promotion = nil
        approvedAfter = nil
    }
}
