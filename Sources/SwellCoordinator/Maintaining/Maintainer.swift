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
            while !Task.isCancelled {
                let isDone = await self.maintain()
                // After a failure it is tried again soon: without partitions the audit log grows in one table.
                try? await Task.sleep(for: isDone ? self.pace : min(self.pace, .seconds(60)))
            }
        }
    }

    private func maintain() async -> Bool {
        do throws(StoreError) {
            let outcome = try await store.maintain(retention)
            guard outcome != MaintenanceOutcome() else { return true }
            logger.info(
                "removed what was kept long enough",
                metadata: [
                    "auditRows": "\(outcome.auditRows)", "releases": "\(outcome.releases)",
                    "documents": "\(outcome.documents)",
                ])
            return true
        } catch {
            if !Task.isCancelled {
                logger.notice("storage was not looked after", metadata: ["error": "\(error)"])
            }
            return false
        }
    }
}
