internal import SwellModel

/// A second opinion on every decision before it is committed, by code that did not make it.
///
/// It reads what is stored and what was decided, and calls nothing that decides: what `Rules/` or `Tally/` get wrong is not got wrong
/// here in the same way. Linear in the rollout. What it finds is not committed; the rollout holds with it as its blocker.
public struct DecisionReview: Sendable {
    /// At most this many breaches are named; one is enough to hold.
    public static let breachLimit = 16

    let input: DecisionInput
    var before: Rollout { input.rollout }
    /// The reports of this decision, by cluster.
    let reports: [ClusterName: [ReportRecord]]
    /// The commands that were obeyed, once the decision's verdicts are known.
    var obeyed: [RolloutCommand] = []
    private(set) var breaches: [Breach] = []

    public init(_ input: DecisionInput) {
        self.input = input
        reports = Dictionary(grouping: input.reports, by: \.cluster)
    }

    /// What a decision breaks; nothing in ordinary times.
    public func breaches(of decision: Decision) -> [Breach] {
        var review = self
        review.look(at: decision)
        return review.breaches
    }

    private mutating func look(at decision: Decision) {
        let refused = Set(decision.verdicts.lazy.filter { $0.refusal != nil }.map(\.command))
        obeyed = input.commands.filter { !refused.contains($0.id) }.map(\.command)
        let after = decision.rollout
        reviewAudit(decision)
        guard breaches.isEmpty else { return }
        reviewAssignments(decision)
        reviewCaps(after)
        reviewStages(after)
        reviewTargets(after)
    }

    mutating func note(_ invariant: Invariant, _ subject: String, seen: String, expected: String) {
        guard breaches.count < Self.breachLimit else { return }
        breaches.append(Breach(invariant, subject, seen: seen, expected: expected))
    }

    /// The rows give the state (invariant 16), and none is of another rollout.
    private mutating func reviewAudit(_ decision: Decision) {
        let after = decision.rollout
        guard after.name == before.name, after.stages.count == before.stages.count else {
            return note(.audit, "the rollout", seen: "it became \(after.name)", expected: "it is \(before.name)")
        }
        guard Transition.replay(onto: before, decision.transitions) == after else {
            return note(
                .audit, "the rollout", seen: "its \(decision.transitions.count) rows do not lead to its state",
                expected: "replaying them gives it")
        }
    }
}
