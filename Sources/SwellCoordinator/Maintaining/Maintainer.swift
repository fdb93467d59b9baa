internal import Logging
internal import ServiceLifecycle
internal import SwellModel
package import SwellStore

/// Prepares storage for what comes and removes what may go: once at the start, then at a steady pace.
///
/// Every replica runs one; the store lets them do it one after another, and the second finds nothing to do. A part that fails is tried again
/// soon, and keeps no other from its turn, however long it goes on failing.
package struct Maintainer: Service {
    private let store: any MaintenanceStore
    private let retention: Retention
    private let pace: Duration
    /// How long until a part that failed is tried again.
    private let patience: Duration
    private let logger = Logger(label: "swell.maintainer")

    package init(
        store: any MaintenanceStore, retention: Retention = Retention(), pace: Duration = .seconds(6 * 3_600),
        patience: Duration = .seconds(60)
    ) {
        self.store = store
        self.retention = retention
        self.pace = pace
        self.patience = patience
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let next = ContinuousClock.now + self.pace
                var failing = await self.failing(of: MaintenancePart.allCases)
                // Without partitions the audit log grows in one table.
                while !failing.isEmpty, !Task.isCancelled, ContinuousClock.now + self.patience < next {
                    try? await Task.sleep(for: self.patience)
                    failing = await self.failing(of: failing)
                }
                try? await Task.sleep(until: next)
            }
        }
    }

    /// Does these, each whatever becomes of the others; returns those that failed.
    private func failing(of parts: [MaintenancePart]) async -> [MaintenancePart] {
        var failed: [MaintenancePart] = []
        var outcome = MaintenanceOutcome()
        for part in parts where !Task.isCancelled {
            do throws(StoreError) { outcome += try await store.maintain(part, retention) } catch {
                failed.append(part)
                guard !Task.isCancelled else { break }
                logger.notice(
                    "storage was not looked after", metadata: ["part": "\(part.rawValue)", "error": "\(error)"])
            }
        }
        if outcome != MaintenanceOutcome() {
            logger.info(
                "removed what was kept long enough",
                metadata: [
                    "auditRows": "\(outcome.auditRows)", "rollouts": "\(outcome.rollouts)",
                    "releases": "\(outcome.releases)", "documents": "\(outcome.documents)",
                ])
        }
        return failed
    }
}
