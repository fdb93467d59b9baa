internal import SwellModel

/// What changed from one look at a rollout to the next, a line a change; for pipes and logs.
enum RolloutChanges {
    static func lines(from before: RolloutView?, to after: RolloutView) -> [String] {
        var lines: [String] = []
        let name = after.metadata.name
        let old = before?.status
        if old?.phase != after.status.phase || old?.reason != after.status.reason {
            lines.append("rollout \(name) \(after.status.phase)\(told(after.status.reason))")
        }
        for stage in after.status.stages {
            let earlier = old?.stages.first { $0.name == stage.name }
            guard earlier?.phase != stage.phase, before != nil || stage.phase != "waiting" else { continue }
            let until = stage.phase == "soaking" ? stage.soakEndsAt.map { " until \($0)" } ?? "" : ""
            lines.append("stage \(stage.name) \(stage.phase)\(until)\(told(stage.reason))")
        }
        let earlier = Dictionary((old?.targets ?? []).map { ($0.cluster, $0) }) { first, _ in first }
        for target in after.status.targets {
            let was = earlier[target.cluster]
            guard was?.phase != target.phase || was?.generation != target.generation,
                before != nil || target.phase != "queued"
            else { continue }
            let release = target.release.map { " \($0)" } ?? ""
            let generation = target.generation.map { " generation \($0)" } ?? ""
            lines.append(
                "cluster \(target.cluster) (\(target.region)) \(target.phase)\(release)\(generation)\(told(target.reason))"
            )
        }
        let waits = after.status.waitingFor.map(\.why)
        for why in waits where !(old?.waitingFor.map(\.why) ?? []).contains(why) { lines.append("waits: \(flat(why))") }
        return lines
    }

    private static func told(_ reason: String?) -> String { reason.map { ": \(flat($0))" } ?? "" }

    private static func flat(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }
}
