/// How much of a time limit is left, counting only time in which the server could be seen and this process ran. Pure: moments come
/// from outside.
///
/// A server that is silent says neither yes nor no, and a process that was stopped did not look: to fail what was awaited for such
/// time would be to judge it unseen.
struct SightedTime: Sendable {
    private let limit: Duration
    private var left: Duration
    private var last: ContinuousClock.Instant
    /// How long nothing was seen until now.
    private var dark: Duration = .zero

    /// The longest step in which the process may be taken to have run; steps are asked for every second at most.
    private static let longestStep: Duration = .seconds(4)
    /// The most that is left after a time without sight: watches may take as long to come back.
    private static let grace: Duration = .seconds(60)

    init(_ limit: Duration, from start: ContinuousClock.Instant) {
        self.limit = limit
        self.left = limit
        self.last = start
    }

    var isOver: Bool { left <= .zero }

    /// Counts the time since the last call.
    mutating func pass(to now: ContinuousClock.Instant, isInSight: Bool) {
        let step = last.duration(to: now)
        last = now
        guard isInSight, step <= Self.longestStep else {
            dark += step
            return
        }
        if dark > .zero {
            // As much as was not seen, up to a grace: what is there by now must have the time to show.
            left = max(left, min(dark, Self.grace, limit))
            dark = .zero
        }
        left -= step
    }
}
