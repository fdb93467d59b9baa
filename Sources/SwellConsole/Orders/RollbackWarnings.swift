internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// What an order to take back does where there is nothing to go back to.
enum RollbackWarnings {
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
