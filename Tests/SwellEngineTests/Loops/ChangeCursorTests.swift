internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("What a replica asks the store for, and what it makes of the answers")
struct ChangeCursorTests {
    /// One turn of the loop: what is asked at a moment, and what is answered.
    struct Turn: Sendable {
        var at: Int64
        var asks: ChangeQuery?
        var page: ChangePage?
        /// The term after it.
        var term = 0
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var turns: [Turn]
    }

    private static let sessions: [ClusterName] = ["c", "a", "b"]
    private static let first = ChangeQuery.after(.max, limit: 3)

    private static var settings: ChangeCursor.Settings {
        var settings = ChangeCursor.Settings()
        settings.pageLimit = 3
        settings.lookLimit = 2
        return settings
    }

    private static func page(_ count: Int = 0, cursor: Int64? = nil, counter: Int64) -> ChangePage {
        ChangePage(
            assignments: (0..<count).map { LoopFixture.assignment(generation: Int64($0) + 1) },
            cursor: cursor ?? counter, counter: counter)
    }

    /// The first round: the counter, then everything at once, since sessions may have read their lists before it.
    private static let begin: [Turn] = [
        Turn(at: 0, asks: first, page: page(counter: 10)),
        Turn(at: 0, asks: .of(["a", "b"]), page: page(2, counter: 10)),
        Turn(at: 0, asks: .of(["c"]), page: page(1, counter: 10)),
        Turn(at: 0, asks: nil),
    ]

    static let cases: [Case] = [
        Case(testDescription: "begins at the counter, with a look at everything", turns: begin),
        Case(
            testDescription: "goes on from the counter where a page is not full, and at once where it is",
            turns: begin + [
                Turn(at: 1_000, asks: .after(10, limit: 3), page: page(3, cursor: 14, counter: 20)),
                Turn(at: 1_000, asks: .after(14, limit: 3), page: page(2, counter: 20)),
                Turn(at: 1_000, asks: nil),
                Turn(at: 2_000, asks: .after(20, limit: 3), page: page(counter: 20)),
                Turn(at: 2_000, asks: nil),
            ]),
        Case(
            testDescription: "looks at everything again after a minute, some a round",
            turns: begin + [
                Turn(at: 60_000, asks: .after(10, limit: 3), page: page(counter: 10)),
                Turn(at: 60_000, asks: .of(["a", "b"]), page: page(counter: 10)),
                Turn(at: 60_000, asks: nil),
                Turn(at: 61_000, asks: .after(10, limit: 3), page: page(counter: 10)),
                Turn(at: 61_000, asks: .of(["c"]), page: page(counter: 10)),
                Turn(at: 61_000, asks: nil),
                Turn(at: 62_000, asks: .after(10, limit: 3), page: page(counter: 10)),
                Turn(at: 62_000, asks: nil),
            ]),
        Case(
            testDescription:
                "a counter below the last is a store that went back: a new term, and everything without a pause",
            turns: begin + [
                Turn(at: 1_000, asks: .after(10, limit: 3), page: page(counter: 7), term: 1),
                Turn(at: 1_000, asks: .of(["a", "b"]), page: page(2, counter: 8), term: 1),
                Turn(at: 1_000, asks: .of(["c"]), page: page(1, counter: 8), term: 1),
                Turn(at: 1_000, asks: nil, term: 1),
                Turn(at: 2_000, asks: .after(7, limit: 3), page: page(1, counter: 8), term: 1),
                Turn(at: 2_000, asks: nil, term: 1),
            ]),
        Case(
            testDescription: "it may go back in the middle of a look, which begins again",
            turns: begin + [
                Turn(at: 60_000, asks: .after(10, limit: 3), page: page(counter: 10)),
                Turn(at: 60_000, asks: .of(["a", "b"]), page: page(counter: 9), term: 1),
                Turn(at: 60_000, asks: .of(["a", "b"]), page: page(counter: 9), term: 1),
                Turn(at: 60_000, asks: .of(["c"]), page: page(counter: 9), term: 1),
                Turn(at: 60_000, asks: nil, term: 1),
            ]),
        Case(
            testDescription: "a store that did not answer may have failed over: everything is looked at, some a round",
            turns: begin + [
                Turn(at: 1_000, asks: .after(10, limit: 3), page: nil),
                Turn(at: 2_000, asks: .after(10, limit: 3), page: page(counter: 12)),
                Turn(at: 2_000, asks: .of(["a", "b"]), page: page(counter: 12)),
                Turn(at: 2_000, asks: nil),
                Turn(at: 3_000, asks: .after(12, limit: 3), page: page(counter: 12)),
                Turn(at: 3_000, asks: .of(["c"]), page: page(counter: 12)),
                Turn(at: 3_000, asks: nil),
                Turn(at: 4_000, asks: .after(12, limit: 3), page: page(counter: 12)),
                Turn(at: 4_000, asks: nil),
            ]),
    ]

    @Test(arguments: cases) func asks(_ example: Case) {
        var cursor = ChangeCursor(Self.settings)
        for (number, turn) in example.turns.enumerated() {
            let query = cursor.next(now: Tick(milliseconds: turn.at), sessions: Self.sessions)
            #expect(query == turn.asks, "turn \(number)")
            guard query != nil else { continue }
            if let page = turn.page {
                let delivery = cursor.received(page)
                #expect(delivery.moment == StoreMoment(term: turn.term, counter: page.counter), "turn \(number)")
                #expect(delivery.assignments == page.assignments)
            } else {
                cursor.failed()
            }
            #expect(cursor.term == turn.term, "turn \(number)")
        }
    }

    @Test("Without sessions it follows the counter and looks at nothing") func alone() {
        var cursor = ChangeCursor(Self.settings)
        for second in 0..<200 as Range<Int64> {
            let now = Tick(milliseconds: second * 1_000)
            let found1 = cursor.next(now: now, sessions: [])
            #expect(found1 == .after(second == 0 ? .max : second - 1, limit: 3))
            _ = cursor.received(Self.page(counter: second))
            let found2 = cursor.next(now: now, sessions: [])
            #expect(found2 == nil)
        }
    }
}
