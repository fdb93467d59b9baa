internal import SwellEngine
internal import SwellModel

// What operators ordered, and that it is obeyed once (invariants 7 and 10).
extension InvariantChecker {
    mutating func checkVerdicts(_ input: DecisionInput, _ decision: Decision) throws(Violation) {
        for verdict in decision.verdicts {
            guard ledger.consumed.insert(verdict.command).inserted else {
                throw Violation(invariant: 10, message: "command \(verdict.command) was consumed twice")
            }
            guard verdict.refusal == nil, let record = input.commands.first(where: { $0.id == verdict.command }) else {
                continue
            }
            obeyed(record.command, input.rollout)
        }
        // Who stopped or takes back goes on with nothing (invariant 7).
        let after = decision.rollout
        if let order = ledger.active[after.name]?.stoppedBy, !after.phase.isEnded, after.phase != .rollingBack {
            throw Violation(invariant: 7, message: "\(after.name) is \(after.phase) after \(order)")
        }
    }

    private mutating func obeyed(_ command: RolloutCommand, _ before: Rollout) {
        let name = before.name
        switch command {
        case .abort: ledger.active[name]?.stoppedBy = "its abort"
        case .rollback(let scope, _, let remove):
            if scope == .rollout { ledger.active[name]?.stoppedBy = "its rollback" }
            if remove == true { ledger.active[name]?.removed.append(scope) }
            ledger.active[name]?.takenBack.append(scope)
            ledger.active[name]?.retried.subtract(
                before.targets.values.filter { Self.covers(scope, $0, of: before) }.map(\.cluster))
        case .retry(let clusters):
            let failed = before.targets.values.filter { $0.failedAt != nil || $0.phase == .rollbackFailed }
            let named = clusters.isEmpty ? failed.map(\.cluster) : clusters
            ledger.active[name]?.retried.formUnion(named)
            ledger.active[name]?.forgiven.formUnion(named)
        case .skip(let cluster, _): ledger.active[name]?.forgiven.insert(cluster)
        case .leaveBehind(let cluster, _): ledger.active[name]?.leftBehind.insert(cluster)
        case .approve(let stage, _, _, _), .promote(let stage, _, _, _):
            ledger.active[name]?.agreedAt[stage] = ledger.ingested.count
        case .pause, .resume, .withdraw, .supersede: break
        }
    }

    /// Whether an order to take back covers a target.
    static func covers(_ scope: RollbackScope, _ target: TargetState, of rollout: Rollout) -> Bool {
        switch scope {
        case .rollout: true
        case .stage(let name): rollout.policy.stages[target.stage].name == name
        case .region(let name): target.region == name
        case .cluster(let name): target.cluster == name
        }
    }

    /// Whether a target was ordered to be taken back, and not retried since.
    func isTakenBack(_ target: TargetState, of rollout: Rollout) -> Bool {
        guard let active = ledger.active[rollout.name], !active.retried.contains(target.cluster) else { return false }
        return active.takenBack.contains { Self.covers($0, target, of: rollout) }
    }
}
