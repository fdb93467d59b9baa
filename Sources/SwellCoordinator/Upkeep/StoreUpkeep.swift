internal import Logging
internal import ServiceLifecycle
package import SwellModel
package import SwellStore

/// Lets the store prepare for what comes and remove what may go, once an hour. Every replica does; the store sees to it that
/// doing it twice does no harm.
package struct StoreUpkeep: Service {
    private let store: any MaintenanceStore
    private let retention: Retention
    private let pace: Interval
    private let logger = Logger(label: "swell.upkeep")

    package init(store: any MaintenanceStore, retention: Retention = Retention(), pace: Interval = .hours(1)) {
        self.store = store
        self.retention = retention
        self.pace = pace
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            repeat {
                do {
                    let outcome = try await self.store.maintain(self.retention)
                    self.logger.debug("upkeep done", metadata: ["outcome": "\(outcome)"])
                } catch {
                    self.logger.notice("upkeep could not be done", metadata: ["error": "\(error)"])
                }
            } while (try? await Task.sleep(for: self.pace.duration)) != nil
        }
    }
}
