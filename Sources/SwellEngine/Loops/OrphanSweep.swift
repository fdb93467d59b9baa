public import SwellModel

/// Looks now and then for assignments that their agents are ahead of and no rollout looks after, and has them told again: what a
/// database that lost commits leaves behind (invariant 19). One at a time, ``limit`` orphans at once.
///
/// Whose agent says that it is ahead may say so for ever. So a cluster has at most ``share`` of a sweep's places, and the next sweep begins
/// with the clusters after the last one of this: every cluster has its turn, whatever the others' agents say (invariant 22).
public struct OrphanSweep: Sendable {
    /// The lease under which orphans are told again: a stored word, which older replicas know.
    public static let lease = "strays"

    /// What to do next.
    public enum Step: Sendable, Hashable {
        /// At most ``OrphanSweep/share`` of a cluster, the clusters after `last` first.
        case look(limit: Int, after: ClusterName?)
        case claim
        case reissue([Assignment], under: Lease)
        case release(Lease)
    }

    /// What became of the last step.
    public enum Outcome: Sendable, Hashable {
        case found([OrphanedAssignment])
        /// Nil: another replica holds it, and does the same.
        case claimed(Lease?)
        /// How many were told again.
        case reissued(Int)
        case released
        /// The sweep is over; the next finds what is left.
        case failed
    }

    /// How often it looks.
    public let pace: Interval
    public let limit: Int
    /// How many places of a sweep one cluster may have.
    public static let share = 8
    private var lookedAt: Tick?
    private var orphans: [OrphanedAssignment] = []
    private var lease: Lease?
    /// The last cluster that had a place in the last sweep.
    private var last: ClusterName?

    public init(pace: Interval = .seconds(5), limit: Int = 64) {
        self.pace = pace
        self.limit = limit
    }

    /// Begins a sweep; nil where none is due yet.
    public mutating func begin(now: Tick) -> Step? {
        guard lookedAt.map({ now - $0 >= pace }) ?? true else { return nil }
        lookedAt = now
        orphans = []
        lease = nil
        return .look(limit: limit, after: last)
    }

    /// The next step after what became of the last; nil where the sweep is over.
    public mutating func next(_ outcome: Outcome) -> Step? {
        switch outcome {
        case .found(let found):
            orphans = found
            // Where all had a place, the order does not matter.
            last = found.count >= limit ? found.last?.assignment.cluster : nil
            return found.isEmpty ? nil : .claim
        case .claimed(let claimed):
            lease = claimed
            guard let claimed else { return nil }
            return .reissue(orphans.map { $0.reissued(under: claimed.epoch) }, under: claimed)
        case .reissued(let count):
            // A full list may have left some out: the next sweep does not wait.
            if orphans.count >= limit, count > 0 { lookedAt = nil }
            return lease.map { .release($0) }
        case .released, .failed:
            // A lease that is not given back expires.
            orphans = []
            lease = nil
            return nil
        }
    }
}
