internal import SwellModel

/// A clock that may be off by a jump, and may run too fast or too slow.
struct PlayedClock {
    private var offset = Interval.zero
    /// How much too fast it runs, in millionths.
    private var drift: Int64 = 0
    /// The true time since which it drifts.
    private var base: Timestamp

    init(at truth: Timestamp) { self.base = truth }

    /// What it shows at a true time.
    func reading(at truth: Timestamp) -> Timestamp {
        drift == 0
            ? truth + offset
            : truth + offset + Interval(milliseconds: (truth - base).milliseconds * drift / 1_000_000)
    }

    mutating func jump(by interval: Interval) { offset = offset + interval }

    /// Runs too fast by this many millionths from now on.
    mutating func drift(by millionths: Int64, at truth: Timestamp) {
        offset = reading(at: truth) - truth
        base = truth
        drift = millionths
    }

    /// Shows the true time again, and keeps it.
    mutating func setRight() {
        offset = .zero
        drift = 0
    }
}
