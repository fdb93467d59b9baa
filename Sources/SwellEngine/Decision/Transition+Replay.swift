public import SwellModel

extension Transition {
    /// Who is named where no person ordered it.
    public static let engine = "swell"

    /// Every change between two states of one rollout, one row a subject (invariant 16). Rollout first, then stages, then targets
    /// by name: the order in which people read them.
    ///
    /// - Parameter verb: what a person did to the stage or target that an order was for.
    public static func between(
        _ before: Rollout, _ after: Rollout, by: String, at: Timestamp, verb: String? = nil
    ) -> [Transition] {
        var rows: [Transition] = []
        func note(_ subject: Subject, from: String?, to: String, reason: String?, _ value: Value) {
            rows.append(
                Transition(
                    rollout: after.name, subject: subject, from: from, to: to, reason: reason, by: by, at: at,
                    value: value, verb: subject == .rollout ? nil : verb))
        }
        if before.header != after.header {
            note(
                .rollout, from: before.phase.rawValue, to: after.phase.rawValue, reason: after.reason,
                .header(after.header))
        }
        for (index, stage) in after.stages.enumerated() where before.stages[index] != stage {
            note(
                .stage(index: index, name: stage.name), from: before.stages[index].phase.rawValue,
                to: stage.phase.rawValue, reason: stage.reason, .stage(stage))
        }
        let changed = after.targets.values.filter { before.targets[$0.cluster] != $0 }
        for target in changed.sorted(by: { $0.cluster < $1.cluster }) {
            note(
                .target(target.cluster), from: before.targets[target.cluster]?.phase.rawValue,
                to: target.phase.rawValue, reason: target.reason, .target(target))
        }
        return rows
    }

    /// The state that these rows lead to, from the rollout as it was planned (invariant 16).
    public static func replay(onto planned: Rollout, _ transitions: [Transition]) -> Rollout {
        var rollout = planned
        for transition in transitions where transition.rollout == planned.name {
            switch transition.value {
            case .header(let header):
                rollout.header = header
            case .stage(let stage):
                guard case .stage(let index, _) = transition.subject, rollout.stages.indices.contains(index) else {
                    continue
                }
                rollout.stages[index] = stage
            case .target(let target):
                rollout.targets[target.cluster] = target
            }
        }
        return rollout
    }
}

extension RolloutCommand {
    /// What the audit log calls an order to one stage or cluster, beyond the phases that it leads to.
    var verb: String? {
        switch self {
        case .approve: "approved"
        case .withdraw: "withdrawn"
        case .promote: "promoted"
        case .skip: "left-out"
        case .leaveBehind: "left-behind"
        case .pause, .resume, .abort, .retry, .rollback, .supersede: nil
        }
    }
}
