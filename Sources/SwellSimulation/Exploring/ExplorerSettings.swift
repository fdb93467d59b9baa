internal import SwellModel

/// How much may happen on one path of an exploration. What is not counted here may happen at any moment, any number of times.
public struct ExplorerSettings: Sendable, Hashable {
    /// Orders of operators: pause and resume of the rollout, of a region and of a region for everybody, rollback, abort, retry.
    public var orders: Int
    /// How often the replica that decides stops for longer than its lease; it may come back and go on as if nothing had been.
    public var stalls: Int
    /// How often an agent sees a release failed or degraded.
    public var badLooks: Int
    /// How often a cluster goes silent; it may come back at any moment.
    public var silences: Int
    /// Messages of which a copy arrives late: at any later moment, so also doubled or overtaken.
    public var lateMessages: Int
    /// How often time goes by though something waits to happen: a decision that is due, a message under way, health to be seen.
    /// Without a delay such things happen before time goes by, in every order.
    public var delays: Int
    /// How often a replica thinks for a while between reading and committing. What may happen meanwhile multiplies everything, so none
    /// unless asked for.
    public var thoughts: Int
    /// What the policy does beyond the failure budget.
    public var onFailure: ExplorerFailureAction
    /// A mistake put in on purpose, to see that it is found.
    public var plantedBug: ExplorerBug?
    /// Where to give up, with the exploration declared incomplete.
    public var stateLimit: Int

    public init(
        orders: Int = 1, stalls: Int = 1, badLooks: Int = 1, silences: Int = 1, lateMessages: Int = 1,
        delays: Int = 1, thoughts: Int = 0,
        onFailure: ExplorerFailureAction = .rollback, plantedBug: ExplorerBug? = nil, stateLimit: Int = 20_000_000
    ) {
        self.orders = orders
        self.stalls = stalls
        self.badLooks = badLooks
        self.silences = silences
        self.lateMessages = lateMessages
        self.delays = delays
        self.thoughts = thoughts
        self.onFailure = onFailure
        self.plantedBug = plantedBug
        self.stateLimit = stateLimit
    }

    /// What bounds a path, for people.
    public var bounds: String {
        let counted: [(Int, String, String)] = [
            (orders, "order", "orders"), (stalls, "stalled replica", "stalled replicas"),
            (badLooks, "bad look", "bad looks"), (silences, "silence", "silences"),
            (lateMessages, "late message", "late messages"), (delays, "delay", "delays"),
            (thoughts, "slow thought", "slow thoughts"),
        ]
        return counted.map { "\($0.0) \($0.0 == 1 ? $0.1 : $0.2)" }.joined(separator: ", ")
    }
}

/// What the explored policy does beyond its failure budget, on the whole rollout.
public enum ExplorerFailureAction: String, Sendable, CaseIterable {
    case rollback, pause

    var policy: FailurePolicy {
        switch self {
        case .rollback: FailurePolicy(action: .rollback, scope: .rollout)
        case .pause: FailurePolicy(action: .pause, scope: .rollout)
        }
    }
}

/// Mistakes put between the explorer and what it drives: it must find each, by the shortest way.
public enum ExplorerBug: String, Sendable, CaseIterable {
    /// The soak is skipped (invariant 3).
    case skipsSoak
    /// The health of the previous release counts for this one (invariant 4).
    case takesOldEvidence
    /// Pauses are not looked at (invariant 6).
    case ignoresPauses
    /// What was thought is written though something was ordered since it was read (invariant 6).
    case commitsStale
    /// A replica writes though its lease is another's by now (invariant 9).
    case writesUnfenced
    /// An assignment that comes late is taken for a new one (invariant 10).
    case obeysLateAssignments

    /// The same mistake as the simulated world knows it, where it lies between store and engine.
    var distortion: PlantedBug? {
        switch self {
        case .skipsSoak: .skipsSoak
        case .takesOldEvidence: .takesOldEvidence
        case .ignoresPauses: .ignoresPauses
        case .commitsStale, .writesUnfenced, .obeysLateAssignments: nil
        }
    }
}
