public import SwellModel

/// All that goes into one decision, read at one moment.
public struct DecisionInput: Sendable {
    public var rollout: Rollout
    /// Unconsumed commands in the order they were stored.
    public var commands: [CommandRecord]
    /// Unconsumed reports on the rollout's targets in the order they were received.
    public var reports: [ReportRecord]
    /// The clusters of which more reports wait than are read here. What was said last of them is not known yet, so time judges nothing
    /// about them, and their stages do not pass; the next decision, which is due at once, reads on.
    public var unread: Set<ClusterName>
    public var snapshot: FleetSnapshot
    /// The database's clock.
    public var now: Timestamp
    /// The epoch of the lease under which the decision will commit.
    public var epoch: Int64
    /// When the decision was due as the last one asked to be woken; nil where none was made yet. Much later than that, nobody looked for a
    /// while, and that time counts against nobody.
    public var dueAt: Timestamp?

    public init(
        rollout: Rollout, commands: [CommandRecord] = [], reports: [ReportRecord] = [], unread: Set<ClusterName> = [],
        snapshot: FleetSnapshot, now: Timestamp, epoch: Int64, dueAt: Timestamp? = nil
    ) {
        self.rollout = rollout
        self.commands = commands
        self.reports = reports
        self.unread = unread
        self.snapshot = snapshot
        self.now = now
        self.epoch = epoch
        self.dueAt = dueAt
    }
}

/// All that comes out of one decision, committed in one transaction if what went in still stands; acted upon only after it.
public struct Decision: Sendable, Hashable {
    public var rollout: Rollout
    /// One per subject (rollout, stage, target) whose value changed; replaying them onto the planned rollout gives `rollout`.
    public var transitions: [Transition]
    /// New assignments for agents, each with a generation above any known for its cluster and application.
    public var assignments: [Assignment]
    /// Assignments that stand, and whose agents are told that a pause has begun or ended.
    public var pauses: [PauseNotice]
    /// Targets that became healthy and so prove a release on their cluster.
    public var proven: [ProvenRelease]
    /// What became of each command: nil in `refusal` where it took effect.
    public var verdicts: [CommandVerdict]
    /// When to decide again even if nothing is heard; nil when the rollout has ended.
    public var wakeAt: Timestamp?
    /// What the decision that was made would have broken: then this one changes nothing, answers nothing, and is no use of what was
    /// read. Empty in ordinary times.
    public var breaches: [Breach]

    /// Whether it stands in the place of one that would have broken an invariant.
    public var isHeld: Bool { !breaches.isEmpty }

    public init(
        rollout: Rollout, transitions: [Transition] = [], assignments: [Assignment] = [], pauses: [PauseNotice] = [],
        proven: [ProvenRelease] = [], verdicts: [CommandVerdict] = [], wakeAt: Timestamp? = nil, breaches: [Breach] = []
    ) {
        self.rollout = rollout
        self.transitions = transitions
        self.assignments = assignments
        self.pauses = pauses
        self.proven = proven
        self.verdicts = verdicts
        self.wakeAt = wakeAt
        self.breaches = breaches
    }
}

/// That a pause covers a cluster from now on, or no longer: its agent's progress deadline rests with the coordinator's (invariant 12).
/// Of the assignment nothing else changes; where it was overtaken, nothing does.
public struct PauseNotice: Sendable, Hashable, Codable {
    public var cluster: ClusterName
    public var generation: Int64
    public var isPaused: Bool

    public init(cluster: ClusterName, generation: Int64, isPaused: Bool) {
        self.cluster = cluster
        self.generation = generation
        self.isPaused = isPaused
    }
}

/// A release proven healthy on a cluster.
public struct ProvenRelease: Sendable, Hashable, Codable {
    public var cluster: ClusterName
    public var application: ApplicationName
    public var release: ReleaseReference
    public var generation: Int64
    public var at: Timestamp

    public init(
        cluster: ClusterName, application: ApplicationName, release: ReleaseReference, generation: Int64, at: Timestamp
    ) {
        self.cluster = cluster
        self.application = application
        self.release = release
        self.generation = generation
        self.at = at
    }
}

/// What became of a command.
public struct CommandVerdict: Sendable, Hashable, Codable {
    public var command: Int64
    /// Why it was refused; nil where it took effect.
    public var refusal: String?

    public init(command: Int64, refusal: String? = nil) {
        self.command = command
        self.refusal = refusal
    }
}
