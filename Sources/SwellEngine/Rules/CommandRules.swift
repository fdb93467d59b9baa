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
            updateRollout { $0.supersededBy = successor }
            moveRollout(to: .superseded, reason: "superseded by \(successor)")
        case .retry(let clusters):
            retry(clusters, by: record.by)
        case .rollback(let scope, let reason):
            rollBack(scope, reason: reason ?? "rolled back by \(record.by)", isOrdered: true)
        case .approve(let stage, let digest):
            approve(stage, Approval(by: record.by, at: now, digest: digest))
        case .promote(let stage):
            promote(stage, Approval(by: record.by, at: now, digest: rollout.release.digest))
        }
    }

    private mutating func pause(_ scope: PauseScope, _ pause: Pause) {
        updateRollout {
            switch scope {
            case .rollout: $0.pause = pause
            case .region(let name): $0.pausedRegions[name] = pause
            case .cluster(let name): $0.pausedClusters[name] = pause
            }
        }
        deriveRolloutPhase()
    }

    private mutating func resume(_ scope: PauseScope) {
        updateRollout {
            switch scope {
            case .rollout: $0.pause = nil
            case .region(let name): $0.pausedRegions[name] = nil
            case .cluster(let name): $0.pausedClusters[name] = nil
            }
        }
        deriveRolloutPhase()
    }

    /// Queues failed targets again. Their failures no longer count, so that a stage which stopped for them goes on.
    private mutating func retry(_ clusters: [ClusterName], by actor: String) {
        for name in clusters.isEmpty ? rollout.retryable : clusters {
            update(name) { [stages = rollout.stages] in
                $0.phase = .queued
                $0.reason = "retried by \(actor)"
                $0.failedAt = nil
                $0.deadlineAt = nil
                $0.healthySince = nil
                $0.assertedAt = nil
                $0.healthyAt = nil
                $0.provenAt = nil
                $0.skip = nil
                if stages[$0.stage].passedAt != nil, $0.late == nil { $0.late = .deferred }
            }
        }
    }

    private mutating func approve(_ name: StageName, _ approval: Approval) {
        guard let index = rollout.stageIndex(name) else { return }
        updateStage(index) { stage in
            switch stage.phase {
            case .waiting, .gated: stage.approvedBefore = approval
            default: stage.approvedAfter = approval
            }
        }
    }

    /// Ends what the stage waits for: the approval before it, its soak, the approval after it, or its lack of a healthy cluster.
    private mutating func promote(_ name: StageName, _ promotion: Approval) {
        guard let index = rollout.stageIndex(name) else { return }
        let awaitsApproval = rollout.awaitsApprovalToPass(stage: index, snapshot)
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

extension Rollout {
    /// What a retry without names queues again.
    var retryable: [ClusterName] {
        targets.values.filter(\.isRetryable).filter { $0.failedAt != nil || $0.phase == .rollbackFailed }
            .map(\.cluster).sorted()
    }
}

extension TargetState {
    /// Whether a retry that names it may queue it again.
    var isRetryable: Bool {
        switch phase {
        case .failed, .rolledBack, .rollbackFailed: true
        case .skipped: skip == .rolledBack
        default: false
        }
    }
}
