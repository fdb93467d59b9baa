internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("Which leases a replica believes to hold")
struct LeaseTableTests {
    private static let shop = LeaseTable.name(of: "shop-1")
    private static let mail = LeaseTable.name(of: "mail-1")

    private static func lease(_ name: String, epoch: Int64 = 1) -> Lease {
        Lease(name: name, holder: "a", epoch: epoch, expiresAt: Timestamp(milliseconds: 0))
    }

    /// Holds both leases, claimed at 0.
    private static func holding() -> LeaseTable {
        var table = LeaseTable(lifetime: .seconds(8))
        for name in [shop, mail] {
            _ = table.answered(.claim(name), .claimed(lease(name)), sentAt: LoopFixture.at(0))
        }
        return table
    }

    /// What became of the renewal that is due at 2 s, and what is left of it.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var outcome: LeaseTable.Outcome
        var lost: [String]
        /// What may be decided under at 7 s, and at 9 s.
        var before: [String]
        var after: [String]
    }

    static let cases: [Case] = [
        Case(
            testDescription: "all renewed", outcome: .renewed([lease(shop), lease(mail)]), lost: [],
            before: [shop, mail], after: [shop, mail]),
        Case(
            testDescription: "one is gone", outcome: .renewed([lease(shop)]), lost: [mail], before: [shop],
            after: [shop]),
        Case(
            testDescription: "one was claimed again under another epoch",
            outcome: .renewed([lease(shop, epoch: 2), lease(mail)]),
            lost: [shop], before: [mail], after: [mail]),
        Case(
            testDescription: "one is busy: believed as long as it lives, and no longer, and the other is renewed",
            outcome: .renewed([lease(shop)], busy: [mail]), lost: [], before: [shop, mail], after: [shop]),
        Case(
            testDescription: "not renewed: believed as long as it lives, and no longer", outcome: .failed, lost: [],
            before: [shop, mail], after: []),
    ]

    @Test(arguments: cases) func renewal(_ example: Case) throws {
        var table = Self.holding()
        let found1 = table.due(now: LoopFixture.at(1))
        #expect(found1 == nil)
        let found2 = table.due(now: LoopFixture.at(2))
        let step = try #require(found2)
        #expect(step == .renew([Self.shop: 1, Self.mail: 1]))
        let found3 = table.due(now: LoopFixture.at(3))
        #expect(found3 == nil)
        let lost = table.answered(step, example.outcome, sentAt: LoopFixture.at(2))
        #expect(lost.map(\.name) == example.lost)
        func usable(_ second: Int64) -> [String] {
            [Self.shop, Self.mail].filter { table.lease($0, now: LoopFixture.at(second)) != nil }
        }
        #expect(usable(7) == example.before)
        #expect(usable(9) == example.after)
        let found4 = table.due(now: LoopFixture.at(4))
        #expect(found4 != nil, "and on it goes")
    }

    @Test("What was claimed while a renewal was under way is none of its business") func claimedMeanwhile() throws {
        var table = Self.holding()
        let found5 = table.due(now: LoopFixture.at(2))
        let step = try #require(found5)
        table.drop(Self.mail)
        _ = table.answered(.claim(Self.mail), .claimed(Self.lease(Self.mail, epoch: 5)), sentAt: LoopFixture.at(3))
        let lost = table.answered(step, .renewed([Self.lease(Self.shop)]), sentAt: LoopFixture.at(2))
        #expect(lost.isEmpty)
        #expect(table.lease(Self.mail, now: LoopFixture.at(4))?.epoch == 5)
    }

    @Test("A replica that stood still claims again") func stoodStill() {
        var table = Self.holding()
        #expect(table.lease(Self.shop, now: LoopFixture.at(100)) == nil)
        let lost = table.answered(.claim(Self.shop), .claimed(nil), sentAt: LoopFixture.at(100))
        #expect(lost.map(\.name) == [Self.shop])
        #expect(table.leases.map(\.name) == [Self.mail])
    }

    @Test("Nothing held, nothing due") func nothing() {
        var table = Self.holding()
        table.dropAll()
        let found6 = table.due(now: LoopFixture.at(100))
        #expect(found6 == nil)
    }
}
