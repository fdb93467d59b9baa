public import SwellModel

/// How many sessions the agent of one cluster may have with one replica, and that only one of them is greeted at a time: a greeting costs
/// the store several questions, and the places for it are everybody's.
public struct SessionQuota: Sendable {
    /// One that works, and one that comes before the other's end was noticed.
    public static let sessions = 2

    /// Clusters with a session, and how many; bounded by the connections of the port.
    private var open: [ClusterName: Int] = [:]
    private var greeted: Set<ClusterName> = []

    public init() {}

    /// Takes a session in; false where the cluster has as many as it may.
    public mutating func open(_ cluster: ClusterName) -> Bool {
        guard open[cluster, default: 0] < Self.sessions else { return false }
        open[cluster, default: 0] += 1
        return true
    }

    /// How many sessions a cluster has.
    public func sessions(of cluster: ClusterName) -> Int { open[cluster, default: 0] }

    /// One of a cluster's sessions has ended.
    public mutating func close(_ cluster: ClusterName) {
        let left = open[cluster, default: 0] - 1
        open[cluster] = left > 0 ? left : nil
    }

    /// Begins to greet a session; false where another one of the cluster is being greeted.
    public mutating func beginGreeting(_ cluster: ClusterName) -> Bool { greeted.insert(cluster).inserted }

    public mutating func endGreeting(_ cluster: ClusterName) { greeted.remove(cluster) }
}
