public import SwellModel

/// What one agent is yet to be told of its assignments. Bounded by the cluster's applications.
///
/// Of each application only the latest assignment is kept: what was not sent when the next came is never sent. Which of two is the
/// later says the moment of the store at which each was read, never a number in it: after a failover that lost commits a lower
/// generation may be the right one. The agent then refuses it and says what it has seen, and is reassigned above that.
public struct SessionDelivery: Sendable {
    /// Some assignments to send together.
    public struct Batch: Sendable, Hashable {
        public var assignments: [Assignment]
        /// Whether this ends the first full list.
        public var endsResync: Bool

        public init(assignments: [Assignment], endsResync: Bool) {
            self.assignments = assignments
            self.endsResync = endsResync
        }
    }

    private enum Resync { case none, due, done }

    private struct Known {
        var moment: StoreMoment
        /// Tells an assignment from every other; the whole of it would be megabytes over all sessions.
        var fingerprint: Int
    }

    private var urgent: [ApplicationName: Assignment] = [:]
    private var forward: [ApplicationName: Assignment] = [:]
    private var known: [ApplicationName: Known] = [:]
    private var term = 0
    private var resync = Resync.none

    public init() {}

    /// Puts in what the store had at a moment. What is as it was put in before, or was read before that, is left out; returns the
    /// others.
    public mutating func put(_ delivery: ChangeDelivery) -> [Assignment] {
        // What was read before the store went back may never have been.
        guard delivery.moment.term >= term else { return [] }
        term = delivery.moment.term
        var taken: [Assignment] = []
        for assignment in delivery.assignments {
            let application = assignment.application
            let fingerprint = assignment.hashValue
            if let earlier = known[application] {
                guard delivery.moment >= earlier.moment else { continue }
                known[application]?.moment = delivery.moment
                guard earlier.fingerprint != fingerprint else { continue }
            }
            known[application] = Known(moment: delivery.moment, fingerprint: fingerprint)
            urgent[application] = assignment.isRollback ? assignment : nil
            forward[application] = assignment.isRollback ? nil : assignment
            taken.append(assignment)
        }
        return taken
    }

    /// The first full list is in: the batch that empties it says so.
    public mutating func completeResync() { if resync == .none { resync = .due } }

    /// Takes out what goes back, at most `limit`, in the order of names; nil where nothing does.
    public mutating func nextRollbacks(limit: Int) -> Batch? { take(from: \.urgent, limit: limit) }

    /// Takes out the rest, at most `limit`, in the order of names; nil where nothing is left to say. An empty batch ends a resync
    /// that had nothing to send.
    public mutating func nextForward(limit: Int) -> Batch? {
        if let batch = take(from: \.forward, limit: limit) { return batch }
        guard resync == .due, urgent.isEmpty else { return nil }
        resync = .done
        return Batch(assignments: [], endsResync: true)
    }

    private mutating func take(
        from lane: WritableKeyPath<SessionDelivery, [ApplicationName: Assignment]>, limit: Int
    ) -> Batch? {
        guard !self[keyPath: lane].isEmpty else { return nil }
        let batch = self[keyPath: lane].values.sorted { $0.application < $1.application }.prefix(limit)
        for assignment in batch { self[keyPath: lane][assignment.application] = nil }
        let isComplete = resync == .due && urgent.isEmpty && forward.isEmpty
        if isComplete { resync = .done }
        return Batch(assignments: Array(batch), endsResync: isComplete)
    }
}

extension Assignment {
    /// Whether it takes something back. Rollbacks have no fallback of their own; a first release has none either, and
    /// loses nothing by going early.
    var isRollback: Bool { goal == .remove || fallback == nil || fallback?.digest == digest }
}
