internal import Logging
internal import SwellEngine
internal import SwellModel

/// What the agent starts from: its journal, or where that is lost, what the cluster's inventory tells.
struct JournalRecovery: Sendable {
    let file: JournalFile
    let cluster: any ClusterPort
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// The journal to start from. Waits for the API server where the inventory is needed.
    func journal() async throws -> AgentJournal {
        do {
            if let journal = try file.load() { return journal }
        } catch {
            guard error.code == .corruptJournal else { throw error }
            let aside = try file.setAside(now: now())
            logger.error(
                "journal cannot be understood, it was set aside; starting from the cluster's inventory",
                metadata: ["file": "\(aside)", "error": "\(error)"])
        }
        return try await fromInventory()
    }

    private func fromInventory() async throws -> AgentJournal {
        var backoff = Backoff(base: .milliseconds(500), ceiling: .seconds(15))
        var stateLog = StateLog()
        // Whoever has just installed it must not look at an empty log while the API server cannot be reached.
        logger.info("no journal yet: first the cluster's API server is asked what it runs")
        while true {
            do {
                var journal = AgentJournal()
                for record in try await cluster.inventories() {
                    journal.applications[record.application] = AgentRecord(
                        application: record.application, highestGeneration: record.generation,
                        highestEpoch: record.epoch, applied: record.release)
                }
                if !journal.applications.isEmpty {
                    logger.info(
                        "what the cluster runs was taken from its inventory",
                        metadata: ["applications": "\(journal.applications.count)"])
                }
                return journal
            } catch let error as AgentError where error.code == .otherCluster {
                throw error
            } catch {
                try Task.checkCancellation()
                let what = "\(error)"
                if stateLog.isNews(what) {
                    logger.warning(
                        "the cluster's inventory cannot be read, trying again", metadata: ["reason": "\(what)"])
                }
                try await Task.sleep(for: backoff.next(chance: 0.5))
            }
        }
    }
}
