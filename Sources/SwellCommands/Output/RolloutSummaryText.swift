internal import SwellModel

/// How a rollout stands, in a line for all of it and one for each trouble, wait and way on.
enum RolloutSummaryText {
    static func lines(_ view: RolloutView) -> [String] {
        let status = view.status
        let healthy = status.targets.count { $0.phase == "healthy" }
        let others = ["removed", "held"].compactMap { phase -> String? in
            let count = status.targets.count { $0.phase == phase }
            return count == 0 ? nil : ", \(count) \(phase)"
        }
        let reason = status.reason.map { ", \($0)" } ?? ""
        var lines = [
            "\(view.metadata.name) \(status.phase): \(healthy) of \(status.targets.count) clusters healthy"
                + others.joined() + reason
        ]
        lines += RolloutChanges.troubled(status)
        lines += status.waitingFor.map { "waits for \($0.words): \($0.why)" }
        return lines + NextStep.lines(view).map { "next: \($0)" }
    }
}
