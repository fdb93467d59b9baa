internal import SwellEngine
internal import SwellModel

/// What the store holds every decision to before it commits, whoever made it: the same for each form of the store.
enum DecisionRules {
    /// Refuses a decision that would break an invariant. `claims` are the clusters that the rollout holds, including those it gains.
    static func check(_ decision: Decision, of input: DecisionInput, holding claims: Set<ClusterName>)
        throws(StoreError)
    {
        let name = input.rollout.name
        guard decision.rollout.name == name, decision.rollout.application == input.rollout.application else {
            throw broken(name, "it returned rollout \(decision.rollout.name)")
        }
        try checkVerdicts(decision, of: input)
        try checkAssignments(decision, of: input, holding: claims)
        if let foreign = decision.pauses.first(where: {
            decision.rollout.targets[$0.cluster]?.generation != $0.generation
        }) {
            throw broken(name, "it tells \(foreign.cluster) of a pause under a generation that is not the target's")
        }
        if let foreign = decision.transitions.first(where: { $0.rollout != name }) {
            throw broken(name, "a transition names rollout \(foreign.rollout)")
        }
        if let foreign = decision.proven.first(where: {
            $0.application != input.rollout.application || decision.rollout.targets[$0.cluster] == nil
        }) {
            throw broken(name, "it proves a release on \(foreign.cluster), which is no target")
        }
    }

    /// The clusters whose claim an active rollout needs beyond those it holds: joiners, who is back in the fleet, all of one that starts or
    /// becomes active again, and what it turns to of those that were left out when it started. What another rollout took over by superseding is not among them.
    static func gains(of decision: Decision, from before: Rollout, holding: Set<ClusterName>) -> Set<ClusterName> {
        let after = decision.rollout
        guard !after.phase.isEnded, !after.awaitsStart else { return [] }
        let gained = after.targets.values.filter { target in
            guard !before.phase.isEnded, let was = before.targets[target.cluster] else { return true }
            if target.phase == .skipped { return false }
            // Who was away at a later start, or left out before it, was not claimed then, and takes part after all.
            return before.awaitsStart || was.phase == .skipped
        }.map(\.cluster)
        let turned = after.startsAt == nil ? [] : decision.assignments.map(\.cluster)
        return Set(gained + turned).subtracting(holding)
    }

    /// Whether there is room under the fleet's limit for what a decision puts in flight: as much as it was made with, or enough.
    static func fits(_ decision: Decision, on input: DecisionInput, headroom: Int?) -> Bool {
        guard let headroom, headroom < input.snapshot.fleetHeadroom ?? .max else { return true }
        return inFlight(decision.rollout) - inFlight(input.rollout) <= headroom
    }

    private static func inFlight(_ rollout: Rollout) -> Int { rollout.targets.values.count(where: \.isInFlight) }

    /// Whether a new rollout claims its clusters when it is stored; see ``SwellEngine/Rollout/awaitsStart``.
    static func claimsAtOnce(_ rollout: Rollout, superseding: [RolloutName]) -> Bool {
        !rollout.phase.isEnded && (!rollout.awaitsStart || !superseding.isEmpty)
    }

    private static func checkVerdicts(_ decision: Decision, of input: DecisionInput) throws(StoreError) {
        // One that is held answers nothing: what was asked waits.
        let asked = decision.isHeld ? [] : Set(input.commands.map(\.id))
        let answered = Set(decision.verdicts.map(\.command))
        guard asked == answered, decision.verdicts.count == answered.count else {
            throw broken(
                input.rollout.name,
                "it answers the commands \(answered.sorted()) where \(asked.sorted()) were asked")
        }
    }

    private static func checkAssignments(
        _ decision: Decision, of input: DecisionInput, holding claims: Set<ClusterName>
    ) throws(StoreError) {
        let name = input.rollout.name
        var seen: Set<ClusterName> = []
        for assignment in decision.assignments {
            let cluster = assignment.cluster
            guard assignment.rollout == name, assignment.application == input.rollout.application,
                decision.rollout.targets[cluster] != nil, seen.insert(cluster).inserted
            else { throw broken(name, "its assignment of \(cluster) is not one of its targets', or is there twice") }
            guard assignment.epoch >= input.epoch else {
                throw broken(
                    name, "its assignment of \(cluster) carries epoch \(assignment.epoch), below \(input.epoch)")
            }
            guard claims.contains(cluster) else {
                throw StoreError(
                    code: .conflict, message: "rollout \(name) does not hold \(cluster), so it cannot assign to it")
            }
            let highest = input.snapshot.fleet[cluster]?.highestGeneration ?? 0
            guard assignment.generation > highest else {
                throw broken(
                    name,
                    "its assignment of \(cluster) has generation \(assignment.generation), which is not above \(highest)"
                )
            }
        }
    }

    private static func broken(_ rollout: RolloutName, _ what: String) -> StoreError {
        StoreError(code: .internalError, message: "a decision on rollout \(rollout) breaks its rules: \(what)")
    }
}
