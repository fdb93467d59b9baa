internal import KubernetesObjects

/// Which write a status speaks about. What it says counts only where that is the last one; a status of an earlier one is evidence of
/// nothing, and time is never asked: the clocks of the server, of its controllers and of this process are three.
enum StatusEvidence: Sendable, Hashable {
    /// It is about what was sent last.
    case ofThisWrite
    /// It is about what was there before that; in words, how that is known.
    case ofEarlier(String)
    /// Its controller has not written it yet.
    case notYet
    /// A controller may write it, and nothing of it is there: whether one will cannot be known.
    case silent
    /// Nobody writes one.
    case never

    /// Which write the status of an object speaks about, by the rule of its kind.
    ///
    /// - Parameter definesStatus: Whether the server serves a status of the kind; nil where that is not known.
    static func of(_ live: KubernetesObject, since sent: SentMark?, definesStatus: Bool? = nil) -> StatusEvidence {
        if let sent, sent.isAfter(live) { return .ofEarlier("it has not been read since it was sent") }
        let hasStatus = !(live.status?.objectValue ?? [:]).isEmpty
        switch StatusFacts.rule(for: live.type.groupKind) {
        case .everyGeneration:
            if let stale = staleness(live) { return stale }
            let observed = live.status?["observedGeneration"]?.intValue ?? 0
            return observed == 0 && live.generation != nil ? .notYet : .ofThisWrite
        case .state: return staleness(live) ?? .ofThisWrite
        case .none: return hasStatus ? staleness(live) ?? .ofThisWrite : .never
        case .conditions: return hasStatus ? .ofThisWrite : .silent
        case .generation:
            if hasStatus { return staleness(live) ?? .ofThisWrite }
            return BuiltInGroups.isCustom(live.type.groupKind) && live.spec != nil && definesStatus != false
                ? .silent : .never
        }
    }

    private static func staleness(_ live: KubernetesObject) -> StatusEvidence? {
        guard let generation = live.generation, let observed = live.status?["observedGeneration"] else { return nil }
        // Argo Rollouts writes the number as a string.
        let seen = observed.intValue ?? observed.stringValue.flatMap { Int64($0) }
        guard let seen, seen != generation else { return nil }
        return .ofEarlier("the controller has seen generation \(seen) of \(generation)")
    }
}

/// What an object was, as the server answered, when it was sent, or found to be as it should. Conditions that stood then and stand
/// unchanged say nothing of what was sent.
struct SentMark: Sendable, Hashable {
    let uid: String?
    let generation: Int64?
    let resourceVersion: String?
    /// The conditions that stood, by type.
    private var conditions: [String: Condition.Stamp]
    /// Whether it is known which conditions stood before what was sent. Where another process sent it, or it was only put back, those
    /// that stand may be about the very same.
    private(set) var knowsConditions = true

    init(_ answer: KubernetesObject) {
        self.uid = answer.uid
        self.generation = answer.generation
        self.resourceVersion = answer.resourceVersion
        self.conditions = Dictionary(
            Condition.all(in: answer).map { ($0.type, $0.stamp) }, uniquingKeysWith: { first, _ in first })
    }

    /// The mark of an object that was sent once more, for the same work: what stood when that was sent first is what stood before.
    func keepingConditions(of first: SentMark) -> SentMark {
        var mark = self
        mark.conditions = first.conditions
        mark.knowsConditions = first.knowsConditions
        return mark
    }

    /// The mark of one of which it is not known what stood before.
    var withoutConditions: SentMark {
        var mark = self
        mark.conditions = [:]
        mark.knowsConditions = false
        return mark
    }

    /// Whether what was read is older than this: watches and caches may lag behind a write.
    func isAfter(_ live: KubernetesObject) -> Bool {
        guard live.uid == uid else { return false }
        if let generation, let read = live.generation, generation != read { return read < generation }
        guard let one = resourceVersion.flatMap({ UInt64($0) }),
            let other = live.resourceVersion.flatMap({ UInt64($0) })
        else { return false }
        return other < one
    }

    /// Whether a condition stood so already. One of another object of the same name did not.
    func stood(_ condition: Condition, in live: KubernetesObject) -> Bool {
        live.uid == uid && conditions[condition.type] == condition.stamp
    }
}
