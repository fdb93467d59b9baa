internal import SwellModel

// How much is in flight at once (invariant 1).
extension DecisionReview {
    /// What is out and has not proven itself; a cluster that was left behind and is not heard of stops nobody.
    private func isOut(_ target: TargetState) -> Bool {
        guard let attempt = target.attempt, attempt.evidence.provenAt == nil else { return false }
        // One that is left to itself at the end is told so while nobody hears of it.
        if target.late == .deferred,
            input.snapshot.fleet[target.cluster]?.isUnreachable(at: input.now, after: before.policy.unreachableAfter)
                ?? true
        {
            return false
        }
        if target.late == .deferred, case .unseen = attempt.evidence.standing { return false }
        switch target.phase {
        case .dispatched, .applying, .verifying, .unreachable: return true
        case .queued, .healthy, .failed, .rollingBack, .rolledBack, .rollbackFailed, .skipped: return false
        }
    }

    mutating func reviewCaps(_ after: Rollout) {
        struct Lane: Hashable {
            var stage: Int
            var region: RegionName
        }
        var lanes: [Lane: Int] = [:]
        var grown: Set<Lane> = []
        var stages = Array(repeating: 0, count: after.stages.count)
        var total = 0
        var new = 0
        for target in after.targets.values where isOut(target) {
            let lane = Lane(stage: target.stage, region: target.region)
            lanes[lane, default: 0] += 1
            stages[target.stage] += 1
            total += 1
            // Only what this decision sends out is its doing: clusters return, and lose their proof, by themselves.
            let former = before.targets[target.cluster]
            if former?.attempt?.generation != target.attempt?.generation {
                grown.insert(lane)
                new += 1
            }
        }
        guard new > 0 else { return }
        if let headroom = input.snapshot.fleetHeadroom, new > headroom + released(after) {
            note(.inFlight, "the rollout", seen: "\(new) dispatched", expected: "the fleet has room for \(headroom)")
        }
        for lane in grown {
            let sizes = after.stages[lane.stage].lanes
            let rule = after.policy.stages[lane.stage]
            let cap = rule.maxConcurrent.resolved(of: sizes[lane.region] ?? 0, atLeast: 1)
            if lanes[lane] ?? 0 > cap {
                note(
                    .inFlight, "region \(lane.region) of stage \(rule.name)", seen: "\(lanes[lane] ?? 0) in flight",
                    expected: "the cap is \(cap)")
            }
            if let limit = rule.maxConcurrentInStage?.resolved(of: sizes.values.reduce(0, +), atLeast: 1),
                stages[lane.stage] > limit
            {
                note(
                    .inFlight, "stage \(rule.name)", seen: "\(stages[lane.stage]) in flight",
                    expected: "the cap is \(limit)")
            }
        }
        let size = after.stages.reduce(0) { $0 + $1.lanes.values.reduce(0, +) }
        if let limit = after.policy.maxConcurrent?.resolved(of: size, atLeast: 1), total > limit {
            note(.inFlight, "the rollout", seen: "\(total) in flight", expected: "the cap is \(limit)")
        }
    }

    /// What was in flight before and was sent out again: it takes no further room.
    private func released(_ after: Rollout) -> Int {
        before.targets.values.count { former in
            guard isOut(former), let target = after.targets[former.cluster] else { return false }
            return isOut(target) && target.attempt?.generation != former.attempt?.generation
        }
    }
}
