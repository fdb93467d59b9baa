internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

@Suite(.timeLimit(.minutes(3))) struct PlacementCacheTests {
    /// A fleet that is read when it is let.
    private actor SlowFleet {
        private(set) var reads = 0
        private var waiting: [CheckedContinuation<Void, Never>] = []
        private var isOpen = false
        var names: [ClusterName] = ["east-1"]

        func read() async -> Listing<ClusterRecord> {
            reads += 1
            // What the store had when the read began.
            let names = names
            if !isOpen { await withCheckedContinuation { waiting.append($0) } }
            var listing = Listing(
                items: names.map {
                    ClusterRecord(cluster: Cluster(name: $0, region: "us-east-1", environment: "production"))
                })
            listing.items.removeAll { broken.contains($0.cluster.name) }
            listing.unreadable = broken.map { UnreadableRow(name: $0.rawValue, reason: "broken") }
            return listing
        }

        private var broken: [ClusterName] = []
        func damage(_ name: ClusterName) { broken.append(name) }

        func add(_ name: ClusterName) { names.append(name) }

        func open() {
            isOpen = true
            for one in waiting { one.resume() }
            waiting = []
        }
    }

    @Test func twoRowsOfOneNameDoNotEndTheReplica() async throws {
        let fleet = SlowFleet()
        await fleet.open()
        await fleet.add("east-1")
        await fleet.add("west-1")
        let cache = PlacementCache { () async throws(StoreError) in await fleet.read() }
        #expect(try await cache.place(of: "east-1")?.name == "east-1")
        #expect(try await cache.place(of: "west-1")?.name == "west-1")
    }

    @Test func allWhoWaitShareOneRead() async throws {
        let fleet = SlowFleet()
        let cache = PlacementCache { () async throws(StoreError) in await fleet.read() }
        try await withThrowingTaskGroup(of: ClusterName?.self) { group in
            group.addTask { try await cache.place(of: "east-1")?.name }
            try await soon("the first read begins") { await fleet.reads == 1 }
            // Not in what is being read: another read must find it, one for all who ask.
            await fleet.add("west-1")
            for _ in 0..<31 { group.addTask { try await cache.place(of: "west-1")?.name } }
            group.addTask {
                await fleet.open()
                return "west-1"
            }
            var found: [ClusterName?] = []
            for try await name in group { found.append(name) }
            #expect(found.count { $0 == "west-1" } == 32 && found.contains("east-1"))
        }
        // Those who came after the second had begun found it in the third, or in what was kept.
        #expect(await fleet.reads <= 3)
    }

    @Test func aClusterThatCannotBeReadStaysWhereItWasAndKeepsNobodyOut() async throws {
        let fleet = SlowFleet()
        await fleet.open()
        await fleet.add("west-1")
        let cache = PlacementCache { () async throws(StoreError) in await fleet.read() }
        #expect(try await cache.place(of: "east-1") != nil)
        await fleet.damage("east-1")
        let places = try await cache.refresh()
        #expect(places.keys.sorted() == ["east-1", "west-1"])
    }

    @Test func aReadThatNobodyWaitsForAnyMoreServesTheOthers() async throws {
        let fleet = SlowFleet()
        let cache = PlacementCache { () async throws(StoreError) in await fleet.read() }
        let impatient = Task { try await cache.place(of: "east-1") }
        try await soon("the read begins") { await fleet.reads == 1 }
        impatient.cancel()
        async let place = cache.place(of: "east-1")
        await fleet.open()
        #expect(try await place?.name == "east-1")
    }
}
