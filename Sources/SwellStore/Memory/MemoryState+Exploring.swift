public import SwellEngine
public import SwellModel

// For an exploration that holds many states at once and tells them apart by what can still matter.
extension MemoryState {
    /// What a decision on the rollout under this epoch would be made from, were it made now; nil where there is no such rollout.
    public func decisionInput(of name: RolloutName, epoch: Int64) -> DecisionInput? {
        guard let stored = rollouts[name] else { return nil }
        let reports = reports(of: stored.rollout)
        let waiting = inbox[name] ?? []
        let unread =
            waiting.count > reports.count
            ? Set(waiting.map(\.id)).subtracting(reports.map(\.id)) : []
        return DecisionInput(
            rollout: stored.rollout, commands: (pendingCommands[name] ?? []).compactMap { commands[$0]?.record },
            reports: reports, unread: Set(waiting.lazy.filter { unread.contains($0.id) }.map(\.cluster)),
            snapshot: snapshot(around: stored.rollout), now: now, epoch: epoch,
            dueAt: stored.wakeAt)
    }

    /// The reports that the next decision reads: of each cluster the earliest first.
    private func reports(of rollout: Rollout) -> [ReportRecord] {
        let waiting = inbox[rollout.name] ?? []
        let limit = Bounds.reportsOfDecision(targets: rollout.targets.count)
        guard waiting.count > limit else { return waiting }
        var places: [ClusterName: Int] = [:]
        let placed = waiting.map { report in
            places[report.cluster, default: 0] += 1
            return (place: places[report.cluster, default: 0], report: report)
        }
        return placed.sorted { ($0.place, $0.report.id) < ($1.place, $1.report.id) }.prefix(limit).map(\.report)
            .sorted { $0.id < $1.id }
    }

    /// Drops what no later transaction reads but those that tell of the past: audit rows, and commands that were answered.
    public mutating func dropHistory() {
        if !audit.isEmpty { audit = [] }
        if commands.contains(where: { $0.value.verdict != nil }) {
            commands = commands.filter { $0.value.verdict == nil }
        }
    }
}
