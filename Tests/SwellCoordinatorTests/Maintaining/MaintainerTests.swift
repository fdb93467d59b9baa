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
}
