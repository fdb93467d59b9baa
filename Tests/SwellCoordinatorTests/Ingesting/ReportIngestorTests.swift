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

    private func report(_ cluster: ClusterName, generation: Int64) -> ReceivedReport {
        ReceivedReport(
            cluster: cluster,
            report: ApplicationReport(
                application: "shop", generation: generation, digest: nil, epoch: 1, phase: .applying,
                health: .progressing))
    }

    @Test func whatHasReturnedIsStored() async throws {
        let store = try await store()
        let ingestor = ReportIngestor(store: store, signals: try localSignals())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await ingestor.run() }
            try await withThrowingTaskGroup(of: Void.self) { callers in
                for cluster in ReplicaFixture.clusters.map(\.name) {
                    let report = report(cluster, generation: 5)
                    callers.addTask { try await ingestor.ingest([report]) }
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
        let ingestor = ReportIngestor(store: store, signals: try localSignals(), capacity: 2)
        let three = ReplicaFixture.clusters.map { report($0.name, generation: 1) }
        await #expect(throws: StoreError.self) { try await ingestor.ingest(three) }
        #expect(try await store.statuses(of: nil).isEmpty)
    }

    @Test func aGracefulShutdownStoresWhatWasTakenIn() async throws {
        let store = try await store()
        let ingestor = ReportIngestor(store: store, signals: try localSignals(), batchLimit: 1)
        let group = ServiceGroup(
            services: [ingestor], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let reports = ReplicaFixture.clusters.map { report($0.name, generation: 2) }
        try await withThrowingTaskGroup(of: Bool.self) { callers in
            for report in reports {
                callers.addTask {
                    try await ingestor.ingest([report])
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
        await #expect(throws: StoreError.self) { try await ingestor.ingest(reports) }
        #expect(try await store.statuses(of: nil).count == 3)
    }
}
