public import SwellModel

/// What the engine needs to know of the world outside one rollout, read at the same moment as the rollout itself.
public struct FleetSnapshot: Sendable, Hashable {
    /// For a decision, the rollout's targets and every cluster that may join it; for a plan, every cluster that the application selects. A
    /// target that is missing here has left the fleet.
    public var fleet: [ClusterName: ClusterFacts]
    /// Regions paused for everybody.
    public var pausedRegions: [RegionName: Pause]
    /// Clusters paused for everybody.
    public var pausedClusters: [ClusterName: Pause]
    /// How many more clusters may be in flight over all rollouts; nil does not limit.
    public var fleetHeadroom: Int?

    public init(
        fleet: [ClusterName: ClusterFacts] = [:], pausedRegions: [RegionName: Pause] = [:],
        pausedClusters: [ClusterName: Pause] = [:], fleetHeadroom: Int? = nil
    ) {
        self.fleet = fleet
        self.pausedRegions = pausedRegions
        self.pausedClusters = pausedClusters
        self.fleetHeadroom = fleetHeadroom
    }
}

/// One cluster as the store knows it, seen from one application.
public struct ClusterFacts: Sendable, Hashable {
    public var cluster: Cluster
    /// Whether an agent ever joined with this name.
    public var isEnrolled: Bool
    /// When its agent was last heard of, on the database's clock; nil when never.
    public var lastSeenAt: Timestamp?
    /// The highest generation known for (cluster, application), assigned here or seen at the agent; the next one is above it.
    public var highestGeneration: Int64
    /// What it is assigned now, if anything.
    public var assigned: ReleaseReference?
    /// The removal that it is assigned now, if that is what it is assigned.
    public var removal: AssignedRemoval?
    /// Releases of the application proven healthy on the cluster, the latest first.
    public var proven: [ReleaseReference]
    /// The last report received of the application, and when.
    public var report: ApplicationReport?
    public var reportedAt: Timestamp?
    /// The active rollout that holds (cluster, application), if any.
    public var heldBy: RolloutName?
    /// The generation of what it is assigned, if that says that a pause covers the cluster.
    public var pausedGeneration: Int64?

    public init(
        cluster: Cluster, isEnrolled: Bool = false, lastSeenAt: Timestamp? = nil, highestGeneration: Int64 = 0,
        assigned: ReleaseReference? = nil, removal: AssignedRemoval? = nil, proven: [ReleaseReference] = [],
        report: ApplicationReport? = nil, reportedAt: Timestamp? = nil, heldBy: RolloutName? = nil,
        pausedGeneration: Int64? = nil
    ) {
        self.cluster = cluster
        self.isEnrolled = isEnrolled
        self.lastSeenAt = lastSeenAt
        self.highestGeneration = highestGeneration
        self.assigned = assigned
        self.removal = removal
        self.proven = proven
        self.report = report
        self.reportedAt = reportedAt
        self.heldBy = heldBy
        self.pausedGeneration = pausedGeneration
    }
}

/// That a cluster is to run nothing of an application any more.
public struct AssignedRemoval: Sendable, Hashable {
    public var generation: Int64
    /// The rollout that assigned it.
    public var rollout: RolloutName

    public init(generation: Int64, rollout: RolloutName) {
        self.generation = generation
        self.rollout = rollout
    }
}
