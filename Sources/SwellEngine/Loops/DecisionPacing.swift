public import SwellModel

/// When the rollouts that are due are decided: the first thing that happens to one at once, what follows it together.
///
/// Every report of a cluster makes its whole rollout due, and a decision costs much the same whether one report waits for it or a
/// thousand. So two decisions on one rollout begin at least ``spacing`` apart: what comes in between waits for no longer than that, an
/// order as well as a report. Bounded: what was begun longer ago is forgotten.
public struct DecisionPacing: Sendable {
    /// How far apart decisions on one rollout begin at least.
    public let spacing: Interval
    private var begun: [RolloutName: Tick] = [:]

    public init(spacing: Interval = .milliseconds(250)) { self.spacing = spacing }

    /// Takes out those of `due` that are to be decided now, in their order; the others are still due later.
    public mutating func begin(_ due: [RolloutName], now: Tick) -> [RolloutName] {
        begun = begun.filter { now - $0.value < spacing }
        let ready = due.filter { begun[$0] == nil }
        for rollout in ready { begun[rollout] = now }
        return ready
    }

    /// How long until the first of those that were held back may be decided, those beside the ones that begin now; nil where none was.
    public func wait(of due: [RolloutName], beside ready: [RolloutName], now: Tick) -> Interval? {
        Set(due).subtracting(ready).compactMap { begun[$0] }.map { max(.milliseconds(1), $0 + spacing - now) }.min()
    }
}
