internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Hands an operator's order to a rollout, and waits a moment for what becomes of it.
struct RolloutOrders: Sendable {
    let store: any Store
    let hooks: ConsoleHooks
    let verdictTimeout: Interval

    /// Stores the command, then waits for the decision that takes it in.
    ///
    /// - Returns: Whether it has taken effect already; otherwise it is stored and will.
    func submit(_ command: RolloutCommand, to name: RolloutName, by actor: String) async throws -> Bool {
        let record = try await store.submit(command, to: name, by: actor) {
            DecisionMaker.refusal(of: command, on: $0)
        }
        await hooks.rolloutsChanged([name])
        let deadline = ContinuousClock.now + verdictTimeout.duration
        while ContinuousClock.now < deadline {
            if let verdict = try await store.verdict(of: record.id) {
                if let refusal = verdict.refusal { throw Problem.refused(refusal) }
                return true
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    /// Tells every active rollout that something around it changed.
    func nudgeActive() async throws {
        let active = try await store.rolloutListing(of: nil, limit: 500).items.filter { !$0.phase.isEnded }.map(\.name)
        if !active.isEmpty { await hooks.rolloutsChanged(Set(active)) }
    }
}
