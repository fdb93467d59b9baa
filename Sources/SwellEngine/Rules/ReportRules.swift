internal import SwellModel

// What agents' words count for (invariants 4, 8, 12, 13 and 23).
//
// Who judges `minHealthyTime`: the agent does, since it alone watches without gaps, and says so with phase `healthy`. The engine
// adds what it can check itself: same generation, same digest, received after the dispatch, `health` healthy, no bad word since,
// and at least `minHealthyTime` gone by on the database's clock since the dispatch, before which the assertion cannot be true.
//
// What an earlier session of the agent said is not among it: the store takes in the words of the latest alone, in their order.
//
// Unknown health is no word for or against: the clock stops, the stage waits for the cluster by name, and no budget counts it. Once
// the stage has passed its proof stands, as it does where an agent falls silent (see `TimeRules`).
extension DecisionState {
    /// Generations from here on are nonsense, not evidence: there would soon be none above them that the wire can carry.
    static let highestGeneration = OrphanedAssignment.highestGeneration

    /// How the reason of a target begins whose health is unknown though its agent sees it, by what the agent says.
    static let doubts = [
        ObservedHealth.controllerSilent: "a controller says nothing",
        ObservedHealth.nothingHealthy: "nothing of it is healthy",
    ]

    /// Takes in one report on one of the rollout's targets.
    mutating func take(_ record: ReportRecord) {
        let report = record.report
        // Late words: on a cluster that is no target any more, or of what was not dispatched yet.
        guard let target = rollout.targets[record.cluster], target.phase != .skipped, let attempt = target.attempt,
            record.receivedAt >= attempt.dispatchedAt, report.generation < Self.highestGeneration
        else { return }
        noteSeen(report, at: record.cluster)
        // An older generation says nothing of this one (invariant 4).
        guard report.generation >= attempt.generation else { return }
        if report.isAhead(of: attempt, fallback: target.previous) {
            // What was committed got lost, or the agent came back from elsewhere: the assignment is reissued above what it knows.
            reassign(record.cluster, report.agentKnowledge)
            return
        }
        if record.isAfterGap { breakStretch(of: record.cluster, at: record.receivedAt) }
        observe(record, self.target(record.cluster))
    }

    /// Its agent said more than was kept: what was good before may have been bad in between, and is earned again (invariant 3).
    private mutating func breakStretch(of name: ClusterName, at moment: Timestamp) {
        guard let attempt = target(name).attempt, attempt.evidence.isKnown else { return }
        let deadline = now + rollout.policy.progressDeadline
        update(name) {
            switch $0.phase {
            case .healthy:
                $0.phase = .verifying
                $0.reason = "its agent said more than was kept"
                $0.attempt?.deadline = .running(until: deadline)
            case .dispatched, .applying, .verifying, .rollingBack, .failed, .rollbackFailed: break
            case .queued, .unreachable, .rolledBack, .skipped: return
            }
            $0.attempt?.evidence.observe(.bad, at: moment)
        }
    }

    /// What a report on the very attempt says, heard now or heard again.
    mutating func observe(_ record: ReportRecord, _ target: TargetState) {
        if target.attempt?.isAccepted == false {
            update(record.cluster) { [now, rollout] in
                $0.attempt?.accept(at: now, progressDeadline: rollout.policy.progressDeadline)
            }
        }
        switch target.phase {
        case .dispatched, .applying, .verifying, .healthy, .unreachable: observeForward(record, target)
        case .rollingBack: observeRollback(record, target)
        case .failed: observeFailed(record, target)
        case .rollbackFailed: observeFailedRollback(record, target)
        case .queued, .rolledBack, .skipped: return
        }
    }

    private mutating func observeForward(_ record: ReportRecord, _ target: TargetState) {
        let report = record.report
        let name = record.cluster
        switch report.phase {
        case .reverting, .reverted:
            // Invariant 13: its digest is the fallback's, never evidence for the release.
            return fail(name, report.failureReason)
        case .failed:
            return fail(name, report.failureReason)
        case .accepted, .applying, .verifying, .healthy, .removed: break
        }
        if report.health == .unknown, report.phase != .removed { return blind(report, target) }
        regainSight(of: name)
        switch report.phase {
        case .accepted: watch(name, .dispatched, .bad, record)
        case .applying: watch(name, .applying, .bad, record)
        case .verifying:
            guard report.digest == target.assigned?.digest else { return }
            watch(name, .verifying, report.health == .healthy ? .good : .bad, record)
        case .healthy, .removed:
            guard isWhatWasAssigned(report, target) else { return }
            guard report.health == .healthy || report.phase == .removed else {
                return watch(name, .verifying, .bad, record)
            }
            noteAssertion(record)
        case .failed, .reverting, .reverted: break
        }
    }

    private mutating func observeRollback(_ record: ReportRecord, _ target: TargetState) {
        let report = record.report
        let name = record.cluster
        switch report.phase {
        case .failed:
            return failRollback(name, report.culprit)
        case .reverting, .reverted:
            return failRollback(name, "its agent went elsewhere: \(report.culprit)")
        case .accepted, .applying, .verifying, .healthy, .removed: break
        }
        if report.health == .unknown, report.phase != .removed { return blind(report, target) }
        regainSight(of: name)
        let isDone = report.phase == .healthy && report.health == .healthy || report.phase == .removed
        if isDone, isWhatWasAssigned(report, target) { return noteAssertion(record) }
        let word: Evidence.Word = report.health == .healthy && report.phase != .healthy ? .good : .bad
        update(name) { $0.attempt?.evidence.observe(word, at: record.receivedAt) }
    }

    /// A failure that heals is known as healed, where the policy leaves the cluster as it is: its proof is as good as any.
    private mutating func observeFailed(_ record: ReportRecord, _ target: TargetState) {
        guard rollout.phase != .rollingBack else { return }
        noteWayBack(record.report, target)
        guard record.report.phase == .healthy, record.report.health == .healthy,
            isWhatWasAssigned(record.report, target)
        else { return update(record.cluster) { $0.attempt?.evidence.observe(.bad, at: record.receivedAt) } }
        update(record.cluster) { $0.attempt?.evidence.observe(.asserted, at: record.receivedAt) }
        confirm(record.cluster)
    }

    /// A way back that was called failed and comes to its end after all is one that did: nothing new is told to the cluster by that,
    /// and what it proves is the same. It still counts as a failure of the release.
    private mutating func observeFailedRollback(_ record: ReportRecord, _ target: TargetState) {
        let report = record.report
        let isDone = report.phase == .healthy && report.health == .healthy || report.phase == .removed
        guard isDone, isWhatWasAssigned(report, target) else {
            return update(record.cluster) { $0.attempt?.evidence.observe(.bad, at: record.receivedAt) }
        }
        noteAssertion(record)
    }

    /// How going back by itself goes on at its agent: it ends well, or not, or heals later.
    private mutating func noteWayBack(_ report: ApplicationReport, _ target: TargetState) {
        let former = target.reason ?? ""
        let wentBack = [AgentPhase.reverting, .reverted].contains { former.hasPrefix($0.wayBack ?? " ") }
        guard report.phase.wayBack != nil || report.phase == .failed && wentBack else { return }
        let reason = report.failureReason.shortened(to: 1_024)
        guard reason != former else { return }
        update(target.cluster) { $0.reason = reason }
    }

    private func isWhatWasAssigned(_ report: ApplicationReport, _ target: TargetState) -> Bool {
        if let assigned = target.assigned { return report.phase == .healthy && report.digest == assigned.digest }
        return report.phase == .removed
    }

    /// Notes that the agent calls it done, and believes it if it can be true already.
    private mutating func noteAssertion(_ record: ReportRecord) {
        update(record.cluster) { $0.attempt?.evidence.observe(.asserted, at: record.receivedAt) }
        confirm(record.cluster)
        // What a removal has left is what there is to say of it.
        guard let left = record.report.message, record.report.phase == .removed else { return }
        update(record.cluster) {
            if $0.phase == .healthy || $0.phase == .rolledBack { $0.reason = left.shortened(to: 1_024) }
        }
    }

    /// Counts an assertion as soon as `minHealthyTime` has gone by since the dispatch; until then it only waits.
    mutating func confirm(_ name: ClusterName) {
        let target = target(name)
        guard target.assertedAt != nil, let confirmableAt = confirmableAt(target), now >= confirmableAt else { return }
        let isWayBack = target.phase == .rollingBack || target.phase == .rollbackFailed
        guard target.phase.isForward || isWayBack || target.phase == .failed else { return }
        if isWayBack || target.provenAt == nil { noteProof(target) }
        update(name) { [now] in $0.confirm(at: now) }
    }

    /// The first moment at which an assertion of health can be true; nil where nothing was assigned.
    func confirmableAt(_ target: TargetState) -> Timestamp? {
        target.attempt?.confirmableAt(minHealthyTime: rollout.policy.minHealthyTime)
    }

    /// Goes on watching after a word that is no proof: a target that was healthy has regressed, and is given time to recover.
    private mutating func watch(
        _ name: ClusterName, _ phase: TargetPhase, _ word: Evidence.Word, _ record: ReportRecord
    ) {
        let report = record.report
        let deadline = now + rollout.policy.progressDeadline
        update(name) {
            $0.attempt?.evidence.observe(word, at: record.receivedAt)
            if $0.provenAt != nil {
                if $0.phase == .healthy { $0.attempt?.deadline = .running(until: deadline) }
                $0.phase = .verifying
                $0.reason = "not healthy any more: \(report.culprit)"
            } else {
                $0.phase = phase
                $0.reason = report.health == .healthy ? nil : report.reasonText
            }
            if $0.attempt?.deadline == .met { $0.attempt?.deadline = .running(until: deadline) }
        }
    }

    /// The agent is there and cannot see its cluster: nothing is known, for as long as that lasts (invariant 23).
    private mutating func blind(_ report: ApplicationReport, _ target: TargetState) {
        guard target.phase != .healthy || isEvidenceNeeded(target) else { return }
        let doubt = report.reason.flatMap { Self.doubts[$0] }
        let why = (doubt == nil ? report.reasonText : report.message).map { ": \($0)" } ?? ""
        let what = doubt ?? "its agent cannot see it"
        update(target.cluster) { [now] in
            $0.become(
                .unknown(since: $0.attempt?.evidence.unknownSince ?? now), what + why, at: now)
        }
    }

    /// Whether a healthy target must go on being seen: until its stage has passed, since a soak is earned by
    /// evidence; also one that was left behind, which may be all that is left to prove the stage.
    func isEvidenceNeeded(_ target: TargetState) -> Bool {
        target.late != .joined && rollout.stages[target.stage].passedAt == nil
    }

    /// The target failed the release (invariant 5 counts it from now on).
    mutating func fail(_ name: ClusterName, _ reason: String) {
        update(name) { [now] in $0.fail(reason, at: now) }
    }

    mutating func failRollback(_ name: ClusterName, _ reason: String) {
        update(name) { $0.failRollback(reason) }
    }

    /// How many dispatches of a target may follow one another at once because of what its agent knows.
    private static let promptReassignments = 3

    /// Whether a target may be reissued now. An agent that is beyond whatever it is told would have it assigned again in every decision
    /// (invariant 22): after the first few times, and on the way back, that rests for a poll. The word is stored, and is looked at again
    /// then.
    private func mayReassign(_ target: TargetState) -> Bool {
        guard let attempt = target.attempt else { return true }
        if target.phase != .rollingBack, target.phase != .rolledBack, target.attempts <= Self.promptReassignments {
            return true
        }
        return now - attempt.dispatchedAt >= DecisionMaker.pollInterval
    }

    /// Reissues an assignment under a new generation: a rollback at once, a forward one through the queue with all its limits. One that
    /// comes too often waits; see ``mayReassign(_:)``.
    mutating func reassign(_ name: ClusterName, _ reason: String) {
        guard mayReassign(target(name)) else { return }
        switch target(name).phase {
        case .rollingBack, .rolledBack:
            rollBackTarget(name, reason: reason, again: true)
        case .dispatched, .applying, .verifying, .healthy, .unreachable:
            queueAgain([name], "reassigned: \(reason)")
        case .failed:
            // It waits for a person, as before; what speaks of another assignment does not heal it.
            update(name) { [now] in $0.attempt?.evidence.observe(.bad, at: now) }
        case .queued, .rollbackFailed, .skipped:
            return
        }
    }

    /// Queues targets again. Where their stage has passed and others still prove it, it does not wait for them; where they were all
    /// its proof, it waits, and what comes after it too (invariant 21).
    mutating func queueAgain(_ names: [ClusterName], _ reason: String, change: (inout TargetState) -> Void = { _ in }) {
        var regular: [Int: Int] = [:]
        for name in names where target(name).phase == .healthy && target(name).late == nil {
            regular[target(name).stage, default: 0] += 1
        }
        let keepsProof = rollout.stages.indices.map { index in
            rollout.stages[index].passedAt != nil && tally.stages[index].healthy > regular[index] ?? 0
        }
        for name in names {
            update(name) {
                $0.queue(reason)
                if keepsProof[$0.stage], $0.late == nil { $0.late = .deferred }
                change(&$0)
            }
        }
    }
}

extension Evidence {
    /// Since when nothing can be seen, if that is so.
    var unknownSince: Timestamp? { if case .unknown(let since) = standing { since } else { nil } }
}

extension ApplicationReport {
    /// Why the release has failed, and where its agent stands with it.
    fileprivate var failureReason: String { phase.wayBack.map { "\($0): \(culprit)" } ?? culprit }

    /// Why an assignment is reissued to the agent that said this.
    var agentKnowledge: String {
        "its agent knows generation \(generation), epoch \(epoch), \(digest.map { "release \($0.short)" } ?? "no release")"
    }

    /// Reason and culprit for people.
    fileprivate var culprit: String { reasonText ?? "\(phase.rawValue), \(health.rawValue)" }

    var reasonText: String? {
        switch (reason, message) {
        case (let reason?, let message?): "\(reason): \(message)"
        case (let reason?, nil): reason
        case (nil, let message?): message
        case (nil, nil): nil
        }
    }
}

extension AgentPhase {
    /// How far going back by itself has come, in words; nil where it does not.
    fileprivate var wayBack: String? {
        switch self {
        case .reverting: "its agent goes back"
        case .reverted: "reverted by its agent"
        case .accepted, .applying, .verifying, .healthy, .failed, .removed: nil
        }
    }
}
