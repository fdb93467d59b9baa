public import SwellEngine
public import SwellModel

// For an exploration that holds many states at once and tells them apart by what can still matter.
extension MemoryState {
    /// What a decision on the rollout under this epoch would be made from, were it made now; nil where there is no such rollout.
    public func decisionInput(of name: RolloutName, epoch: Int64) -> DecisionInput? {
        guard let stored = rollouts[name] else { return nil }
        return DecisionInput(
            rollout: stored.rollout, commands: (pendingCommands[name] ?? []).compactMap { commands[$0]?.record },
            reports: inbox[name] ?? [], snapshot: snapshot(of: stored.rollout), now: now, epoch: epoch,
            dueAt: stored.wakeAt)
    }

    /// Drops what no later transaction reads but those that tell of the past: audit rows, and commands that were answered.
    public mutating func dropHistory() {
        if !audit.isEmpty { audit = [] }
        if commands.contains(where: { $0.value.verdict != nil }) {
            commands = commands.filter { $0.value.verdict == nil }
        }
    }
}
