internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("How an agent is greeted")
struct SessionGreetingTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var steps: [(SessionGreeting.Event, [SessionGreeting.Action])]
    }

    private static let place = LoopFixture.cluster("a")
    private static let journal = [LoopFixture.report(generation: 3)]

    private static func list(_ generation: Int64, counter: Int64) -> ChangePage {
        ChangePage(
            assignments: [LoopFixture.assignment(generation: generation)], cursor: counter, counter: counter)
    }

    private static func opens(_ page: ChangePage, term: Int) -> SessionGreeting.Action {
        .open(
            place,
            ChangeDelivery(moment: StoreMoment(term: term, counter: page.counter), assignments: page.assignments))
    }

    static let cases: [Case] = [
        Case(
            testDescription: "seen, placed, ingested, entered, read, opened: in this order",
            steps: [
                (.hello(journal: journal, hasRoom: true), [.see, .place]), (.placed(place), [.ingest(journal)]),
                (.ingested, [.enter(place)]), (.entered(term: 2), [.readList]),
                (.listed(list(1, counter: 9), term: 2), [opens(list(1, counter: 9), term: 2)]),
            ]),
        Case(
            testDescription: "no room: seen all the same",
            steps: [(.hello(journal: journal, hasRoom: false), [.see, .sendAway(.noRoom)])]),
        Case(
            testDescription: "not in the fleet: nothing of it is taken in",
            steps: [
                (.hello(journal: journal, hasRoom: true), [.see, .place]), (.placed(nil), [.sendAway(.notInFleet)]),
            ]),
        Case(
            testDescription: "the store went back while the list was read: it is read again",
            steps: [
                (.hello(journal: [], hasRoom: true), [.see, .place]), (.placed(place), [.ingest([])]),
                (.ingested, [.enter(place)]), (.entered(term: 0), [.readList]),
                (.listed(list(9, counter: 90), term: 1), [.readList]),
                (.listed(list(2, counter: 20), term: 1), [opens(list(2, counter: 20), term: 1)]),
            ]),
    ]

    @Test(arguments: cases) func follows(_ example: Case) {
        var greeting = SessionGreeting()
        for (event, actions) in example.steps {
            let found1 = greeting.handle(event)
            #expect(found1 == actions)
        }
    }
}
