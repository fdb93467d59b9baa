public import SwellModel

/// A piece of work on the cluster, named so that what is heard of an older one is told apart from it.
public struct AgentWork: Sendable, Hashable, Codable {
    public enum Kind: Sendable, Hashable, Codable {
        /// Bring the assigned release.
        case forward(ReleaseReference)
        /// Go back to this release, after the assigned one failed.
        case revert(ReleaseReference)
        /// Remove what releases of the application brought.
        case remove
    }

    public var application: ApplicationName
    /// The generation of the assignment that it serves.
    public var generation: Int64
    public var kind: Kind

    public init(application: ApplicationName, generation: Int64, kind: Kind) {
        self.application = application
        self.generation = generation
        self.kind = kind
    }

    /// Whether it goes back to a release, after another one failed.
    public var isReturn: Bool {
        if case .revert = kind { true } else { false }
    }

    /// The release to be applied; nil for a removal.
    public var release: ReleaseReference? {
        switch kind {
        case .forward(let release), .revert(let release): release
        case .remove: nil
        }
    }
}

/// Fixed rules of an agent, not of an assignment.
public struct AgentRules: Sendable, Hashable {
    /// How long the coordinator may be out of reach before `whenDisconnected` applies; covers its restarts.
    public var awayGrace: Interval
    /// The least time that a release under way is given after the agent's own restart, and the most that is added for it after the
    /// cluster was out of sight.
    public var restartGrace: Interval
    /// The wait after the first transient failure of a piece of work; it doubles with each further one.
    public var retryDelay: Interval
    /// The longest wait between retries.
    public var retryDelayLimit: Interval
    /// How many proven releases are remembered.
    public var provenLimit: Int
    /// How often the machine is woken at least while it waits for time to pass.
    public var heartbeatInterval: Interval
    /// How much too late it may be woken before it takes that it did not run.
    public var stallGrace: Interval
    /// How long it may take until a cluster that has fallen silent is known to be out of sight. No deadline is judged sooner after
    /// it than that.
    public var sightDelay: Interval
    /// The most applications that are remembered, those that were removed among them; an order for one more is refused, so that the
    /// journal can be read back.
    public var applications: Int

    public init(
        awayGrace: Interval = .seconds(60), restartGrace: Interval = .seconds(60),
        retryDelay: Interval = .seconds(5),
        retryDelayLimit: Interval = .minutes(3), provenLimit: Int = 5, heartbeatInterval: Interval = .seconds(5),
        stallGrace: Interval = .seconds(3), sightDelay: Interval = .seconds(10), applications: Int = 2_000
    ) {
        self.awayGrace = awayGrace
        self.restartGrace = restartGrace
        self.retryDelay = retryDelay
        self.retryDelayLimit = retryDelayLimit
        self.provenLimit = provenLimit
        self.heartbeatInterval = heartbeatInterval
        self.stallGrace = stallGrace
        self.sightDelay = sightDelay
        self.applications = applications
    }

    /// How long to wait after this many transient failures in a row.
    public func delay(afterFailures count: Int) -> Interval {
        let doublings = min(max(count - 1, 0), 16)
        return min(retryDelayLimit, Interval(milliseconds: retryDelay.milliseconds << Int64(doublings)))
    }
}
