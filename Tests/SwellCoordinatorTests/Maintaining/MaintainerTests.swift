internal import Foundation
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

@Suite(.timeLimit(.minutes(1))) struct MaintainerTests {
    @Test func itRemovesWhatIsBeyondTheRetention() async throws {
        let store = MemoryStore { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
        let shop = Application(name: "shop", namespace: "shop")
        _ = try await store.apply(FleetDocuments(applications: [shop]), by: "ann")
        for version in ["1.0", "1.1"] {
            let content = ContentDocument(content: Array(version.utf8))
            let release = Release(
                application: "shop", reference: ReleaseReference(version: version, digest: content.digest),
                createdBy: "ann", createdAt: try await store.now(), objectCount: 0, size: 3)
            _ = try await store.createRelease(release, documents: [content])
        }
        let maintainer = Maintainer(store: store, retention: Retention(releases: 1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await maintainer.run() }
            try await ReplicaFixture.eventually("the older release goes") {
                try await store.releases(of: "shop", limit: 9).map(\.reference.version) == ["1.1"]
            }
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }

    /// Fails at one part, and notes what it was asked for.
    private actor BrokenStore: MaintenanceStore {
        private(set) var asked: [MaintenancePart] = []

        func maintain(_ part: MaintenancePart, _ retention: Retention) throws(StoreError) -> MaintenanceOutcome {
            asked.append(part)
            guard part != .provenReleases else { throw StoreError(code: .internalError, message: "it takes too long") }
            return MaintenanceOutcome()
        }
    }

    @Test func onePartThatFailsIsTriedAgainAloneAndKeepsNoOtherFromItsTurn() async throws {
        let store = BrokenStore()
        let maintainer = Maintainer(store: store, pace: .seconds(1), patience: .milliseconds(5))
        let all = MaintenancePart.allCases
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await maintainer.run() }
            try await ReplicaFixture.eventually("all parts have had three turns") {
                await store.asked.count { $0 == all.last } >= 3
            }
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
        let asked = await store.asked
        #expect(Array(asked.prefix(all.count)) == all)
        #expect(asked[all.count] == .provenReleases)
        #expect(asked.count { $0 == .provenReleases } > asked.count { $0 == all.last })
    }
}
