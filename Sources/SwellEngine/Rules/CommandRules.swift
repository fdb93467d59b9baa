internal import SwellModel

// What commands do. Whether they may is in `CommandRefusal.swift`; here they are known to make sense.
extension DecisionState {
    mutating func obey(_ record: CommandRecord) {
        switch record.command {
        case .pause(let scope, let reason):
            pause(scope, Pause(by: record.by, at: now, reason: reason))
        case .resume(let scope):
            resume(scope)
        case .abort(let reason):
            moveRollout(to: .aborted, reason: reason ?? "aborted by \(record.by)")
        case .supersede(let successor):
            updateHeader { $0.supersededBy = successor }
            moveRollout(to: .superseded, reason: "superseded by \(successor)")
        case .retry(let clusters):
            let names = clusters.isEmpty ? rollout.retryable(in: snapshot) : clusters
            // Their failures no longer count, so that a stage which stopped for them goes on.
            queueAgain(names, "retried by \(record.by)") { $0.failedAt = nil }
        case .rollback(let scope, let reason, let remove):
            rollBack(
                scope, reason: reason ?? "rolled back by \(record.by)", isOrdered: true, removes: remove == true)
        case .approve(let stage, let digest, _, _):
            approve(stage, Approval(by: record.by, at: now, digest: digest, plan: rollout.planDigest))
        case .withdraw(let stage):
            withdraw(stage)
        case .promote(let stage, _, _, _):
            let digest = rollout.release.digest
            promote(stage, Approval(by: record.by, at: now, digest: digest, plan: rollout.planDigest))
        case .skip(let cluster, let reason):
            let why = reason.map { ": \($0)" } ?? ""
            update(cluster) {
                // A person's word: what failed there is not held against the release (invariant 21).
                $0.failedAt = nil
                $0.leaveOut(.ordered, "left out by \(record.by)\(why)")
            }
        case .leaveBehind(let cluster, let reason):
            let why = reason.map { ": \($0)" } ?? ""
            update(cluster) {
                $0.late = .deferred
                $0.reason = "left behind by \(record.by)\(why)"
            }
        }
    }

    private mutating func pause(_ scope: PauseScope, _ pause: Pause) {
        updateHeader {
            switch scope {
            case .rollout: $0.pause = pause
            case .region(let name): $0.pausedRegions[name] = pause
            case .cluster(let name): $0.pausedClusters[name] = pause
            }
        }
        deriveRolloutPhase()
    }

    private mutating func resume(_ scope: PauseScope) {
        updateHeader {
            switch scope {
            case .rollout: $0.pause = nil
            case .region(let name): $0.pausedRegions[name] = nil
            case .cluster(let name): $0.pausedClusters[name] = nil
            }
        }
        deriveRolloutPhase()
    }

    private mutating func approve(_ name: StageName, _ approval: Approval) {
        guard let index = rollout.stageIndex(name) else { preconditionFailure("a refused approval is obeyed") }
        updateStage(index) { stage in
            if stage.phase == .gated { stage.approvedBefore = approval } else { stage.approvedAfter = approval }
        }
    }

    private mutating func withdraw(_ name: StageName) {
        guard let index = rollout.stageIndex(name) else { preconditionFailure("a refused withdrawal is obeyed") }
        updateStage(index) { stage in
            if stage.startedAt == nil { stage.approvedBefore = nil } else { stage.approvedAfter = nil }
        }
    }

    /// Ends what the stage waits for: the approval before it, its soak, the approval after it, or its lack of a healthy cluster.
    private mutating func promote(_ name: StageName, _ promotion: Approval) {
        guard let index = rollout.stageIndex(name) else { preconditionFailure("a refused promotion is obeyed") }
        let awaitsApproval = awaitsApprovalToPass(stage: index)
        updateStage(index) { stage in
            if stage.phase == .gated {
                stage.approvedBefore = promotion
            } else if awaitsApproval {
                stage.approvedAfter = promotion
            } else {
                stage.promotion = promotion
            }
        }
    }
}

extension StageState {
    /// An approval that was given and has not led on: the stage has not started, or not passed, by it.
    var standingApproval: Approval? {
        if startedAt == nil { return approvedBefore }
        return passedAt == nil ? approvedAfter : nil
    }
}

extension Rollout {
    /// What a retry without names queues again.
    var retryable: [ClusterName] {
        targets.values.filter(\.isRetryable).filter { $0.failedAt != nil || $0.phase == .rollbackFailed }
            .map(\.cluster).sorted()
    }

    /// The same, without those that other rollouts hold by now (invariant 11).
    func retryable(in snapshot: FleetSnapshot) -> [ClusterName] {
        retryable.filter { holder(of: $0, in: snapshot) == nil }
    }
}

extension TargetState {
    /// Whether a retry that names it may queue it again.
    var isRetryable: Bool {
        switch phase {
        case .failed, .rolledBack, .rollbackFailed: true
        case .skipped: skip == .rolledBack || skip == .ordered || skip == .neverHealthy
        default: false
        }
    }

    /// Whether it was brought the release and no other was ever proven there.
    var hasNowhereToGo: Bool {
        guard generation != nil, previous == nil, !ranBefore else { return false }
        switch phase {
        case .skipped, .rollingBack, .rolledBack: return false
        default: return true
        }
    }
}
