public import SwellModel

/// A reading of a clock that never goes back, in milliseconds since a moment that only its process knows.
///
/// Another type than `Timestamp`, so that nothing which has to do with silence can be judged on a wall clock: a step of that clock
/// would end every session at once. Good for differences only; two processes' readings have nothing to do with each other.
public struct Tick: Hashable, Sendable, Comparable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
    public static func + (left: Self, right: Interval) -> Self {
        Self(milliseconds: left.milliseconds + right.milliseconds)
    }
    public static func - (left: Self, right: Interval) -> Self {
        Self(milliseconds: left.milliseconds - right.milliseconds)
    }
    /// The time from `right` to `left`, negative when `left` is earlier.
    public static func - (left: Self, right: Self) -> Interval {
        Interval(milliseconds: left.milliseconds - right.milliseconds)
    }
}
