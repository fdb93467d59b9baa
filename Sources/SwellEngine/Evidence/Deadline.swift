public import SwellModel

/// When what is under way must be done. It runs only while the cluster can be judged: it stops for pauses and for silence, and what
/// stops it never makes it pass (invariants 12 and 23).
public enum Deadline: Sendable, Hashable {
    case running(until: Timestamp)
    /// Stopped, with so much left.
    case stopped(left: Interval)
    /// Nothing is under way that could be late.
    case met

    public var until: Timestamp? { if case .running(let until) = self { until } else { nil } }
    public var isStopped: Bool { if case .stopped = self { true } else { false } }

    public mutating func stop(at now: Timestamp) {
        if case .running(let until) = self { self = .stopped(left: max(.zero, until - now)) }
    }

    /// Goes on with what was left.
    public mutating func resume(at now: Timestamp) {
        if case .stopped(let left) = self { self = .running(until: now + left) }
    }

    /// Leaves out a time in which nobody could judge.
    public mutating func postpone(by interval: Interval) {
        if case .running(let until) = self { self = .running(until: until + interval) }
    }
}
