internal import KubernetesObjects
package import SwellEngine
package import SwellModel
internal import SwellStore

extension RolloutView {
    /// The contract's form of a rollout.
    package init(_ rollout: Rollout, waitingFor blockers: [Blocker], warnings: [WarningView]? = nil) {
        let spec = Spec(
            application: rollout.application, type: rollout.kind.word, undoOf: rollout.kind.takesOff,
            release: rollout.release, policy: rollout.policy.name,
            policySpec: rollout.policy.document["spec"] ?? .object([:]), startsAt: rollout.startsAt)
        let targets = rollout.targets.values.sorted {
            ($0.stage, $0.region, $0.cluster) < ($1.stage, $1.region, $1.cluster)
        }
        let status = Status(
            phase: rollout.phase.rawValue, isEnded: rollout.phase.isEnded, reason: rollout.reason,
            endedAt: rollout.endedAt, supersededBy: rollout.supersededBy, pause: rollout.pause,
            pausedRegions: rollout.pausedRegions, pausedClusters: rollout.pausedClusters,
            waitingFor: rollout.phase.isEnded ? [] : blockers.map(BlockerView.init),
            stages: rollout.stages.indices.map { StageView(rollout, $0) },
            targets: targets.map { TargetView($0, stage: rollout.stages[$0.stage].name) },
            plan: rollout.planDigest)
        self.init(
            metadata: MetadataView(
                name: rollout.name.rawValue, createdAt: rollout.createdAt, createdBy: rollout.createdBy),
            spec: spec, status: status, warnings: warnings)
    }
}

extension BlockerView {
    init(_ blocker: Blocker) {
        self.init(
            what: blocker.what.rawValue, why: blocker.why, until: blocker.until, stage: blocker.stage,
            region: blocker.region, clusters: blocker.clusters)
    }
}

extension RolloutKind {
    /// As the contract spells it.
    var word: String {
        switch self {
        case .release: "release"
        case .undo: "undo"
        case .removal: "removal"
        }
    }
}

extension StageView {
    /// A stage of an undo is passed over what it could not take back; it has not passed for that.
    init(_ rollout: Rollout, _ index: Int) {
        self.init(rollout.stages[index])
        let isFailed = rollout.targets.values.contains { $0.stage == index && $0.failedAt != nil }
        if rollout.kind != .release, rollout.phase == .failed, isFailed { phase = StagePhase.failed.rawValue }
    }

    init(_ stage: StageState) {
        self.init(
            name: stage.name, phase: stage.phase.rawValue, reason: stage.reason, startedAt: stage.startedAt,
            healthyAt: stage.healthyAt, soakEndsAt: stage.soakEndsAt, passedAt: stage.passedAt, lanes: stage.lanes,
            approvedBefore: stage.approvedBefore?.by, approvedAfter: stage.approvedAfter?.by,
            approvals: [
                stage.approvedBefore.map { ApprovalView($0, gate: .before) },
                stage.approvedAfter.map { ApprovalView($0, gate: .after) },
            ].compactMap(\.self), promotion: stage.promotion.map { ApprovalView($0, gate: nil) })
    }
}

extension ApprovalView {
    init(_ approval: Approval, gate: ApprovalGate?) {
        self.init(gate: gate?.rawValue, by: approval.by, at: approval.at, digest: approval.digest)
    }
}

extension WarningView {
    init(_ warning: PlanWarning) {
        self.init(
            kind: warning.kind.rawValue, message: warning.message, stage: warning.stage,
            clusters: warning.clusters.isEmpty ? nil : warning.clusters)
    }
}

extension TargetView {
    init(_ target: TargetState, stage: StageName) {
        self.init(
            cluster: target.cluster, region: target.region, stage: stage, phase: target.standing,
            reason: target.reason, generation: target.generation, digest: target.assigned?.digest,
            release: target.assigned?.version, previous: target.previous?.version, dispatchedAt: target.dispatchedAt,
            healthyAt: target.healthyAt, changedAt: target.changedAt, attempts: target.attempts,
            late: target.late?.rawValue)
    }
}

extension RolloutListView {
    init(_ summary: RolloutSummary) {
        self.init(
            metadata: MetadataView(
                name: summary.name.rawValue, createdAt: summary.createdAt, createdBy: summary.createdBy),
            spec: Spec(
                application: summary.application, type: summary.kind.word, undoOf: summary.kind.takesOff,
                version: summary.version, brings: summary.kind == .release ? nil : summary.brings),
            status: Status(
                phase: summary.phase.rawValue, reason: summary.reason, endedAt: summary.endedAt, counts: summary.counts)
        )
    }
}

extension EventView {
    init(_ event: AuditEvent) {
        self.init(
            id: event.id, at: event.at, by: event.by, what: event.what, rollout: event.rollout,
            application: event.application, stage: event.stage, region: event.region, cluster: event.cluster,
            from: event.from, to: event.to, reason: event.reason)
    }
}

extension ClusterView {
    init(
        _ record: ClusterRecord, regionPause: Pause?, drifts: [DriftFigures],
        applications: [ClusterApplicationView]? = nil
    ) {
        self.init(
            record.cluster,
            status: Status(
                enrolled: record.isEnrolled, connected: record.isConnected, agentVersion: record.agentVersion,
                lastSeenAt: record.lastSeenAt, pause: record.pause, regionPause: regionPause,
                drift: DriftSummary(drifts), readmittedUntil: record.readmittedUntil, revokedAt: record.revokedAt,
                applications: applications))
    }
}

extension DriftSummary {
    /// Nil where nothing was found changed.
    init?(_ figures: [DriftFigures]) {
        let found = figures.filter { $0.count > 0 }
        guard let latest = found.map(\.receivedAt).max() else { return nil }
        self.init(
            reported: found.filter { !$0.isCorrected }.reduce(0) { $0 + $1.count },
            corrected: found.filter(\.isCorrected).reduce(0) { $0 + $1.count }, at: latest)
    }
}
