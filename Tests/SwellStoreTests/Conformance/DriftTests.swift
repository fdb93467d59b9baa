internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellStore

@Suite struct DriftTests {
    private static func drift(
        at moment: Int64, _ names: [String] = ["settings"], isCorrected: Bool = true
    ) -> DriftReport {
        DriftReport(
            foundAt: Timestamp(milliseconds: moment), isCorrected: isCorrected,
            objects: names.map { name in
                ObjectChange(
                    apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: name, action: .update,
                    fields: [ChangedField(path: "data.a", before: "1", after: "2", managers: ["kubectl-edit"])])
            })
    }

    private static func report(_ cluster: ClusterName, _ drift: DriftReport?) -> ReceivedReport {
        var report = Fixtures.report(cluster, generation: 1)
        report.report.drift = drift
        return report
    }

    private func events(_ store: any Store) async throws -> [AuditEvent] {
        try await store.latestEvents(filter: EventFilter(), limit: 100).filter { $0.what.hasPrefix("drift.") }
    }

    @Test(arguments: StoreForm.allCases)
    func driftIsKeptApartFromTheReportAndAudited(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.ingest([Self.report("east-1", Self.drift(at: 5))])
            #expect(try await store.statuses(of: nil).map(\.report.drift) == [nil])
            let kept = try await store.drifts(of: "east-1")
            #expect(kept.map(\.drift) == [Self.drift(at: 5)])
            #expect(kept.map(\.cluster) == ["east-1"] && kept.map(\.application) == [Fixtures.shop])
            let event = try #require(try await events(store).last)
            #expect(event.what == "drift.corrected")
            #expect(event.by == "east-1" && event.cluster == "east-1" && event.region == "us-east-1")
            #expect(event.reason == "ConfigMap shop/settings data.a: found \"2\" (by kubectl-edit), put back to \"1\"")

            // A report without news of it leaves what is known.
            _ = try await store.ingest([Self.report("east-1", nil)])
            #expect(try await store.drifts(of: "east-1").count == 1)
            #expect(try await store.drifts(of: "west-1").isEmpty)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aFindingThatIsToldTwiceCountsOnceAndTheNextOnesAreNotAllAudited(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            for _ in 0..<3 { _ = try await store.ingest([Self.report("east-1", Self.drift(at: 5))]) }
            #expect(try await events(store).count == 1)
            for moment in 6..<20 as Range<Int64> {
                _ = try await store.ingest([Self.report("east-1", Self.drift(at: moment))])
            }
            #expect(try await events(store).count == 6, "six at once, then one in ten seconds")
            #expect(try await store.drifts(of: "east-1").map(\.drift.foundAt.milliseconds) == [19])
            _ = try await store.ingest([Self.report("east-2", Self.drift(at: 5, isCorrected: false))])
            #expect(try await events(store).last?.what == "drift.reported")
        }
    }

    /// A second correction soon after the first is one more thing that happened to the cluster.
    @Test(arguments: StoreForm.allCases)
    func findingsSoonAfterOneAnotherAreAuditedEach(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.ingest([Self.report("east-1", Self.drift(at: 5, ["settings"]))])
            _ = try await store.ingest([Self.report("east-1", Self.drift(at: 6, ["routes"]))])
            let reasons = try await events(store).compactMap(\.reason)
            #expect(reasons.map { $0.contains("shop/settings") } == [true, false])
            #expect(reasons.map { $0.contains("shop/routes") } == [false, true])
        }
    }

    @Test func theShareOfTheAuditLogComesBackWithTime() {
        var now = Timestamp(milliseconds: 1_000_000)
        var used: Timestamp?
        func audit() -> Bool {
            guard let next = DriftAudit.next(after: used, now: now) else { return false }
            used = next
            return true
        }
        #expect((0..<8).map { _ in audit() } == [true, true, true, true, true, true, false, false])
        now = now + .seconds(10)
        #expect([audit(), audit()] == [true, false])
        now = now + .minutes(5)
        #expect((0..<7).filter { _ in audit() }.count == 6)
    }

    @Test(arguments: StoreForm.allCases)
    func ofWhatWasRemovedNothingDrifts(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.ingest([
                Self.report("east-1", Self.drift(at: 5, isCorrected: false)), Self.report("west-1", Self.drift(at: 6)),
            ])
            var removed = Self.report("east-1", nil)
            removed.report.phase = .removed
            _ = try await store.ingest([removed])
            #expect(try await store.driftFigures().map(\.cluster) == ["west-1"])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whatWasFoundUnderAnEarlierAssignmentIsHistory(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.ingest([
                Self.report("east-1", Self.drift(at: 5)), Self.report("west-1", Self.drift(at: 6)),
            ])
            #expect(try await store.driftFigures().map(\.cluster) == ["east-1", "west-1"])
            var next = Self.report("east-1", nil)
            next.report.generation += 1
            _ = try await store.ingest([next])
            #expect(try await store.driftFigures().map(\.cluster) == ["west-1"])
            #expect(try await store.drifts(of: "east-1").isEmpty)
            #expect(try await store.drifts(of: "west-1").count == 1)
            #expect(try await events(store).count == 2, "it is in the audit log")
            var found = next
            found.report.drift = Self.drift(at: 9)
            _ = try await store.ingest([found])
            #expect(try await store.driftFigures().map(\.cluster) == ["east-1", "west-1"])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func ofABatchTheLastFindingStands(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.ingest([
                Self.report("east-1", Self.drift(at: 5, isCorrected: false)), Self.report("west-1", Self.drift(at: 6)),
                Self.report("east-1", Self.drift(at: 9, [], isCorrected: false)),
                Self.report("nowhere", Self.drift(at: 7)),
            ])
            let kept = try await store.driftFigures()
            #expect(kept.map(\.cluster) == ["east-1", "west-1"])
            #expect(kept.map(\.count) == [0, 1])
            #expect(kept.map(\.isCorrected) == [false, true])
            try await store.removeCluster("west-1", by: "ann")
            #expect(try await store.driftFigures().map(\.cluster) == ["east-1"])
        }
    }
}
