internal import SwellEngine
internal import SwellModel

// What was decided stands on what is, not on what was (invariants 6, 7 and 16).
extension InvariantChecker {
    /// Checks a decision against what it would be made from at the moment at which it is committed.
    func checkStands(_ input: DecisionInput, _ decision: Decision, present: DecisionInput) throws(Violation) {
        let read = Set(input.commands.map(\.id))
        let overlooked = present.commands.filter { !read.contains($0.id) }.map(\.command)
        for assignment in decision.assignments {
            guard let target = decision.rollout.targets[assignment.cluster], target.phase != .rollingBack else {
                continue
            }
            let regions = [target.region, present.snapshot.fleet[target.cluster]?.cluster.region ?? target.region]
            guard regions.allSatisfy({ present.snapshot.pausedRegions[$0] == nil }),
                present.snapshot.pausedClusters[target.cluster] == nil
            else {
                throw Violation(
                    invariant: 6, message: "\(target.cluster) is dispatched to, which was paused since that was thought"
                )
            }
            for command in overlooked { try checkOverlooked(command, target) }
        }
        guard input.rollout == present.rollout else {
            throw Violation(
                invariant: 16, message: "\(input.rollout.name) was changed since what is decided on it was read")
        }
    }

    private func checkOverlooked(_ command: RolloutCommand, _ target: TargetState) throws(Violation) {
        switch command {
        case .pause(.rollout, _), .pause(.region(target.region), _), .pause(.cluster(target.cluster), _):
            throw Violation(
                invariant: 6, message: "\(target.cluster) is dispatched to after a pause was acknowledged")
        case .abort, .rollback(.rollout, _, _), .supersede:
            throw Violation(
                invariant: 7, message: "\(target.cluster) is dispatched to after an order to stop was acknowledged")
        default: break
        }
    }
}
