/// Picks some clusters of the fleet. A list that is empty does not restrict; all restrictions must hold.
public struct ClusterSelector: Sendable, Hashable, Codable {
    public var regions: [RegionName]
    public var environments: [EnvironmentName]
    public var clusters: [ClusterName]
    /// Labels that must all be present with these values.
    public var labels: [String: String]

    public init(
        regions: [RegionName] = [], environments: [EnvironmentName] = [], clusters: [ClusterName] = [],
        labels: [String: String] = [:]
    ) {
        self.regions = regions
        self.environments = environments
        self.clusters = clusters
        self.labels = labels
    }

    /// Whether nothing is restricted, so that every cluster matches.
    public var isEmpty: Bool { regions.isEmpty && environments.isEmpty && clusters.isEmpty && labels.isEmpty }

    public func matches(_ cluster: Cluster) -> Bool {
        (regions.isEmpty || regions.contains(cluster.region))
            && (environments.isEmpty || environments.contains(cluster.environment))
            && (clusters.isEmpty || clusters.contains(cluster.name))
            && labels.allSatisfy { cluster.labels[$0.key] == $0.value }
    }
}
