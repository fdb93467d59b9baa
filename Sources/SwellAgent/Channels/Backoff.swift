/// Full jitter: each wait is drawn evenly from nothing up to a ceiling that doubles with every failure.
package struct Backoff: Sendable {
    var base: Duration
    var ceiling: Duration
    private(set) var failures = 0

    package init(base: Duration = .milliseconds(200), ceiling: Duration = .seconds(30)) {
        self.base = base
        self.ceiling = ceiling
    }

    /// The wait after one more failure; `chance` is in 0 ..< 1.
    package mutating func next(chance: Double) -> Duration {
        let limit = min(ceiling, base * (1 << min(failures, 20)))
        failures += 1
        return limit * min(1, max(0, chance))
    }

    package mutating func reset() { failures = 0 }
}
