/// The bounds of a pool.
public struct PostgresPoolSettings: Sendable, Equatable {
    /// How many connections are kept open even when nobody needs them. Default 1.
    public var minimum: Int
    /// How many connections there are at most. Default 10.
    public var maximum: Int
    /// How many callers may wait; one more is refused at once. Default 1024.
    public var maximumWaiting: Int = 1024
    /// How long a caller waits for a connection. Default 10 s.
    public var waitTimeout: Duration = .seconds(10)
    /// After which time unused a connection above the minimum is closed. Default 5 min.
    public var idleTimeout: Duration = .seconds(300)
    /// After which time unused a connection is asked whether it still answers. Default 30 s.
    public var probeAfter: Duration = .seconds(30)
    /// How often idle connections are looked at. Default 5 s.
    public var tickInterval: Duration = .seconds(5)
    /// At which age a connection is replaced once it is free. Default 1 h.
    public var maximumLifetime: Duration = .seconds(3600)
    /// The delay after the first failure to open a connection; it doubles with each. Default 50 ms.
    public var reconnectDelay: Duration = .milliseconds(50)
    /// The longest such delay. Default 5 s.
    public var maximumReconnectDelay: Duration = .seconds(5)

    public init(minimum: Int = 1, maximum: Int = 10) {
        self.minimum = minimum
        self.maximum = maximum
    }

    /// Refuses bounds that cannot work.
    func validate() throws {
        func require(_ holds: Bool, _ message: String) throws {
            if !holds { throw PostgresError(.invalidConfiguration, message) }
        }
        try require(maximum >= 1, "the pool's maximum must be at least 1, not \(maximum)")
        try require(
            minimum >= 0 && minimum <= maximum,
            "the pool's minimum must be between 0 and the maximum \(maximum), not \(minimum)")
        try require(maximumWaiting >= 1, "the pool must let at least 1 caller wait, not \(maximumWaiting)")
        try require(tickInterval > .zero, "the pool's tick interval must be above zero, not \(tickInterval)")
        try require(reconnectDelay > .zero, "the pool's reconnect delay must be above zero, not \(reconnectDelay)")
    }
}

/// What a pool holds at a moment.
public struct PostgresPoolStatus: Sendable, Equatable {
    /// Connections that are open and free.
    public var idle: Int
    /// Connections that somebody uses.
    public var lent: Int
    /// Connections that are being opened, or wait to be tried again.
    public var opening: Int
    /// Connections that are being closed.
    public var closing: Int
    /// Callers that wait.
    public var waiting: Int
    /// The most connections there can be.
    public var maximum: Int
}
