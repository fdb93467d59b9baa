public import SwellModel

/// One thing that a rollout waits for.
public struct Blocker: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case start, approval, soak, minHealthyTime, health, pause, regionPause, clusterPause, unreachable, unknown,
            concurrency, held, failure, rollback
        /// What was decided does not hold against the invariants, so that it was not done.
        case invariant
    }

    /// What kind of wait it is.
    public var what: Kind
    /// The reason, naming stage, region or clusters, for people.
    public var why: String
    /// When it ends by itself, if that is known.
    public var until: Timestamp?
    public var stage: StageName?
    public var region: RegionName?
    /// The clusters concerned, at most 20 of them.
    public var clusters: [ClusterName]

    public init(
        what: Kind, why: String, until: Timestamp? = nil, stage: StageName? = nil, region: RegionName? = nil,
        clusters: [ClusterName] = []
    ) {
        self.what = what
        self.why = why
        self.until = until
        self.stage = stage
        self.region = region
        self.clusters = clusters
    }
}
