internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Takes clusters out of the fleet: what that does is told before, and where active rollouts are concerned it takes a person's word.
struct ClusterRemoval: Sendable {
    let store: any Store

    /// What removing a cluster would do.
    func view(_ name: ClusterName) async throws -> RemovalView {
        _ = try await store.clusterRecord(name)
        let runs = try await store.assignments(of: name).compactMap { assignment -> RemovalView.Running? in
            guard case .run(let release) = assignment.goal else { return nil }
            return RemovalView.Running(application: assignment.application, version: release.version)
        }
        let holders = try await store.activeRollouts(on: [name])[name] ?? []
        var concerned: [RemovalView.Concerned] = []
        for holder in holders.prefix(RemovalView.maximumRollouts) {
            guard let rollout = try await store.rollout(holder), let view = Self.concerned(rollout, name) else {
                continue
            }
            concerned.append(view)
        }
        return RemovalView(
            cluster: name, runs: runs.sorted { $0.application < $1.application }, rollouts: concerned,
            omitted: max(0, holders.count - RemovalView.maximumRollouts))
    }

    /// Removes it, or refuses with what that would do. What was looked at may have changed since: the check is against accidents, and
    /// what a removal does to a rollout can be mended by applying the cluster again.
    func remove(_ name: ClusterName, isConfirmed: Bool, by actor: String) async throws {
        if !isConfirmed {
            let removal = try await view(name)
            guard !removal.needsConfirmation else { throw Problem.unconfirmed(removal) }
        }
        try await store.removeCluster(name, by: actor)
    }

    /// Nil where the rollout has ended since, or goes on without the cluster already.
    private static func concerned(_ rollout: Rollout, _ name: ClusterName) -> RemovalView.Concerned? {
        guard !rollout.phase.isEnded, let target = rollout.targets[name], target.phase != .skipped else { return nil }
        let stage = rollout.stages[target.stage]
        return RemovalView.Concerned(
            rollout: rollout.name, application: rollout.application, version: rollout.release.version,
            phase: rollout.phase.rawValue, stage: stage.name, target: target.standing,
            failed: target.countsAsFailure, leavesStageUnproven: leavesUnproven(rollout, target))
    }

    /// Whether none of the other members of its stage is healthy or may become so. A stage that passed stays passed.
    private static func leavesUnproven(_ rollout: Rollout, _ target: TargetState) -> Bool {
        guard target.holdsStage, rollout.phase != .rollingBack, rollout.stages[target.stage].passedAt == nil else {
            return false
        }
        let others = rollout.targets.values.filter {
            $0.stage == target.stage && $0.cluster != target.cluster && $0.holdsStage
        }
        let isHopeful = others.contains { $0.phase == .healthy || !$0.isSettled && $0.phase != .rollingBack }
        // Where all others failed, the budget decides, with or without this one.
        let haveAllFailed = !others.isEmpty && others.allSatisfy { $0.failedAt != nil }
        return !isHopeful && !haveAllFailed
    }
}

extension Problem {
    /// What is asked for has effects that a person should know and agree to.
    static func unconfirmed(_ removal: RemovalView) -> Problem {
        Problem(
            code: "unconfirmed", title: "This takes a person's word", status: 409,
            detail: removal.lines.joined(separator: "\n") + "\nSay --yes (confirmed=true) to remove it all the same")
    }

    /// Something would be removed on the way back, since the application's strategy says so, and nobody agreed to it.
    ///
    /// - Parameter digest: What the word would be for, where it is asked for again once that has changed.
    static func unconfirmedRemoval(_ what: String, digest: ContentDigest? = nil) -> Problem {
        Problem(
            code: "unconfirmed", title: "This takes a person's word", status: 409,
            detail: what + "\nNothing was done yet", digest: digest)
    }
}
