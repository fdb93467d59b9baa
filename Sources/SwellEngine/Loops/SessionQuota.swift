public import SwellModel

/// How many sessions the agent of one cluster may have with one replica, how often it is greeted, and that only one of them is greeted at
/// a time: a greeting costs the store several questions and writes, and the places for it are everybody's.
///
/// An agent whose network comes and goes dials with waits that double, and after a session that lasted some seconds begins with
/// short ones: ``burst`` greetings at once, and one each ``interval`` from then on, are beyond what that asks for. One that is greeted
/// too often is told when to come back, and nobody else waits for it. Bounded by the clusters of the fleet: what is paid is forgotten.
public struct SessionQuota: Sendable {
    /// One that works, and one that comes before the other's end was noticed.
    public static let sessions = 2
    /// Greetings that a cluster may have at once after a rest.
    public static let burst = 20
    /// How long one greeting takes to be earned back.
    public static let interval = Interval.seconds(3)

    /// Whether a session is greeted.
    public enum Greeting: Sendable, Hashable {
        case begun
        /// Another session of the cluster is being greeted.
        case busy
        /// It was greeted too often: not before so long.
        case tooOften(wait: Interval)
    }

    /// Clusters with a session, and how many; bounded by the connections of the port.
    private var open: [ClusterName: Int] = [:]
    private var greeted: Set<ClusterName> = []
    /// Until when each cluster's greetings are paid for.
    private var paidUntil: [ClusterName: Tick] = [:]
    private var forgotAt: Tick?

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

    /// Begins to greet a session, if that may be; what is not begun costs nothing.
    public mutating func beginGreeting(_ cluster: ClusterName, now: Tick) -> Greeting {
        if greeted.contains(cluster) { return .busy }
        forget(now)
        let start = max(paidUntil[cluster] ?? now, now)
        let allowance = Interval(milliseconds: Self.interval.milliseconds * Int64(Self.burst - 1))
        guard start - now <= allowance else { return .tooOften(wait: start - now - allowance) }
        paidUntil[cluster] = start + Self.interval
        greeted.insert(cluster)
        return .begun
    }

    private mutating func forget(_ now: Tick) {
        guard forgotAt.map({ now - $0 >= .minutes(1) }) ?? true else { return }
        forgotAt = now
        paidUntil = paidUntil.filter { $0.value > now }
    }

    public mutating func endGreeting(_ cluster: ClusterName) { greeted.remove(cluster) }
}
