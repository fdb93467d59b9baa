public import SwellModel

/// What an agent hears.
public enum AgentEvent: Sendable, Hashable {
    /// The process has started with the journal that the machine was made from. Must come first.
    case restarted
    /// Assignments from the coordinator, each whole for its application.
    case assigned([Assignment])
    /// Everything of this release is at hand.
    case contentPresent(ContentDigest)
    /// This release cannot be had: the coordinator does not know it, or it is malformed.
    case contentUnavailable(ContentDigest, message: String)
    /// All objects of the work were applied, or removed; of a removal, what it has left in the cluster and why, nil for nothing.
    case workFinished(AgentWork, leaving: String? = nil)
    /// The work could not be carried out.
    case workFailed(AgentWork, WorkFailure)
    /// The health of all that the work applied.
    case healthObserved(AgentWork, ObservedHealth)
    /// A look for what others changed of the work's objects brought news.
    case driftObserved(AgentWork, DriftFinding)
    /// A session with the coordinator is up.
    case connected
    /// The session ended.
    case disconnected
    /// The coordinator has stored the report of this number.
    case reportAcknowledged(ApplicationName, sequence: Int64)
    /// Time has passed.
    case tick

    /// Whether it tells of content that may not be referred to any more.
    var bringsContent: Bool {
        if case .contentPresent = self { return true }
        return false
    }
}

/// Why work could not be carried out.
public struct WorkFailure: Sendable, Hashable {
    /// Whether trying again may help.
    public var isTransient: Bool
    /// Whether the cluster could not be seen at all, so that its health is unknown.
    public var isBlind: Bool
    /// A short code, such as `Forbidden`.
    public var reason: String
    /// The culprit named: object, and what the API server said.
    public var message: String

    public init(isTransient: Bool, isBlind: Bool = false, reason: String, message: String) {
        self.isTransient = isTransient
        self.isBlind = isBlind
        self.reason = reason
        self.message = message
    }
}

/// What an agent is to do, in this order. `persist` comes before all that follows from it and must have reached the disk first.
public enum AgentAction: Sendable, Hashable {
    /// Write the journal.
    case persist(AgentJournal)
    /// Tell the coordinator that the assignment is in the journal.
    case acknowledge(ApplicationName, generation: Int64, epoch: Int64)
    /// See that all of this release is at hand, and say so by `contentPresent`. Repeated asking is harmless.
    case fetch(ContentDigest)
    /// Apply the work's release and answer with `workFinished` or `workFailed`. It takes the place of what the
    /// application had under way.
    case apply(AgentWork)
    /// Remove what releases of the application brought; answered like `apply`.
    case remove(AgentWork)
    /// Stop this work, whatever it is at; no answer is needed.
    case cancel(AgentWork)
    /// Stop this work if it is under way: applying it has failed. What the release has for that is done before its way back; no
    /// answer is needed.
    case giveUp(AgentWork)
    /// Watch health and drift of what the work applied, until another action for the application.
    case watch(AgentWork, DriftPolicy)
    /// Tell the coordinator. Takes the place of an earlier report of the application that is still under way.
    case report(OutgoingReport)
    /// Send a `tick` at this moment; takes the place of any earlier one.
    case wake(at: Timestamp)
    /// A decision worth a line in the log.
    case note(AgentNote)
}

/// A decision of the agent, for people.
public struct AgentNote: Sendable, Hashable {
    /// What was decided: `accepted`, `refused`, `applying`, `verifying`, `healthy`, `failed`, `reverting`, `reverted`, `removed`, `retrying`, `held`, `drift`.
    public var what: String
    public var application: ApplicationName
    public var generation: Int64
    public var why: String

    public init(what: String, application: ApplicationName, generation: Int64, why: String) {
        self.what = what
        self.application = application
        self.generation = generation
        self.why = why
    }
}
