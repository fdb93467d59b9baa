public import SwellModel

/// What was heard of one attempt on one target, and what it proves (invariants 3, 4, 12, 20 and 23).
///
/// A value of its own, so that "forget the evidence" has one place for each reason why it is void. It never outlives its attempt: a
/// new assignment begins with none.
public struct Evidence: Sendable, Hashable {
    /// How the cluster stands, by what was heard last.
    public enum Standing: Sendable, Hashable {
        /// Nothing was heard that speaks for it.
        case none
        /// The agent has seen it healthy since then, and still proves itself.
        case good(since: Timestamp)
        /// The agent says that `minHealthyTime` is over, within a good stretch.
        case asserted(at: Timestamp, healthySince: Timestamp)
        /// It counts as healthy, on the database's clock.
        case healthy(since: Timestamp)
        /// Its agent is there and cannot see it: neither healthy nor failed.
        case unknown(since: Timestamp)
        /// Nothing is heard of its agent: neither healthy nor failed.
        case unseen(since: Timestamp)
    }

    /// What one report says.
    public enum Word: Sendable, Hashable {
        /// Healthy, though not for long enough yet.
        case good
        /// Healthy for `minHealthyTime`, or removed.
        case asserted
        /// Not healthy, or not there yet.
        case bad
        /// The agent cannot see the cluster.
        case unknown
    }

    public internal(set) var standing: Standing
    /// When the attempt first counted as healthy; a regression does not clear it, a new attempt does.
    public internal(set) var provenAt: Timestamp?

    public init(standing: Standing = .none, provenAt: Timestamp? = nil) {
        self.standing = standing
        self.provenAt = provenAt
    }

    /// Whether clocks run: not while nothing is known (invariant 23).
    public var isKnown: Bool {
        switch standing {
        case .unknown, .unseen: false
        case .none, .good, .asserted, .healthy: true
        }
    }

    /// Whether a stretch of health has begun that may still become proof: no deadline cuts it short.
    public var isProving: Bool {
        switch standing {
        case .good, .asserted: true
        case .none, .healthy, .unknown, .unseen: false
        }
    }

    public var isHealthy: Bool { if case .healthy = standing { true } else { false } }
    public var isUnseen: Bool { if case .unseen = standing { true } else { false } }
    public var isUnknown: Bool { if case .unknown = standing { true } else { false } }

    // MARK: What changes it

    /// Takes in one word, heard at `moment`.
    public mutating func observe(_ word: Word, at moment: Timestamp) {
        switch word {
        case .good: standing = .good(since: healthySince ?? moment)
        case .asserted:
            switch standing {
            case .asserted, .healthy: break
            case .none, .good, .unknown, .unseen: standing = .asserted(at: moment, healthySince: healthySince ?? moment)
            }
        case .bad: standing = .none
        case .unknown: if !isUnknown { standing = .unknown(since: moment) }
        }
    }

    /// What was asserted counts from now on.
    public mutating func confirm(at now: Timestamp) {
        guard case .asserted = standing else { return }
        standing = .healthy(since: now)
        provenAt = provenAt ?? now
    }

    /// It is seen again. What was said last counts again as if it were said now; the caller observes it (invariant 20).
    public mutating func regainSight() {
        if !isKnown { standing = .none }
    }

    /// The attempt has ended: nothing of it counts for or against what comes next. That it was proven stays on record.
    public mutating func close() { standing = .none }

    // MARK: What it says

    /// When the running good stretch began.
    public var healthySince: Timestamp? {
        switch standing {
        case .good(let since), .asserted(_, let since), .healthy(let since): since
        case .none, .unknown, .unseen: nil
        }
    }

    /// When it began to count as healthy, if it does.
    public var healthyAt: Timestamp? { if case .healthy(let since) = standing { since } else { nil } }

    /// When the agent asserted it, if that does not count yet.
    public var assertedAt: Timestamp? { if case .asserted(let moment, _) = standing { moment } else { nil } }
}
