/// How a rollout proceeds: its stages, limits and what happens on failure.
public struct RolloutPolicy: Sendable, Hashable, Codable {
    public var name: PolicyName
    public var stages: [PolicyStage]
    /// In flight over the whole rollout at most; nil does not limit.
    public var maxConcurrent: Limit?
    /// How long a cluster must stay healthy before it counts.
    public var minHealthyTime: Interval
    /// How long a cluster may take from dispatch until healthy.
    public var progressDeadline: Interval
    /// How long an agent may be silent before its cluster counts as unreachable; at least ``leastUnreachableAfter``.
    public var unreachableAfter: Interval
    /// Up to how many clusters of a stage may be unreachable without holding it: they are left behind, take up no slot, and are brought
    /// level when they return. More than that hold the stage by name. Nil is 0: each one holds it. A percentage is of the stage's
    /// clusters as planned, rounded down.
    public var maxUnreachable: Limit?
    public var onFailure: FailurePolicy
    public var pausedRegion: PausedRegionRule
    /// What to make of custom resources of which their controller says nothing; nil is ``SilentControllerRule/wait``.
    public var silentControllers: SilentControllerRule?

    /// How often an agent is heard of at least, whatever else it has to say.
    public static let agentHeartbeat: Interval = .seconds(5)
    /// The least ``unreachableAfter``: three heartbeats, so that one late one is no silence.
    public static let leastUnreachableAfter: Interval = .seconds(15)

    public init(
        name: PolicyName, stages: [PolicyStage], maxConcurrent: Limit? = nil,
        minHealthyTime: Interval = .seconds(10), progressDeadline: Interval = .minutes(10),
        unreachableAfter: Interval = .seconds(60), maxUnreachable: Limit? = nil,
        onFailure: FailurePolicy = FailurePolicy(),
        pausedRegion: PausedRegionRule = .wait, silentControllers: SilentControllerRule? = nil
    ) {
        self.name = name
        self.stages = stages
        self.maxConcurrent = maxConcurrent
        self.minHealthyTime = minHealthyTime
        self.progressDeadline = progressDeadline
        self.unreachableAfter = unreachableAfter
        self.maxUnreachable = maxUnreachable
        self.onFailure = onFailure
        self.pausedRegion = pausedRegion
        self.silentControllers = silentControllers
    }
}

/// One step of a rollout. Its regions run side by side, each in a lane of its own.
public struct PolicyStage: Sendable, Hashable, Codable {
    public var name: StageName
    public var select: ClusterSelector
    /// In flight in each lane at most; a percentage is of the lane as snapshotted, rounded down, at least 1.
    public var maxConcurrent: Limit
    /// In flight over all lanes of the stage at most; nil does not limit.
    public var maxConcurrentInStage: Limit?
    /// How long every cluster of the stage must stay healthy before the next stage may start.
    public var soak: Interval
    /// How many clusters may fail before the rollout stops: one more is too many. A percentage is of the stage's clusters, rounded down.
    public var failureBudget: Limit
    public var approval: ApprovalRule

    public init(
        name: StageName, select: ClusterSelector, maxConcurrent: Limit = .percent(100),
        maxConcurrentInStage: Limit? = nil, soak: Interval = .zero, failureBudget: Limit = .count(0),
        approval: ApprovalRule = ApprovalRule()
    ) {
        self.name = name
        self.select = select
        self.maxConcurrent = maxConcurrent
        self.maxConcurrentInStage = maxConcurrentInStage
        self.soak = soak
        self.failureBudget = failureBudget
        self.approval = approval
    }
}

/// A number of clusters, or a percentage of some.
public enum Limit: Sendable, Hashable {
    case count(Int)
    case percent(Int)

    /// The number this means among `total`, rounded down, and at least `minimum`.
    public func resolved(of total: Int, atLeast minimum: Int) -> Int {
        switch self {
        case .count(let count): return max(minimum, count)
        case .percent(let percent): return max(minimum, total * percent / 100)
        }
    }
}

extension Limit: Codable, CustomStringConvertible {
    /// `3` or `50%`.
    public var description: String {
        switch self {
        case .count(let count): return String(count)
        case .percent(let percent): return "\(percent)%"
        }
    }

    /// Reads `3` or `50%`; percentages from 0 to 100.
    public init?(_ text: String) {
        if text.hasSuffix("%") {
            guard let value = Int(text.dropLast()), (0...100).contains(value) else { return nil }
            self = .percent(value)
        } else {
            guard let value = Int(text), value >= 0 else { return nil }
            self = .count(value)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let count = try? container.decode(Int.self), count >= 0 {
            self = .count(count)
        } else if let value = Limit(try container.decode(String.self)) {
            self = value
        } else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "write a number of clusters, or a percentage from 0% to 100%")
        }
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .count(let count): try container.encode(count)
        case .percent: try container.encode(description)
        }
    }
}

/// Whether a person must agree before a stage starts, or after its soak before it passes.
public struct ApprovalRule: Sendable, Hashable, Codable {
    public var before: Bool
    public var after: Bool

    public init(before: Bool = false, after: Bool = false) {
        self.before = before
        self.after = after
    }
}

/// What happens when the failures exceed a stage's budget, and how far it reaches.
public struct FailurePolicy: Sendable, Hashable, Codable {
    public enum Action: String, Sendable, Codable, CaseIterable { case rollback, pause, `continue` }
    public enum Scope: String, Sendable, Codable, CaseIterable { case cluster, region, stage, rollout }

    public var action: Action
    public var scope: Scope

    public init(action: Action = .rollback, scope: Scope = .rollout) {
        self.action = action
        self.scope = scope
    }
}

/// What a paused region means for the stage it is in: the stage waits for it, or goes on and leaves its clusters for later.
public enum PausedRegionRule: String, Sendable, Codable, CaseIterable { case wait, skip }

/// What it means that a custom resource, whose definition has a status, was given none: its controller is away, or slow, or never says
/// anything. No time tells these apart.
public enum SilentControllerRule: String, Sendable, Codable, CaseIterable {
    /// Its health is unknown: its cluster waits, by name, and no deadline runs once all else is healthy.
    case wait
    /// It counts as healthy, and the message names it.
    case accept
}
