internal import SwellModel

// When to decide again though nothing is heard.
extension DecisionState {
    /// The next moment at which time alone changes something, at most a poll away; nil once ended.
    var wakeAt: Timestamp? {
        guard !rollout.phase.isEnded else { return nil }
        var earliest = now + DecisionMaker.pollInterval
        func consider(_ moment: Timestamp?) {
            if let moment, moment > now, moment < earliest { earliest = moment }
        }
        consider(rollout.startsAt)
        for stage in rollout.stages where stage.phase == .soaking { consider(stage.soakEndsAt) }
        for target in rollout.targets.values where target.phase.isUnderWay || target.phase == .healthy {
            if let attempt = target.attempt { consider(judgedAt(attempt)) }
            if target.assertedAt != nil { consider(confirmableAt(target)) }
            if let lastSeen = snapshot.fleet[target.cluster]?.lastSeenAt {
                consider(lastSeen + rollout.policy.unreachableAfter + .milliseconds(1))
            }
        }
        return earliest
    }
}
