internal import SwellEngine
internal import SwellModel

// What is not known stops clocks and proves nothing (invariant 23), and what one agent says moves its own cluster alone (invariant 22).
extension InvariantChecker {
    // MARK: Darkness

    /// Notes which targets nobody can see just now: their agents are silent, or do not see their clusters.
    mutating func noteDarkness(_ input: DecisionInput, _ after: Rollout) {
        decisions += 1
        for target in input.rollout.targets.values where target.generation != nil {
            guard isDark(target, input) else { continue }
            ledger.active[after.name]?.darkSince[target.cluster] = decisions
        }
    }

    func isDark(_ target: TargetState, _ input: DecisionInput) -> Bool {
        Self.isAway(target.cluster, input) || ledger.ingested.blind.contains(subject(of: target, input.rollout))
    }

    func subject(of target: TargetState, _ rollout: Rollout) -> IngestLog.Subject {
        IngestLog.Subject(
            place: ClusterApplication(target.cluster, rollout.application), generation: target.generation ?? 0)
    }

    /// What cannot be seen is not late, neither forward nor on the way back.
    func checkLateness(_ target: TargetState, _ former: TargetState, _ input: DecisionInput) throws(Violation) {
        let hasFailed = former.failedAt == nil && target.failedAt != nil
        let hasFailedBack = former.phase == .rollingBack && target.phase == .rollbackFailed
        guard hasFailed || hasFailedBack, ledger.ingested.givenUp[subject(of: former, input.rollout)] == nil else {
            return
        }
        // That what is silent is no failure has a number of its own (invariant 12).
        if ledger.ingested.blind.contains(subject(of: former, input.rollout))
            || hasFailedBack && Self.isAway(target.cluster, input)
        {
            throw Violation(
                invariant: 23, message: "\(target.cluster) became \(target.phase) by time, and nobody can see it")
        }
    }

    /// No soak is over in which one of its clusters could not be seen.
    func checkSight(_ members: [TargetState], _ stage: StageState, _ input: DecisionInput, _ name: RolloutName)
        throws(Violation)
    {
        for target in members {
            let active = ledger.active[name]
            let isDark =
                isDark(target, input)
                || active?.darkSince[target.cluster].map { $0 > active?.litSince[target.cluster] ?? 0 } ?? false
            guard !isDark else {
                throw Violation(
                    invariant: 23,
                    message: "stage \(stage.name) passed, and \(target.cluster) could not be seen while it soaked")
            }
        }
    }

    // MARK: Whose word it was

    /// A generation is above what is known of this very cluster, and no further.
    func checkReach(_ assignment: Assignment, known: Int64) throws(Violation) {
        let said = ledger.ingested.highestGeneration[ClusterApplication(assignment)] ?? 0
        // Forward and back within one decision take two numbers.
        guard assignment.generation <= max(known, said) + 2 else {
            throw Violation(
                invariant: 22,
                message: "\(assignment.cluster) is assigned generation \(assignment.generation), and nobody knows more "
                    + "than \(max(known, said)) of it")
        }
    }

    /// Whether an epoch is another cluster's, as its agent spoke of it.
    func isAnothers(_ epoch: Int64, _ place: ClusterApplication) -> Bool {
        ledger.ingested.highestEpoch.contains { other, said in other != place && said == epoch }
    }

    /// What a target's agent is said to have done, it has spoken of.
    func checkOwnWord(_ target: TargetState, _ former: TargetState, _ rollout: Rollout) throws(Violation) {
        guard target.generation == former.generation, target.phase != former.phase else { return }
        switch target.phase {
        case .applying, .verifying, .healthy, .rolledBack: break
        default: return
        }
        guard ledger.ingested.words[subject(of: target, rollout)] == nil else { return }
        throw Violation(
            invariant: 22, message: "\(target.cluster) counts as \(target.phase), and its agent never spoke of it")
    }
}
