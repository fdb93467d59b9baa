public import SwellModel

/// What a rollout holds for, where its decision was not committed since it broke an invariant.
public struct ReviewHold: Sendable, Hashable, Codable {
    public let breach: Breach
    public let at: Timestamp

    public init(breach: Breach, at: Timestamp) {
        self.breach = breach
        self.at = at
    }
}

extension DecisionMaker {
    /// One decision with its second opinion: what ships.
    public static func decideReviewed(_ input: DecisionInput) -> Decision {
        reviewed(decide(input), of: input)
    }

    /// The decision, or, where it breaks an invariant, one that changes nothing but says so.
    ///
    /// What was to be decided on stays: commands wait, reports wait, and the next decision tries again. So a mistake of this program
    /// costs a standstill with its name on it, and no cluster.
    public static func reviewed(_ decision: Decision, of input: DecisionInput) -> Decision {
        let breaches = DecisionReview(input).breaches(of: decision)
        guard let first = breaches.first else { return decision }
        var held = input.rollout
        if held.header.hold?.breach != first {
            held.header.hold = ReviewHold(breach: first, at: input.rollout.hold?.at ?? input.now)
        }
        return Decision(
            rollout: held,
            transitions: Transition.between(input.rollout, held, by: Transition.engine, at: input.now),
            wakeAt: input.now + pollInterval, breaches: breaches)
    }
}
