internal import GRPCCore
internal import Logging
internal import Metrics
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// Keeps each cluster's agent to its share of sessions and greetings, whatever it opens. Whose agent it is says its certificate.
final class SessionAdmission: Sendable {
    private let quota = Mutex(SessionQuota())
    private let tick: @Sendable () -> Tick
    private let log: PeerLog
    private let refused = Counter(label: "swell_agent_sessions_refused_total")

    init(tick: @escaping @Sendable () -> Tick, log: PeerLog) {
        self.tick = tick
        self.log = log
    }

    /// How many sessions a cluster has here, greeted or not.
    func sessions(of cluster: ClusterName) -> Int { quota.withLock { $0.sessions(of: cluster) } }

    /// Runs a session, where the cluster may have one more.
    func run<Result>(of cluster: ClusterName, _ session: () async throws -> Result) async throws -> Result {
        guard quota.withLock({ $0.open(cluster) }) else {
            note(cluster, "its cluster has other sessions here")
            throw RPCError(
                code: .resourceExhausted,
                message:
                    "Cluster '\(cluster)' has \(SessionQuota.sessions) sessions here, as many as it may. Come back later."
            )
        }
        defer { quota.withLock { $0.close(cluster) } }
        return try await session()
    }

    /// Greets, unless another session of the cluster is being greeted, or it was greeted too often; says what came of it.
    func greet(
        _ cluster: ClusterName, _ greeting: () async throws -> Void
    ) async throws -> SessionQuota.Greeting {
        let moment = tick()
        let admission = quota.withLock { $0.beginGreeting(cluster, now: moment) }
        switch admission {
        case .begun: break
        case .busy:
            note(cluster, "another session of its cluster is being greeted")
            return admission
        case .tooOften:
            note(cluster, "it comes again and again")
            return admission
        }
        defer { quota.withLock { $0.endGreeting(cluster) } }
        try await greeting()
        return admission
    }

    /// Counts who was sent away, and tells the log.
    func note(_ cluster: ClusterName, _ why: String) {
        refused.increment()
        log.note(.sentAway, of: cluster, ["why": "\(why)"])
    }
}
