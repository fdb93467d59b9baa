internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// What waits for a rollout that does not come to reading it, or not to all of it at once.
@Suite struct InboxTests {
    private func filled(_ store: any Store, reports: Int, inBatchesOf size: Int) async throws -> Lease {
        try await Fixtures.fill(store)
        try await store.createRollout(Fixtures.rollout("first"), superseding: [], by: "ann")
        let lease = try await Fixtures.lease(store, "first")
        _ = try await store.decide("first", under: lease) { $0.dispatching(["east-1", "east-2"]) }
        for start in stride(from: 0, to: reports, by: size) {
            let numbers = start..<min(start + size, reports)
            _ = try await store.ingest(
                numbers.map {
                    Fixtures.report("east-1", generation: 1, health: $0 == reports - 1 ? .healthy : .degraded)
                })
        }
        _ = try await store.ingest([Fixtures.report("east-2", generation: 1)])
        return lease
    }

    @Test(arguments: StoreForm.allCases, [1, 7, 400])
    func ofOneClusterTheEarliestAndTheLatestWait(form: StoreForm, batch: Int) async throws {
        try await form.run { store in
            let lease = try await filled(store, reports: 300, inBatchesOf: batch)
            _ = try await store.decide("first", under: lease) { input in
                let loud = input.reports.filter { $0.cluster == "east-1" }
                #expect(loud.count == 257)
                #expect(loud.last?.report.health == .healthy)
                #expect(loud.last?.isAfterGap == true)
                #expect(loud.dropLast().allSatisfy { !$0.isAfterGap && $0.report.health == .degraded })
                #expect(input.reports.filter { $0.cluster == "east-2" }.map(\.isAfterGap) == [false])
                #expect(input.unread.isEmpty)
                return input.unchanged
            }
            // What was read is gone; what comes next has no gap before it.
            _ = try await store.ingest([Fixtures.report("east-1", generation: 1)])
            _ = try await store.decide("first", under: lease) { input in
                #expect(input.reports.map(\.isAfterGap) == [false])
                return input.unchanged
            }
        }
    }
}
