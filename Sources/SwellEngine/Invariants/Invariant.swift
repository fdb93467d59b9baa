/// What must hold of every decision, by the numbers of the design. Those that one decision alone can break are reviewed before each
/// commit; the others are the store's, or show only over time.
public enum Invariant: Int, Sendable, Hashable, Codable, CaseIterable {
    case inFlight = 1
    case stageOrder, soak, evidence, budget, pause, precedence, generation, epoch
    case exactlyOnce, exclusiveClaim, unknownIsNeither, wayBack, approval, identity, audit, references, membership
    case liveness, healthyIsLeftAlone, stageProof, clusterIsolation, unknownStopsClocks, priorState
}

/// One way in which a decision breaks an invariant, for people.
public struct Breach: Sendable, Hashable, Codable, CustomStringConvertible {
    public let invariant: Invariant
    /// What it concerns: `the rollout`, `stage canary`, a cluster's name.
    public let subject: String
    public let seen: String
    public let expected: String

    public init(_ invariant: Invariant, _ subject: String, seen: String, expected: String) {
        self.invariant = invariant
        self.subject = subject
        self.seen = seen
        self.expected = expected
    }

    public var description: String {
        "invariant \(invariant.rawValue), \(subject): \(seen), where \(expected)"
    }
}
