internal import SwellModel

/// Bounds that both forms of the store keep.
enum Bounds {
    /// How many clusters' documents are kept in memory between readings at most; of a fleet beyond that each reading reads all of them.
    static let rememberedClusters = 100_000
    /// The bytes of documents that are kept of a column with what they say, for decisions: some ten thousand targets'. Beyond it go those
    /// that were not asked for lately.
    static let decodedBytes = 8 * 1_024 * 1_024
    /// How many proven releases of an application on a cluster are handed to the engine, and kept from being removed.
    static let provenReleases = 10
    /// The bytes of a text of an audit row at most; the rest is cut off. What may be said is bounded where it is said, and shorter.
    static let auditText = 16_384
    /// For how long after it took the place of another a certificate's former one is no sign of a copy: its agent still runs, or has a call
    /// under way.
    static let succession: Interval = .seconds(30)
    /// How long it takes until whoever comes from the wrong place with a certificate that counts is audited again: both that he comes and that
    /// its agent does in between are as often as he likes.
    static let copyAudit: Interval = .hours(1)
    /// How many previews may be under way at once; further ones are refused.
    static let openPreviews = 2_000
    /// How many of the reports that wait for a rollout one decision reads; the rest is the next one's, at once. Of each cluster the
    /// earliest come first, so that what one agent says too much of keeps no other's waiting (invariant 22).
    static func reportsOfDecision(targets: Int) -> Int { 1_000 + 8 * targets }
    /// How many reports of one cluster wait for a rollout that does not come to reading them: the earliest, and the latest, which then
    /// says that there were more in between.
    static let waitingReports = 256
    /// For how long after it was last heard of an agent counts as connected. Its replica notes every few seconds whom it hears, and agents
    /// are heard every five; what a replica that is gone for good said last holds no longer than that.
    static let connectionLifetime: Interval = .seconds(30)
    /// How long certificates and join tokens are remembered after they expired, so that whoever comes with one is told what became of it.
    static let expiredCredentials: Interval = .hours(24 * 7)
    /// How far above what is assigned a generation is believed: further than any database ever lost commits, and so little that an agent
    /// which lies cannot use up the generations of its cluster (2^53 on the wire) with it. What is beyond is left out.
    static let generationsAhead: Int64 = 1 << 32
    /// How many releases, or documents without one, are removed in one transaction: decisions wait for it.
    static let removedAtOnce = 50
    /// How many clusters' proven releases are looked through in one transaction.
    static let maintainedClusters = 100
    /// How many rows of a kind one run of maintenance removes at most; the next one goes on.
    static let maintainedRows = 10_000
}
