/// The documents of some files, decoded; what is applied together.
public struct DocumentSet: Sendable, Hashable {
    public var clusters: [Located<Cluster>]
    public var applications: [Located<Application>]
    public var policies: [Located<RolloutPolicy>]

    public init(
        clusters: [Located<Cluster>] = [], applications: [Located<Application>] = [],
        policies: [Located<RolloutPolicy>] = []
    ) {
        self.clusters = clusters
        self.applications = applications
        self.policies = policies
    }

    public var isEmpty: Bool { clusters.isEmpty && applications.isEmpty && policies.isEmpty }
    public var count: Int { clusters.count + applications.count + policies.count }
}
