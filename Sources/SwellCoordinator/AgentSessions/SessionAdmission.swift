internal import GRPCCore
internal import Logging
internal import Metrics
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// Keeps each cluster's agent to its share of sessions and greetings, whatever it opens. Whose agent it is says its certificate.
final class SessionAdmission: Sendable {
    private struct State {
        var quota = SessionQuota()
        var mentions = RateLimit<ClusterName>(burst: 1, interval: .minutes(1))
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let refused = Counter(label: "swell_agent_sessions_refused_total")

    init(now: @escaping @Sendable () -> Timestamp, logger: Logger) {
        self.now = now
        self.logger = logger
    }

    /// How many sessions a cluster has here, greeted or not.
    func sessions(of cluster: ClusterName) -> Int { state.withLock { $0.quota.sessions(of: cluster) } }

    /// Runs a session, where the cluster may have one more.
    func run<Result>(of cluster: ClusterName, _ session: () async throws -> Result) async throws -> Result {
        guard state.withLock({ $0.quota.open(cluster) }) else {
            note(cluster, "agent sent away: its cluster has other sessions here")
            throw RPCError(
                code: .resourceExhausted,
                message:
                    "Cluster '\(cluster)' has \(SessionQuota.sessions) sessions here, as many as it may. Come back later."
            )
        }
        defer { state.withLock { $0.quota.close(cluster) } }
        return try await session()
    }

    /// Greets, unless another session of the cluster is being greeted; says whether it did.
    func greet(_ cluster: ClusterName, _ greeting: () async throws -> Void) async throws -> Bool {
        guard state.withLock({ $0.quota.beginGreeting(cluster) }) else {
            note(cluster, "agent sent away: another session of its cluster is being greeted")
            return false
        }
        defer { state.withLock { $0.quota.endGreeting(cluster) } }
        try await greeting()
        return true
    }

    /// Counts who was sent away, and tells the log once a minute.
    func note(_ cluster: ClusterName, _ what: Logger.Message) {
        refused.increment()
        let moment = now()
        guard state.withLock({ $0.mentions.admits(cluster, at: moment) }) else { return }
        logger.warning(what, metadata: ["cluster": "\(cluster)"])
    }
}
