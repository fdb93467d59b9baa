internal import SwellModel

// What agents' words count for (invariants 4, 8, 12 and 13).
//
// Who judges `minHealthyTime`: the agent does, since it alone watches without gaps, and says so with phase `healthy`. The engine
// adds what it can check itself: same generation, same digest, received after the dispatch, `health` healthy, no bad word since,
// and at least `minHealthyTime` gone by on the database's clock since the dispatch, before which the claim cannot be true.
extension DecisionState {
    /// Generations beyond this are nonsense, not evidence: there would soon be none above them.
    static let highestGeneration = OrphanedAssignment.highestGeneration

    /// Takes in one report on one of the rollout's targets.
    mutating func take(_ record: ReportRecord) {
        let report = record.report
        guard let target = rollout.targets[record.cluster], target.phase != .skipped,
            let generation = target.generation, let dispatchedAt = target.dispatchedAt,
            record.receivedAt >= dispatchedAt, report.generation < Self.highestGeneration
        else { return }
        noteSeen(report.generation, at: record.cluster)
        noteSeen(epoch: report.epoch, at: record.cluster)
        // An older generation says nothing of this one (invariant 4).
        guard report.generation >= generation else { return }
        if report.epoch > epoch { return }
        if report.isAhead(of: generation, epoch: target.epoch ?? 0, digest: target.assigned?.digest) {
            // What was committed got lost, or the agent came back from elsewhere: the assignment is reissued above what it knows.
            reassign(record.cluster, report.agentKnowledge)
            return
        }
        switch target.phase {
        case .dispatched, .applying, .verifying, .healthy, .unreachable: observeForward(record, target)
        case .rollingBack: observeRollback(record, target)
        case .queued, .failed, .rolledBack, .rollbackFailed, .skipped: return
        }
    }

    private mutating func observeForward(_ record: ReportRecord, _ target: TargetState) {
        let report = record.report
        switch report.phase {
        case .reverting, .reverted:
            // Invariant 13: its digest is the fallback's, never evidence for the release.
            fail(record.cluster, "reverted by its agent: \(report.culprit)")
        case .failed:
            fail(record.cluster, report.culprit)
        case .accepted:
            keepWatching(record.cluster, .dispatched, report)
        case .applying:
            keepWatching(record.cluster, .applying, report)
        case .verifying:
            guard report.digest == target.assigned?.digest else { return }
            keepWatching(record.cluster, .verifying, report)
            if report.health == .healthy {
                update(record.cluster) { $0.healthySince = $0.healthySince ?? record.receivedAt }
            }
        case .healthy, .removed:
            guard isWhatWasAssigned(report, target) else { return }
            guard report.health == .healthy || report.phase == .removed else {
                keepWatching(record.cluster, .verifying, report)
                return
            }
            claim(record)
        }
    }

    private mutating func observeRollback(_ record: ReportRecord, _ target: TargetState) {
        let report = record.report
        switch report.phase {
        case .failed:
            failRollback(record.cluster, report.culprit)
        case .reverting, .reverted:
            failRollback(record.cluster, "its agent went elsewhere: \(report.culprit)")
        case .accepted, .applying, .verifying:
            update(record.cluster) {
                $0.assertedAt = nil
                $0.healthySince = report.health == .healthy ? ($0.healthySince ?? record.receivedAt) : nil
            }
        case .healthy, .removed:
            guard isWhatWasAssigned(report, target) else { return }
            guard report.health == .healthy || report.phase == .removed else {
                update(record.cluster) {
                    $0.assertedAt = nil
                    $0.healthySince = nil
                }
                return
            }
            claim(record)
        }
    }

    private func isWhatWasAssigned(_ report: ApplicationReport, _ target: TargetState) -> Bool {
        if let assigned = target.assigned { return report.phase == .healthy && report.digest == assigned.digest }
        return report.phase == .removed
    }

    /// Notes that the agent calls it done, and believes it if it can be true already.
    private mutating func claim(_ record: ReportRecord) {
        update(record.cluster) {
            $0.healthySince = $0.healthySince ?? record.receivedAt
            $0.assertedAt = $0.assertedAt ?? record.receivedAt
        }
        confirm(record.cluster)
    }

    /// Counts a claim as soon as `minHealthyTime` has gone by since the dispatch; until then it only waits.
    mutating func confirm(_ name: ClusterName) {
        guard let target = rollout.targets[name], target.assertedAt != nil, target.phase != .healthy,
            let confirmableAt = confirmableAt(target), now >= confirmableAt
        else { return }
        if target.phase == .rollingBack {
            noteProof(target)
            update(name) { [now] in
                $0.phase = .rolledBack
                $0.deadlineAt = nil
                $0.healthyAt = now
            }
            return
        }
        guard target.phase.isForward else { return }
        if target.provenAt == nil { noteProof(target) }
        update(name) { [now] in
            $0.phase = .healthy
            $0.reason = nil
            $0.deadlineAt = nil
            $0.healthyAt = now
            $0.provenAt = $0.provenAt ?? now
        }
    }

    /// The first moment at which a claim of health can be true; a removal has nothing to wait for.
    func confirmableAt(_ target: TargetState) -> Timestamp? {
        guard let dispatchedAt = target.dispatchedAt else { return nil }
        return target.assigned == nil ? dispatchedAt : dispatchedAt + rollout.policy.minHealthyTime
    }

    /// Goes on watching after a word that is no proof: the good stretch ends, and a target that was healthy has regressed.
    private mutating func keepWatching(_ name: ClusterName, _ phase: TargetPhase, _ report: ApplicationReport) {
        let deadline = now + rollout.policy.progressDeadline
        update(name) {
            $0.assertedAt = nil
            if report.health != .healthy || phase != .verifying { $0.healthySince = nil }
            if $0.provenAt != nil {
                if $0.phase == .healthy { $0.deadlineAt = deadline }
                $0.healthyAt = nil
                $0.phase = .verifying
                $0.reason = "not healthy any more: \(report.culprit)"
            } else {
                $0.phase = phase
                $0.reason = report.health == .healthy ? nil : report.reasonText
            }
            $0.deadlineAt = $0.deadlineAt ?? deadline
        }
    }

    /// The target failed the release (invariant 5 counts it from now on).
    mutating func fail(_ name: ClusterName, _ reason: String) {
        update(name) { [now] in
            $0.phase = .failed
            $0.reason = reason
            $0.failedAt = now
            $0.deadlineAt = nil
            $0.healthySince = nil
            $0.assertedAt = nil
            $0.healthyAt = nil
        }
    }

    mutating func failRollback(_ name: ClusterName, _ reason: String) {
        update(name) {
            $0.phase = .rollbackFailed
            $0.reason = reason
            $0.deadlineAt = nil
            $0.healthySince = nil
            $0.assertedAt = nil
        }
    }

    /// Tells an assignment again under a new generation: a rollback at once, a forward one through the queue with all its limits.
    mutating func reassign(_ name: ClusterName, _ reason: String) {
        guard let target = rollout.targets[name] else { return }
        switch target.phase {
        case .rollingBack, .rolledBack:
            rollBackTarget(name, reason: reason, again: true)
        case .dispatched, .applying, .verifying, .healthy, .unreachable:
            update(name) { [stages = rollout.stages] in
                $0.phase = .queued
                $0.reason = "reassigned: \(reason)"
                $0.deadlineAt = nil
                $0.healthySince = nil
                $0.assertedAt = nil
                $0.healthyAt = nil
                $0.provenAt = nil
                if stages[$0.stage].passedAt != nil, $0.late == nil { $0.late = .deferred }
            }
        case .queued, .failed, .rollbackFailed, .skipped:
            return
        }
    }
}

extension ApplicationReport {
    /// Why an assignment is reissued to the agent that said this.
    var agentKnowledge: String {
        "its agent knows generation \(generation), epoch \(epoch), \(digest.map { "release \($0.short)" } ?? "no release")"
    }

    /// Reason and culprit for people.
    fileprivate var culprit: String { reasonText ?? "\(phase.rawValue), \(health.rawValue)" }

    fileprivate var reasonText: String? {
        switch (reason, message) {
        case (let reason?, let message?): "\(reason): \(message)"
        case (let reason?, nil): reason
        case (nil, let message?): message
        case (nil, nil): nil
        }
    }
}
