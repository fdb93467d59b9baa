internal import SwellModel

/// What changed from one look at a rollout to the next, a line a change; for pipes and logs.
enum RolloutChanges {
    /// Waits that the lines on stages and clusters tell already; each would be said again with every cluster.
    private static let saidOtherwise: Set<String> = ["soak", "health", "minHealthyTime", "concurrency"]

    /// - Parameter told: What was told last of each cluster. A pod that crashes again and again comes and goes as a reason; it is told
    ///   once, until something else is.
    static func lines(
        from before: RolloutView?, to after: RolloutView, told: inout [ClusterName: String]
    ) -> [String] {
        let old = before?.status
        var rollout: [String] = []
        if old?.phase != after.status.phase || old?.reason != after.status.reason {
            rollout.append("rollout \(after.metadata.name) \(after.status.phase)\(words(after.status.reason))")
        }
        let stages = stageLines(from: old, to: after.status)
        let targets = targetLines(from: old, to: after.status).compactMap { cluster, line -> String? in
            defer { told[cluster] = line }
            return told[cluster] == line ? nil : line
        }
        let waits = after.status.waitingFor.filter { !saidOtherwise.contains($0.what) }.map(\.why)
        let earlier = old?.waitingFor.map(\.why) ?? []
        let waitLines = waits.filter { !earlier.contains($0) }.map { "waits: \(flat($0))" }
        // What ends a rollout comes before its end.
        return after.status.isEnded
            ? targets + stages + rollout : rollout + stages + targets + waitLines
    }

    private static func stageLines(from old: RolloutView.Status?, to new: RolloutView.Status) -> [String] {
        new.stages.compactMap { stage in
            let earlier = old?.stages.first { $0.name == stage.name }
            guard earlier?.phase != stage.phase, old != nil || stage.phase != "waiting" else { return nil }
            let until = stage.phase == "soaking" ? stage.soakEndsAt.map { " until \($0)" } ?? "" : ""
            return "stage \(stage.name) \(stage.phase)\(until)\(words(stage.reason))"
        }
    }

    private static func targetLines(
        from old: RolloutView.Status?, to new: RolloutView.Status
    ) -> [(cluster: ClusterName, line: String)] {
        let earlier = Dictionary((old?.targets ?? []).map { ($0.cluster, $0) }) { first, _ in first }
        return new.targets.compactMap { target in
            let was = earlier[target.cluster]
            let isMoved = was?.phase != target.phase || was?.generation != target.generation
            let code = Self.code(of: target.reason)
            guard isMoved || (code != nil && code != Self.code(of: was?.reason)), old != nil || target.phase != "queued"
            else { return nil }
            let generation = target.generation.map { " generation \($0)" } ?? ""
            return (target.cluster, standing(target, generation))
        }
    }

    /// The clusters that are not as they should be, a line each, at most 20.
    static func troubled(_ status: RolloutView.Status) -> [String] {
        let targets = status.targets.filter {
            $0.reason != nil && !["healthy", "queued", "skipped", "removed"].contains($0.phase)
        }
        let lines = targets.prefix(20).map { standing($0) }
        return targets.count > 20 ? lines + ["and \(targets.count - 20) clusters more"] : lines
    }

    private static func standing(_ target: TargetView, _ generation: String = "") -> String {
        "cluster \(target.cluster) (\(target.region)) \(target.phase)\(target.release.map { " \($0)" } ?? "")\(generation)"
            + words(target.reason)
    }

    /// The short word that a reason begins with, such as `ImagePullBackOff`; nil where it is only words for people, which
    /// change with every pod that becomes ready.
    private static func code(of reason: String?) -> Substring? {
        guard let word = reason?.split(separator: ":", maxSplits: 1).first, word.first?.isUppercase == true,
            word.allSatisfy({ $0.isLetter && $0.isASCII })
        else { return nil }
        return word
    }

    private static func words(_ reason: String?) -> String { reason.map { ": \(flat($0))" } ?? "" }

    private static func flat(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }
}
