internal import SwellModel

/// What an order to take back brings: `shop 1.1.0 -> 1.0.0 on b1, b2`.
enum WayBackText {
    /// - Parameters:
    ///   - covers: Which clusters the order is for.
    static func lines(_ view: RolloutView, covers: (TargetView) -> Bool) -> [String] {
        let isUndo = view.spec.type != "release"
        // Of a rollout that goes on, what was never sent there is not taken from there.
        let targets = view.status.targets.filter {
            covers($0) && $0.previous != nil && $0.phase != "skipped" && (isUndo || $0.generation != nil)
        }
        let release = view.spec.release.version
        return Dictionary(grouping: targets) { $0.previous ?? "" }.sorted { $0.key < $1.key }.map { previous, targets in
            let shown = targets.prefix(10).map(\.cluster.rawValue).joined(separator: ", ")
            let more = targets.count > 10 ? " and \(targets.count - 10) more" : ""
            return "\(view.spec.application) \(release) -> \(previous) on \(shown)\(more)"
        }
    }
}
