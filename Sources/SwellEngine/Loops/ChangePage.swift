public import SwellModel

/// Assignments as the store had them at one moment.
public struct ChangePage: Sendable, Hashable {
    /// In the order in which they were changed, where changes were asked for.
    public var assignments: [Assignment]
    /// Where to go on: beyond the last of `assignments` where there are more, at `counter` where there are not.
    public var cursor: Int64
    /// The store's change counter, read at the same moment as the assignments. It only rises, unless the store goes back to an
    /// earlier state.
    public var counter: Int64

    public init(assignments: [Assignment], cursor: Int64, counter: Int64) {
        self.assignments = assignments
        self.cursor = cursor
        self.counter = counter
    }
}

/// What to ask the store for.
public enum ChangeQuery: Sendable, Hashable {
    /// What was changed after this number, at most `limit`.
    case after(Int64, limit: Int)
    /// All that these clusters are assigned.
    case of([ClusterName])
}

/// A moment of the store's life, as one replica counts it.
public struct StoreMoment: Sendable, Hashable, Comparable {
    /// How often the replica saw the store go back to an earlier state.
    public var term: Int
    /// The change counter.
    public var counter: Int64

    public init(term: Int, counter: Int64) {
        self.term = term
        self.counter = counter
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.term, left.counter) < (right.term, right.counter)
    }
}

/// Assignments to hand to the sessions of their clusters, and the moment at which they were right.
public struct ChangeDelivery: Sendable, Hashable {
    public var moment: StoreMoment
    public var assignments: [Assignment]

    public init(moment: StoreMoment, assignments: [Assignment]) {
        self.moment = moment
        self.assignments = assignments
    }
}
