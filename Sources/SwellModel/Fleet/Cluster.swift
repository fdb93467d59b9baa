/// One Kubernetes cluster of the fleet, as its document declares it.
public struct Cluster: Sendable, Hashable, Codable {
    public var name: ClusterName
    public var region: RegionName
    public var environment: EnvironmentName
    public var labels: [String: String]

    public init(name: ClusterName, region: RegionName, environment: EnvironmentName, labels: [String: String] = [:]) {
        self.name = name
        self.region = region
        self.environment = environment
        self.labels = labels
    }
}
