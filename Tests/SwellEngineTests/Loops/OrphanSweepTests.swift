internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("Telling orphaned assignments again")
struct OrphanSweepTests {
    private static let lease = Lease(
        name: OrphanSweep.lease, holder: "a", epoch: 9, expiresAt: Timestamp(milliseconds: 0))

    private static func orphan(_ cluster: ClusterName, epoch: Int64 = 1) throws -> OrphanedAssignment {
        try #require(
            OrphanedAssignment(
                LoopFixture.assignment(generation: 1, cluster: cluster),
                report: LoopFixture.report(generation: 4, epoch: epoch)))
    }

    @Test("Looks, claims, tells again above what the agent knows, and gives back") func whole() throws {
        var sweep = OrphanSweep(pace: .seconds(5), limit: 2)
        let orphan = try Self.orphan("a")
        let reissued = orphan.reissued(under: 9)
        let found1 = sweep.begin(now: LoopFixture.at(0))
        #expect(found1 == .look(limit: 2, after: nil))
        let found2 = sweep.next(.found([orphan]))
        #expect(found2 == .claim)
        let found3 = sweep.next(.claimed(Self.lease))
        #expect(found3 == .reissue([reissued], under: Self.lease))
        #expect(reissued.generation == 5 && reissued.epoch == 9)
        let found4 = sweep.next(.reissued(1))
        #expect(found4 == .release(Self.lease))
        let found5 = sweep.next(.released)
        #expect(found5 == nil)
        let found6 = sweep.begin(now: LoopFixture.at(4))
        #expect(found6 == nil)
        let found7 = sweep.begin(now: LoopFixture.at(5))
        #expect(found7 == .look(limit: 2, after: nil))
    }

    /// What is answered, and where the sweep ends.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var outcomes: @Sendable () throws -> [OrphanSweep.Outcome]
        var last: OrphanSweep.Step?
    }

    static let cases: [Case] = [
        Case(testDescription: "none found", outcomes: { [.found([])] }, last: nil),
        Case(testDescription: "the look failed", outcomes: { [.failed] }, last: nil),
        Case(
            testDescription: "another replica is at it", outcomes: { [.found([try orphan("a")]), .claimed(nil)] },
            last: nil),
        Case(testDescription: "the claim failed", outcomes: { [.found([try orphan("a")]), .failed] }, last: nil),
        Case(
            testDescription: "not told: the lease expires",
            outcomes: { [.found([try orphan("a")]), .claimed(lease), .failed] }, last: nil),
    ]

    @Test(arguments: cases) func ends(_ example: Case) throws {
        var sweep = OrphanSweep()
        var step = sweep.begin(now: LoopFixture.at(0))
        for outcome in try example.outcomes() {
            #expect(step != nil)
            step = sweep.next(outcome)
        }
        #expect(step == example.last)
    }

    @Test("Told above an epoch that the agent has seen, though the lease's is lower") func higherEpoch() throws {
        var sweep = OrphanSweep()
        _ = sweep.begin(now: LoopFixture.at(0))
        _ = sweep.next(.found([try Self.orphan("a", epoch: 12)]))
        guard case .reissue(let assignments, under: Self.lease) = sweep.next(.claimed(Self.lease)) else {
            Issue.record("it is not told again")
            return
        }
        #expect(assignments.map(\.epoch) == [12])
    }

    @Test("Where the list was full there may be more: the next sweep does not wait") func more() throws {
        var sweep = OrphanSweep(pace: .seconds(5), limit: 2)
        _ = sweep.begin(now: LoopFixture.at(0))
        _ = sweep.next(.found([try Self.orphan("a"), try Self.orphan("b")]))
        _ = sweep.next(.claimed(Self.lease))
        _ = sweep.next(.reissued(2))
        _ = sweep.next(.released)
        // And it begins where this one ended.
        let found8 = sweep.begin(now: LoopFixture.at(1))
        #expect(found8 == .look(limit: 2, after: "b"))
        _ = sweep.next(.found([try Self.orphan("c")]))
        _ = sweep.next(.claimed(Self.lease))
        _ = sweep.next(.reissued(1))
        let found9 = sweep.begin(now: LoopFixture.at(7))
        #expect(found9 == .look(limit: 2, after: nil))
    }
}
