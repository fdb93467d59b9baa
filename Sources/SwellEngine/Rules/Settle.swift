// From the state and the moment to what follows, until nothing moves.
extension DecisionState {
    /// Applies the rules in their order until a round changes nothing.
    ///
    /// Bounded: a round that changes something moves at least one stage or target on, none of them moves back by time alone, and
    /// each stage can at most open, soak and pass within one moment.
    mutating func settle() {
        let limit = 4 * rollout.stages.count + 8
        for round in 0..<limit {
            guard !rollout.phase.isEnded else { return }
            let before = changes
            deriveRolloutPhase()
            applyMembership()
            applyTime()
            respondToFailures()
            advanceStages()
            respondToFailures()
            deriveRolloutPhase()
            dispatch()
            endIfDone()
            if changes == before { return }
            assert(round < limit - 1, "a decision on \(rollout.name) does not settle")
        }
    }
}
