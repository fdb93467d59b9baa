internal import SwellModel

// What time alone changes about targets (invariants 3, 12, 20 and 23).
//
// Silence: an agent not heard of for longer than the policy's `unreachableAfter` makes its cluster unknown, neither healthy nor
// failed. What is under way becomes `unreachable` and keeps its slot under the caps; its clock stops and counts again from its
// return. It counts against no budget, but its stage waits for it by name. A healthy target becomes `unreachable` too as long as
// its stage has not passed, since a soak is earned by evidence; afterwards its proof stands. When the agent is heard again, what it
// said last counts again as if it were said now: an agent that is steadily healthy has nothing new to say.
//
// Deadlines: the agent judges its own, on the clock beside the cluster. This one is for an agent that does not: it is judged a
// while after it has passed, on an agent heard of since, never within a stretch of health that may still become proof, and it rests
// while a person's pause covers the cluster. It begins again with the agent's first word on the assignment; where an agent is heard of
// and has not said one, the assignment may not have arrived, and nothing is known of the release. So neither a lost line nor a process that stood still looks like a failed release.
extension DecisionState {
    mutating func applyTime() {
        for name in names {
            catchUp(name)
            let target = target(name)
            if target.phase == .failed || target.phase == .rollbackFailed, !unread.contains(name) { confirm(name) }
            tellPause(name)
            guard target.phase.isUnderWay || target.phase == .healthy else { continue }
            // What it said last waits to be read, and counts before the clock does.
            guard !unread.contains(name) else { continue }
            watchSight(of: target)
            confirm(name)
            restWhilePaused(name)
            judgeDeadline(name)
        }
    }

    /// Leaves out of every clock a time in which nobody decided: the store was away, the coordinator stood still, or the database's
    /// clock was set. Whatever was under way meanwhile, nobody could have heard how it went (invariants 20 and 23).
    mutating func leaveOut(_ interval: Interval) {
        for name in names where target(name).phase.isUnderWay {
            update(name) { $0.attempt?.deadline.postpone(by: interval) }
        }
        for index in rollout.stages.indices where rollout.stages[index].phase == .soaking {
            updateStage(index) { $0.soakEndsAt = $0.soakEndsAt.map { $0 + interval } }
        }
    }

    /// The database's clock was set back: what was dispatched in its future was dispatched by now, and its clocks go back with it. Else
    /// nothing that agents say would come after the dispatch (generation, epoch and digest tell older words apart anyway).
    mutating func followClock(_ reports: [ReportRecord]) {
        for name in names {
            guard let dispatchedAt = target(name).attempt?.dispatchedAt, dispatchedAt > now else { continue }
            rebase(name, to: now)
        }
        for record in reports {
            guard let attempt = rollout.targets[record.cluster]?.attempt, attempt.isSubject(of: record.report),
                record.receivedAt < attempt.dispatchedAt
            else { continue }
            rebase(record.cluster, to: record.receivedAt)
        }
    }

    private mutating func rebase(_ name: ClusterName, to moment: Timestamp) {
        update(name) {
            guard let attempt = $0.attempt else { return }
            let step = moment - attempt.dispatchedAt
            $0.attempt = Attempt(
                generation: attempt.generation, epoch: attempt.epoch, goal: attempt.goal, dispatchedAt: moment,
                evidence: attempt.evidence, deadline: attempt.deadline, isAccepted: attempt.isAccepted)
            $0.attempt?.deadline.postpone(by: step)
        }
    }

    /// Reissues an assignment where the agent is known to be ahead of it: it refused what it was sent, or will (invariants 8 and 9).
    private mutating func catchUp(_ name: ClusterName) {
        guard let report = snapshot.fleet[name]?.report, let attempt = target(name).attempt,
            report.generation < Self.highestGeneration,
            report.isAhead(of: attempt, fallback: target(name).previous)
        else { return }
        noteSeen(report, at: name)
        reassign(name, report.agentKnowledge)
    }

    private mutating func watchSight(of target: TargetState) {
        let name = target.cluster
        guard isUnreachable(name) else {
            if target.attempt?.evidence.isUnseen == true { welcomeBack(name) }
            return
        }
        guard target.phase != .healthy || isEvidenceNeeded(target), target.attempt?.evidence.isUnseen != true else {
            return
        }
        let reason = "its agent was not heard of for \(rollout.policy.unreachableAfter)"
        update(name) { [now] in $0.become(.unseen(since: now), reason, at: now) }
    }

    /// The agent is heard of again. Nothing it said was lost on the way to the store, or it would say it again; so what is stored of it
    /// is how it stands now.
    private mutating func welcomeBack(_ name: ClusterName) {
        regainSight(of: name)
        guard let facts = snapshot.fleet[name], let report = facts.report, let reportedAt = facts.reportedAt,
            let attempt = target(name).attempt, attempt.isSubject(of: report), reportedAt >= attempt.dispatchedAt
        else { return }
        observe(ReportRecord(id: 0, cluster: name, report: report, receivedAt: now), target(name))
    }

    /// A target that could not be seen can be judged again, from now on.
    mutating func regainSight(of name: ClusterName) {
        guard target(name).attempt?.evidence.isKnown == false else { return }
        let deadline = now + rollout.policy.progressDeadline
        update(name) { $0.regainSight(until: deadline) }
    }

    /// A pause stops the clocks of what it covers: nobody is to find the fleet taken back while somebody looks.
    private mutating func restWhilePaused(_ name: ClusterName) {
        let target = target(name)
        guard let attempt = target.attempt, attempt.evidence.isKnown, target.phase != .rollingBack else { return }
        if isPaused(target) {
            update(name) { [now] in $0.attempt?.deadline.stop(at: now) }
        } else {
            update(name) { [now] in $0.attempt?.deadline.resume(at: now) }
        }
    }

    /// Tells the agent, which judges its own deadline, that a pause has begun or ended.
    private mutating func tellPause(_ name: ClusterName) {
        let target = target(name)
        guard snapshot.fleet[name] != nil else { return }
        // What is left out, or has failed, is under no pause: nothing of it is waited for.
        let isPaused = target.phase.isForward && isPaused(target)
        guard isToldPaused(target) != isPaused, target.phase != .healthy || !isPaused else { return }
        tell(name, isPaused: isPaused)
    }

    /// A rollout that is over ends no pause any more: what its agents were told of one is taken back.
    ///
    /// Who left in this very moment is told once, where the rollout ends: nobody knows what it was told before, and it may be back
    /// before anybody assigns to it again.
    mutating func endPauses(isEndOfIt: Bool) {
        for name in names {
            let target = target(name)
            let mayBeTold = isEndOfIt && snapshot.fleet[name] == nil && target.phase.isForward
            if mayBeTold || isToldPaused(target) { tell(name, isPaused: false) }
        }
    }

    private mutating func judgeDeadline(_ name: ClusterName) {
        let target = target(name)
        guard isOverdue(target) else { return }
        if !isSpokenOf(target) {
            let reason =
                "its agent is heard of, but has not spoken of the assignment for \(rollout.policy.progressDeadline)"
            update(name) { [now] in $0.become(.unknown(since: now), reason, at: now) }
        } else if target.phase == .rollingBack {
            failRollback(name, "ProgressDeadlineExceeded: did not get back within \(rollout.policy.progressDeadline)")
        } else {
            let verb = target.provenAt == nil ? "become healthy" : "recover"
            let detail = target.reason.map { ": \($0)" } ?? ""
            fail(name, "ProgressDeadlineExceeded: did not \(verb) within \(rollout.policy.progressDeadline)\(detail)")
        }
    }

    /// Rows before acceptance was kept may have forgotten it; what the agent said last has not.
    private func isSpokenOf(_ target: TargetState) -> Bool {
        guard let attempt = target.attempt, !attempt.isAccepted else { return true }
        return snapshot.fleet[target.cluster]?.report.map(attempt.isSubject) ?? false
    }

    private func isOverdue(_ target: TargetState) -> Bool {
        guard let attempt = target.attempt, !isProving(attempt), let judgedAt = judgedAt(attempt), now >= judgedAt,
            let lastSeen = snapshot.fleet[target.cluster]?.lastSeenAt
        else { return false }
        return lastSeen >= judgedAt
    }

    /// Whether a stretch of health may still become proof: not for ever, where the agent says neither yes nor no.
    private func isProving(_ attempt: Attempt) -> Bool {
        guard attempt.evidence.isProving, let since = attempt.evidence.healthySince else { return false }
        return now < since + rollout.policy.minHealthyTime + rollout.policy.progressDeadline
    }

    /// When a running deadline is judged: an agent that stood still for less than `unreachableAfter` is not known to have, and its
    /// own deadline is later by as much.
    func judgedAt(_ attempt: Attempt) -> Timestamp? {
        attempt.deadline.until.map { $0 + rollout.policy.unreachableAfter }
    }
}
