package import AsyncSupport
internal import Logging
package import PostgresClient
internal import ServiceLifecycle

/// Tells this replica's loops, and the other replicas', that there is something new in the database. A hint: every loop also
/// polls, so a lost one costs a delay, never a wrong state.
///
/// Told after the commit, never inside it, and at most one NOTIFY a channel is under way: what comes meanwhile is one more.
package final class FleetSignals: Service {
    /// The channels between replicas.
    private enum Channel: String, CaseIterable {
        case rollouts = "swell_rollouts"
        case assignments = "swell_assignments"
        case previews = "swell_previews"
        case trust = "swell_trust"
    }

    private let listener: PostgresListener
    private let pool: PostgresPool
    private let logger: Logger
    /// Rollouts may have something to decide.
    let rollouts = Signal()
    /// Assignments may have changed: for the agents' sessions.
    package let assignments = Signal()
    /// Previews may have been asked for: for the agents' sessions.
    package let previews = Signal()
    /// Certificates may have ceased to count: for the agents' sessions and connections.
    package let trust = Signal()
    private let outgoing = Dictionary(uniqueKeysWithValues: Channel.allCases.map { ($0, Signal()) })

    package init(configuration: PostgresConfiguration, pool: PostgresPool) {
        self.listener = PostgresListener(configuration: configuration)
        self.pool = pool
        self.logger = Logger(label: "swell.signals")
    }

    /// Reports or commands were stored.
    package func notifyRolloutsChanged() { notify(.rollouts) }

    /// Assignments were decided.
    package func notifyAssignmentsChanged() { notify(.assignments) }

    /// Previews were asked for.
    package func notifyPreviewsAsked() { notify(.previews) }

    /// Certificates were revoked, a cluster left the fleet, or an agent enrolled again.
    package func notifyTrustChanged() { notify(.trust) }

    private func notify(_ channel: Channel) {
        hear(channel)
        outgoing[channel]?.send()
    }

    private func hear(_ channel: Channel) {
        switch channel {
        case .rollouts: rollouts.send()
        case .assignments: assignments.send()
        case .previews: previews.send()
        case .trust: trust.send()
        }
    }

    package func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask { try? await self.listener.run() }
            for channel in Channel.allCases {
                group.addTask { await self.listen(to: channel) }
                group.addTask { await self.post(to: channel) }
            }
        }
    }

    private func listen(to channel: Channel) async {
        await listener.withSubscription(to: channel.rawValue, limit: 16) { events in
            for await _ in events { self.hear(channel) }
        }
    }

    private func post(to channel: Channel) async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.outgoing[channel]?.wait(upTo: .seconds(60))
                guard !Task.isCancelled else { return }
                do {
                    try await self.pool.withConnection(timeout: .seconds(2)) { connection in
                        _ = try await connection.query("SELECT pg_notify($1, '')", [.text(channel.rawValue)])
                    }
                } catch {
                    // The other replicas poll.
                    self.logger.debug("a notification was not sent", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
