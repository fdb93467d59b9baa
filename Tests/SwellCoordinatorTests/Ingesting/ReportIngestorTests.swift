internal import AsyncSupport
internal import Foundation
internal import Logging
internal import PostgresClient
internal import ServiceLifecycle
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

@Suite(.timeLimit(.minutes(1))) struct ReportIngestorTests {
    private func localSignals() throws -> FleetSignals {
        let nowhere = PostgresConfiguration(keywords: ["host": "/nowhere"])
        return FleetSignals(configuration: nowhere, pool: try PostgresPool(configuration: nowhere))
    }

    private func store() async throws -> MemoryStore {
        let store = MemoryStore { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
        try await ReplicaFixture.start("shop-1", in: store)
        return store
    }

    private func report(generation: Int64, of application: ApplicationName = "shop") -> ApplicationReport {
        ApplicationReport(
            application: application, generation: generation, digest: nil, epoch: 1, phase: .applying,
            health: .progressing)
    }

    private var clusters: [ClusterName] { ReplicaFixture.clusters.map(\.name) }

    @Test func whatHasReturnedIsStored() async throws {
        let store = try await store()
        let ingestor = ReportIngestor(store: store, signals: try localSignals())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await ingestor.run() }
            try await withThrowingTaskGroup(of: Void.self) { callers in
                for cluster in clusters {
                    callers.addTask {
                        try await ingestor.ingest([self.report(generation: 5)], of: cluster, session: nil)
                    }
                }
                try await callers.waitForAll()
            }
            #expect(try await store.statuses(of: "shop").map(\.report.generation) == [5, 5, 5])
            #expect(try await store.dueRollouts(limit: 1) == ["shop-1"])
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }

    @Test func beyondItsBoundItRefusesAndStoresNothing() async throws {
        let store = try await store()
        var limits = IngestQueue.Limits()
        limits.perCluster = 2
        let ingestor = ReportIngestor(store: store, signals: try localSignals(), limits: limits)
        let three = (1...3).map { report(generation: $0) }
        await #expect(throws: StoreError.self) { try await ingestor.ingest(three, of: clusters[0], session: nil) }
        #expect(try await store.statuses(of: nil).isEmpty)
    }

    @Test func aGracefulShutdownStoresWhatWasTakenIn() async throws {
        let store = try await store()
        var limits = IngestQueue.Limits()
        limits.batch = 1
        let ingestor = ReportIngestor(store: store, signals: try localSignals(), limits: limits)
        let group = ServiceGroup(
            services: [ingestor], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Bool.self) { callers in
            for cluster in clusters {
                callers.addTask {
                    try await ingestor.ingest([self.report(generation: 2)], of: cluster, session: nil)
                    return true
                }
            }
            async let running: Void = group.run()
            var stored = 0
            while let isStored = try await callers.next() { stored += isStored ? 1 : 0 }
            #expect(stored == 3)
            await group.triggerGracefulShutdown()
            try await running
        }
        await #expect(throws: StoreError.self) {
            try await ingestor.ingest([report(generation: 2)], of: clusters[0], session: nil)
        }
        #expect(try await store.statuses(of: nil).count == 3)
    }

    /// What is on its way to the store when the coordinator is told to end is waited for: its agents need not say it again.
    @Test(arguments: [true, false]) func theBatchUnderWayAtTheEndIsCompleted(isGraceful: Bool) async throws {
        let isWriting = Signal()
        let gate = Signal()
        let ingestor = ReportIngestor(signals: try localSignals()) { _ throws(StoreError) in
            isWriting.send()
            guard await gate.wait() == .sent else {
                throw StoreError(code: .unavailable, message: "it was broken off")
            }
            return Ingested()
        }
        let group = ServiceGroup(
            services: [ingestor], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { callers in
            let running = Task { try await group.run() }
            callers.addTask {
                try await ingestor.ingest([self.report(generation: 1)], of: self.clusters[0], session: nil)
            }
            await isWriting.wait()
            if isGraceful { await group.triggerGracefulShutdown() } else { running.cancel() }
            gate.send()
            try await callers.waitForAll()
            _ = await running.result
        }
    }

    /// One status that the store refuses, among those of others: it fails alone, and its own agent is told which it was.
    @Test func aBadStatusFailsAlone() async throws {
        let written = Journal<ReceivedReport>()
        let ingestor = ReportIngestor(signals: try localSignals()) { reports throws(StoreError) in
            if reports.contains(where: { $0.report.application == "bad" }) {
                throw StoreError(code: .internalError, message: "the database refused a statement")
            }
            for report in reports { written.add(report) }
            return Ingested()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            let good = (1...40).map { report(generation: $0) }
            let bad = good + [report(generation: 7, of: "bad")] + good
            for index in 0..<10 {
                let name = try ClusterName("honest-\(index)")
                group.addTask { try await ingestor.ingest(good, of: name, session: nil) }
            }
            group.addTask {
                let error = await #expect(throws: StoreError.self) {
                    try await ingestor.ingest(bad, of: "liar", session: nil)
                }
                #expect(error?.code == .invalid)
                #expect(error?.message.contains("bad (generation 7)") == true)
            }
            // Everything waits before the first batch is taken, so that batches are of many clusters.
            try await soon("all wait") { await ingestor.count == 481 }
            let running = Task { try await ingestor.run() }
            try await group.waitForAll()
            running.cancel()
            _ = await running.result
        }
        #expect(written.entries.count == 480)
        #expect(written.entries.count { $0.cluster == "liar" } == 80)
    }
}
