internal import KubernetesObjects

/// What an object that judges another's revisions said before anything was sent, and what its target was then: as long as the target was
/// changed since and this stands, it speaks of what was there before.
public struct FormerVerdict: Sendable, Hashable, Codable {
    /// What of the target was changed since.
    enum Change: String, Sendable, Hashable, Codable {
        case nothing
        /// What its pods read, or the object itself: the revision that its judge names may stay the same.
        case around
        /// What its pods are made of, so that its judge will name another revision.
        case pods
    }

    /// Which revision it spoke of.
    var revision: String
    /// The phase, and when it came to it, as the judge wrote it; compared, and never with a clock.
    var stamp: String
    /// By ``FormerTroubles/key(_:)``.
    var target: String
    /// The target's uid, and a hash of what its pods are made of; nil where it was not there.
    var uid: String?
    var pods: String?
    /// The ConfigMaps and Secrets that the target's pods name and the judge tracks.
    var settings: Set<String> = []
    var change = Change.nothing

    /// Takes in how the target is. What its pods are made of is compared with what was there first, whoever has sent it.
    ///
    /// - Parameter live: What it was sent over; nil where nothing was there, or nothing was sent.
    mutating func take(_ answer: KubernetesObject, over live: KubernetesObject?, isSending: Bool) {
        let before = pods ?? live.flatMap { $0.uid == answer.uid ? Self.pods(of: $0) : nil }
        if let before, let now = Self.pods(of: answer), before != now {
            change = .pods
        } else if change == .nothing, isSending, uid != nil || pods == nil, (uid ?? live?.uid) != answer.uid {
            change = .around
        }
    }

    /// A hash of what an object's pods are made of; nil where it has none.
    static func pods(of object: KubernetesObject) -> String? {
        object.spec?["template"].map { FormerTroubles.hash(of: $0) }
    }
}

/// What is known of a work beside what was so before, for the next process: without it nobody knows which revision a judge spoke of.
public struct KeptEvidence: Sendable, Hashable, Codable {
    /// The most judges that are remembered. Of those beyond, what they say counts as said of what was sent.
    static let limit = 200

    /// Whether what is sent is what was proven here last.
    public var isReturn = false
    /// What judges said before anything was sent, by ``FormerTroubles/key(_:)``; nil as long as nobody has looked, and nothing was sent.
    var verdicts: [String: FormerVerdict]?

    /// Whether there is anything by which a judge may have to look again.
    public var hasVerdicts: Bool { verdicts?.isEmpty == false }

    /// Creates the evidence of a work of which nothing was sent.
    public init(isReturn: Bool = false) { self.isReturn = isReturn }
}
