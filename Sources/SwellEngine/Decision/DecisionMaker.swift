public import SwellModel

/// What follows from a rollout, what happened, and the moment: pure, so that it can be replayed, forecast and simulated.
///
/// The order within one decision: commands first, each as stored, since a pause or abort that is committed binds every later
/// dispatch (invariants 6 and 7); then reports in the order received (invariant 4); then the settling, in which time, membership,
/// stages, failures and dispatches follow from the state until nothing moves.
public enum DecisionMaker {
    /// How long a rollout sleeps at most when only the world outside can move it: fleet-wide pauses, joiners, agents that return.
    public static let pollInterval: Interval = .seconds(5)
    /// How late a decision may be before the time in between counts as one in which nobody looked.
    public static let overdueAfter: Interval = .seconds(10)

    /// For how long nobody decided: none was made, or all were held; nil where that is no longer than a decision may be late.
    private static func lostTime(before input: DecisionInput) -> Interval? {
        let moments = [input.dueAt, input.rollout.hold?.at].compactMap { $0 }
        guard let earliest = moments.min(), input.now - earliest > overdueAfter else { return nil }
        return input.now - earliest
    }

    /// One decision.
    public static func decide(_ input: DecisionInput) -> Decision {
        var state = DecisionState(input)
        var transitions: [Transition] = []
        var verdicts: [CommandVerdict] = []

        for record in input.commands {
            let before = state.rollout
            let refusal = refusal(of: record.command, on: before, in: state.snapshot)
            if refusal == nil { state.obey(record) }
            verdicts.append(CommandVerdict(command: record.id, refusal: refusal))
            transitions += Transition.between(
                before, state.rollout, by: record.by, at: input.now, verb: record.command.verb)
        }

        let before = state.rollout
        if !before.phase.isEnded {
            state.updateHeader { $0.hold = nil }
            if let lost = lostTime(before: input) { state.leaveOut(lost) }
            state.followClock(input.reports)
            for record in input.reports { state.take(record) }
            state.settle()
        }
        if state.rollout.phase.isEnded { state.endPauses(isEndOfIt: !input.rollout.phase.isEnded) }
        transitions += Transition.between(before, state.rollout, by: Transition.engine, at: input.now)
        return Decision(
            rollout: state.rollout, transitions: transitions,
            assignments: state.assignments.values.sorted { $0.cluster < $1.cluster },
            pauses: state.pauses.values.sorted { $0.cluster < $1.cluster }, proven: state.proven, verdicts: verdicts,
            wakeAt: state.wakeAt)
    }
}
