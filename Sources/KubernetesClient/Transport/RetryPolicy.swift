/// How often and how late a request is tried again. Pure: chance comes from outside.
public struct RetryPolicy: Sendable, Hashable {
    /// How often a request is sent at most, the first time included.
    public var maximumAttempts: Int
    /// The delay before the first retry; it doubles from there.
    public var base: Duration
    /// The longest delay, the server's own assignment included.
    public var ceiling: Duration

    /// Creates a policy. The defaults are what Kubernetes' controllers keep to: 5 s doubling to 3 min.
    public init(maximumAttempts: Int = 5, base: Duration = .seconds(5), ceiling: Duration = .seconds(180)) {
        self.maximumAttempts = max(1, maximumAttempts)
        self.base = base
        self.ceiling = ceiling
    }

    /// Never try again.
    public static let none = RetryPolicy(maximumAttempts: 1)

    /// The delay after a failed attempt, between half and all of the doubled base; what the server asked for wins.
    ///
    /// - Parameters:
    ///   - attempt: How many attempts have failed, from 1.
    ///   - retryAfter: What the server asked for.
    ///   - chance: A random number in 0 ..< 1.
    public func delay(afterAttempt attempt: Int, retryAfter: Duration?, chance: Double) -> Duration {
        let doubled = base * (1 << min(max(attempt - 1, 0), 20))
        let capped = min(doubled, ceiling)
        let jittered = capped * (0.5 + 0.5 * min(max(chance, 0), 1))
        guard let retryAfter else { return jittered }
        // Spread over a quarter more than asked, so that not all clients come back in one instant.
        return min(retryAfter + retryAfter * (0.25 * min(max(chance, 0), 1)), ceiling)
    }
}
