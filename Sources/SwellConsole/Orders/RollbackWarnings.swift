internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// What an order to take back does where there is nothing to go back to.
enum RollbackWarnings {
    /// Where a word to remove changes nothing, since something else was proven there; nil where that is nowhere.
    static func goingBack(_ rollout: Rollout, _ scope: RollbackScope) -> WarningView? {
        let back = rollout.targets.values.filter {
            rollout.covers(scope, $0) && !rollout.spares($0, from: scope) && $0.generation != nil && $0.previous != nil
        }
        return goingBack(
            Dictionary(back.compactMap { target in target.previous.map { (target.cluster, $0) } }) { a, _ in a },
            rollout.application)
    }

    /// The same of a rollout that is to take another back.
    static func goingBack(_ previous: [ClusterName: ReleaseReference], _ application: ApplicationName) -> WarningView? {
        let clusters = previous.keys.sorted()
        guard !clusters.isEmpty else { return nil }
        let versions = Set(previous.values.map(\.version)).sorted().joined(separator: ", ")
        let shown = clusters.prefix(3).map(\.rawValue).joined(separator: ", ")
        let names = clusters.count > 3 ? "\(shown) and \(clusters.count - 3) more" : shown
        return WarningView(
            kind: PlanWarning.Kind.unchanged.rawValue,
            message:
                "--remove is for clusters where nothing else was ever proven, and \(versions) was on \(names): "
                + "back there without it, or off them with `swell uninstall \(application)`",
            clusters: clusters)
    }

    /// Nil where every cluster that it covers has a release to go to.
    static func of(_ rollout: Rollout, _ scope: RollbackScope, removes: Bool) -> WarningView? {
        let stuck = rollout.targets.values.filter {
            rollout.covers(scope, $0) && !rollout.spares($0, from: scope) && $0.generation != nil && $0.previous == nil
                && ($0.phase != .skipped || removes && $0.skip == .neverHealthy) && $0.standing != TargetState.removed
        }.map(\.cluster).sorted()
        guard !stuck.isEmpty else { return nil }
        let shown = stuck.prefix(3).map(\.rawValue).joined(separator: ", ")
        let names = stuck.count > 3 ? "\(shown) and \(stuck.count - 3) more" : shown
        let none = "no other release was ever proven on \(names)"
        guard removes || rollout.strategy.whenNeverHealthy == .remove else {
            return WarningView(
                kind: PlanWarning.Kind.unchanged.rawValue,
                message: "\(none): held as they are; --remove removes what \(rollout.release.version) brought there",
                clusters: stuck)
        }
        return WarningView(
            kind: PlanWarning.Kind.removes.rawValue,
            message: "\(none): what \(rollout.release.version) brought is removed there", clusters: stuck)
    }
}
