internal import SwellModel

/// What a person can do where a rollout does not go on by itself, as commands to copy.
enum NextStep {
    static func lines(_ view: RolloutView) -> [String] {
        let status = view.status
        let name = view.metadata.name
        if status.isEnded {
            guard view.spec.type == "release" else { return ofFailedUndo(view) }
            guard ["rolledBack", "failed"].contains(status.phase) else { return [] }
            return [
                "mend it in a new release, or where the release is not at fault start it again: `swell rollout start "
                    + "\(view.spec.application) --version \(view.spec.release.version) --policy \(view.spec.policy)`"
            ]
        }
        if view.isPausedByFailures { return [afterFailures(view)] }
        return ofSilentAgents(view)
            + status.stages.compactMap { stage in
                if view.awaitsApproval(stage) {
                    return "look at what it has shown, then `swell approve \(name) --stage \(stage.name)`; "
                        + "to take it back, `swell rollout undo \(name)`"
                }
                return view.isUnproven(stage) ? unproven(stage, view) : nil
            }
    }

    /// What leads on where agents are away: they are waited for, however long that takes.
    private static func ofSilentAgents(_ view: RolloutView) -> [String] {
        let left = Set(view.status.targets.filter(\.isLeftBehind).map(\.cluster))
        let away = view.status.waitingFor.filter { $0.what == "unreachable" }.flatMap(\.clusters)
            .filter { !left.contains($0) }
        guard let first = away.first else { return [] }
        return [
            "it goes on when the agent is back; without the cluster for now, `swell rollout leave-behind "
                + "\(view.metadata.name) --cluster \(first)`"
        ]
    }

    /// What leads on where an undo, or a removal, has not reached all of its clusters: nothing of it goes on.
    private static func ofFailedUndo(_ view: RolloutView) -> [String] {
        let failed = view.status.targets.filter { ["failed", "rollbackFailed"].contains($0.phase) }
        guard view.status.phase == "failed", let first = failed.first else { return [] }
        let more = failed.count == 1 ? "" : " and \(failed.count - 1) more"
        let look = "look at \(first.cluster)\(more) (`swell describe cluster \(first.cluster)`)"
        let start =
            "`swell rollout start \(view.spec.application) --policy \(view.spec.policy) --cluster \(first.cluster) --version "
        guard view.spec.type == "undo", let release = first.release ?? first.previous else {
            let clusters = failed.count == 1 ? " --cluster \(first.cluster)" : ""
            return [
                "\(look); once that is mended, `swell uninstall \(view.spec.application)\(clusters)` goes on with what is left"
            ]
        }
        return ["\(look); once that is mended, \(start)\(release)` brings \(release) there"]
    }

    /// How to lift what pauses it, or a part of it.
    static func ofPauses(_ view: RolloutView) -> [String] {
        let name = view.metadata.name
        let status = view.status
        var steps: [String] = []
        if let pause = status.pause { steps.append("paused by \(pause.by): `swell rollout resume \(name)`") }
        for blocker in status.waitingFor {
            switch (blocker.what, blocker.region) {
            case ("regionPause", let region?):
                // One region may be paused in the rollout and for everybody.
                if let pause = status.pausedRegions[region] {
                    steps.append(
                        "region '\(region)' paused by \(pause.by): `swell rollout resume \(name) --region \(region)`")
                } else {
                    steps.append("\(blocker.why): `swell region resume \(region)`")
                }
            case ("clusterPause", _):
                for cluster in blocker.clusters.prefix(3) {
                    let isOfRollout = status.pausedClusters[cluster] != nil
                    steps.append(
                        "cluster '\(cluster)' paused: "
                            + (isOfRollout
                                ? "`swell rollout resume \(name) --cluster \(cluster)`"
                                : "`swell cluster resume \(cluster)`"))
                }
            case ("invariant", _): steps.append("\(blocker.why): `swell rollout get \(name)`")
            default: break
            }
        }
        return steps
    }

    private static func afterFailures(_ view: RolloutView) -> String {
        let name = view.metadata.name
        let failed = view.status.targets.filter { ["failed", "rolledBack", "rollbackFailed"].contains($0.phase) }
        let cluster = failed.count == 1 ? failed[0].cluster.rawValue : "CLUSTER"
        if let first = failed.first, failed.allSatisfy(\.isRefused) {
            let (application, version) = (view.spec.application, view.spec.release.version)
            let retry =
                failed.contains(where: \.isMistyped)
                ? "" : "where it is the cluster that has to change, `swell rollout retry \(name)`; "
            return
                "the API server refuses what \(version) has, and would again: `swell diff \(application) --version \(version) --cluster "
                + "\(first.cluster)` shows all of it; mend it in a new release, then `swell rollout start \(application) --version NEW "
                + "--policy \(view.spec.policy) --supersede`; \(retry)to take it back, `swell rollout undo \(name)`"
        }
        return
            "once that is mended, `swell rollout retry \(name)`; to take it back, `swell rollout undo \(name)`; to go on "
            + "without a cluster that failed, `swell rollout skip \(name) --cluster \(cluster)`; to stop for good and leave all as it "
            + "is, `swell rollout abort \(name)`"
    }

    private static func unproven(_ stage: StageView, _ view: RolloutView) -> String {
        let name = view.metadata.name
        let again = view.status.targets.first {
            $0.stage == stage.name && ["failed", "rolledBack", "rollbackFailed", "skipped", "held"].contains($0.phase)
        }
        let retry = again.map { "`swell rollout retry \(name) --cluster \($0.cluster)` tries one again; " } ?? ""
        let left = view.status.targets.first { $0.stage == stage.name && $0.isLeftBehind }
        let wait = left.map { "it goes on once \($0.cluster), which is left behind, is healthy after all; " } ?? ""
        return
            "none of the clusters of stage '\(stage.name)' is healthy: \(wait)\(retry)to take it all back, `swell rollout undo "
            + "\(name)`; to go on all the same, `swell rollout promote \(name) --stage \(stage.name) --despite-health`"
    }
}

extension RolloutView {
    /// Whether failures have paused it, and not a person.
    var isPausedByFailures: Bool { status.phase == "paused" && status.pause == nil }

    /// Whether failures have paused it and nothing of it moves by itself any more: what is under way comes to an end first.
    var isStoppedByFailures: Bool {
        isPausedByFailures
            && !status.waitingFor.contains {
                ["health", "minHealthyTime", "rollback"].contains($0.what) && !$0.clusters.isEmpty
            }
    }

    /// Whether nothing but a person's word leads on: an approval, a pause to be lifted, a stage that nothing speaks for. What is under way
    /// comes to an end first, and what has a time of its own goes on by itself.
    var waitsForPerson: Bool {
        guard !status.isEnded else { return false }
        let isMoving = status.waitingFor.contains { blocker in
            switch blocker.what {
            case "soak", "start", "concurrency", "held": true
            case "health", "minHealthyTime", "rollback": !blocker.clusters.isEmpty
            default: false
            }
        }
        guard !isMoving else { return false }
        let persons: Set = ["approval", "pause", "regionPause", "clusterPause", "invariant"]
        return status.waitingFor.contains { persons.contains($0.what) } || status.stages.contains(where: isUnproven)
    }

    fileprivate func awaitsApproval(_ stage: StageView) -> Bool {
        status.waitingFor.contains { $0.what == "approval" && $0.stage == stage.name }
    }

    /// Whether a stage waits for a person since none of its clusters is healthy, or on its way to be.
    fileprivate func isUnproven(_ stage: StageView) -> Bool {
        guard stage.phase == "verifying", stage.passedAt == nil, status.phase == "progressing" else { return false }
        let settled: Set = ["failed", "rolledBack", "rollbackFailed", "skipped", "removed", "held"]
        return status.targets.allSatisfy { $0.stage != stage.name || settled.contains($0.phase) || $0.isLeftBehind }
    }
}

extension TargetView {
    /// Whether an API server has refused an object for what it says.
    fileprivate var isRefused: Bool {
        guard let reason, !isMistyped else { return reason != nil }
        // Where its agent stands with it may come before the word.
        return ["", "its agent goes back: ", "reverted by its agent: "].contains { standing in
            ["Invalid: ", "BadRequest: "].contains { reason.hasPrefix(standing + $0) }
        }
    }

    /// Whether that is a field that there is not, or a value of another type: no change of the cluster makes it right.
    fileprivate var isMistyped: Bool {
        ["failed to create typed patch object", "strict decoding error", "cannot be handled as a"].contains {
            reason?.contains($0) == true
        }
    }

    /// Whether its stage goes on without it, by order or by the policy, until it is healthy after all.
    var isLeftBehind: Bool { late == "leftBehind" && phase != "healthy" }
}

extension BlockerView {
    /// What is waited for, as people say it.
    var words: String {
        switch what {
        case "unknown": "a sight of the cluster"
        case "held": "another rollout"
        case "invariant": "a person, since a check refused what was decided"
        default: what
        }
    }
}
