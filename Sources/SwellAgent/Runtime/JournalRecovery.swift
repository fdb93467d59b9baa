internal import Logging
internal import SwellEngine
internal import SwellModel

/// What the agent starts from: its journal, or where that is lost, what the cluster's inventory tells.
struct JournalRecovery: Sendable {
    let file: JournalFile
    let cluster: any ClusterPort
    let now: @Sendable () -> Timestamp
    let logger: Logger
    /// After how long without a word of the API server the log says so: what it tries by itself takes a minute.
    var patience: Duration = .seconds(5)

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
                for record in try await inventories() {
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

    private func inventories() async throws -> [InventoryRecord] {
        try await withThrowingTaskGroup(of: [InventoryRecord]?.self) { group in
            group.addTask { try await cluster.inventories() }
            group.addTask {
                try await Task.sleep(for: patience)
                logger.warning(
                    "the cluster's API server has not answered yet: nothing begins before it does; is it up, and let through by the network?",
                    metadata: ["after": "\(patience)"])
                return nil
            }
            defer { group.cancelAll() }
            while let outcome = try await group.next() {
                if let outcome { return outcome }
            }
            throw CancellationError()
        }
    }
}
