internal import Logging
internal import ServiceLifecycle
internal import SwellModel
package import SwellStore

/// Prepares storage for what comes and removes what may go: once at the start, then at a steady pace.
///
/// Every replica runs one; the store lets them do it one after another, and the second finds nothing to do.
package struct Maintainer: Service {
    private let store: any MaintenanceStore
    private let retention: Retention
    private let pace: Duration
    private let logger = Logger(label: "swell.maintainer")

    package init(store: any MaintenanceStore, retention: Retention = Retention(), pace: Duration = .seconds(6 * 3_600))
    {
        self.store = store
        self.retention = retention
        self.pace = pace
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var parts = MaintenancePart.allCases
            while !Task.isCancelled {
                parts = await self.failing(of: parts)
                // What failed is tried again soon: without partitions the audit log grows in one table.
                try? await Task.sleep(for: parts.isEmpty ? self.pace : min(self.pace, .seconds(60)))
                if parts.isEmpty { parts = MaintenancePart.allCases }
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
