public import SwellModel

/// A rollout that may have something to decide, and how little that can wait.
public struct DueRollout: Sendable, Hashable {
    /// What made it due, the most urgent first.
    public enum Urgency: Int, Sendable, Hashable, Comparable, CaseIterable {
        /// An operator's command, or a rollout that waits for its first decision.
        case order
        /// Anything about one that goes back, or that takes another's release back.
        case rollback
        /// A report of one of its clusters, or a change of the fleet.
        case report
        /// A moment that it waits for.
        case poll

        /// Whether reports and polls stand back for it.
        public var isUrgent: Bool { self <= .rollback }

        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    public var name: RolloutName
    public var urgency: Urgency

    public init(_ name: RolloutName, _ urgency: Urgency) {
        self.name = name
        self.urgency = urgency
    }
}
