internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("What of the store's assignments is news to a session")
struct SessionDeliveryTests {
    /// What is put in, each with the moment at which it was read.
    struct Read: Sendable {
        var term = 0
        var counter: Int64
        var generation: Int64
        var epoch: Int64 = 1
        var version = "2"
        var isNews: Bool
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var reads: [Read]
    }

    static let cases: [Case] = [
        Case(
            testDescription: "what is new, once",
            reads: [
                Read(counter: 1, generation: 1, isNews: true), Read(counter: 1, generation: 1, isNews: false),
                Read(counter: 9, generation: 1, isNews: false), Read(counter: 10, generation: 2, isNews: true),
            ]),
        Case(
            testDescription: "never what was read before the last",
            reads: [
                Read(counter: 5, generation: 2, isNews: true), Read(counter: 4, generation: 1, isNews: false),
                Read(counter: 4, generation: 3, isNews: false),
            ]),
        Case(
            testDescription: "seeing it unchanged later makes what was read between old",
            reads: [
                Read(counter: 5, generation: 2, isNews: true), Read(counter: 9, generation: 2, isNews: false),
                Read(counter: 7, generation: 1, isNews: false),
            ]),
        Case(
            testDescription: "after a failover a lower generation and a lower counter are right",
            reads: [
                Read(counter: 100, generation: 9, epoch: 8, isNews: true),
                Read(term: 1, counter: 60, generation: 7, epoch: 5, isNews: true),
                Read(term: 1, counter: 61, generation: 8, epoch: 6, isNews: true),
            ]),
        Case(
            testDescription: "the same numbers given out again for something else are news",
            reads: [
                Read(counter: 100, generation: 9, isNews: true),
                Read(term: 1, counter: 60, generation: 9, version: "3", isNews: true),
            ]),
        Case(
            testDescription: "what a failover left as it was is no news",
            reads: [
                Read(counter: 100, generation: 9, isNews: true),
                Read(term: 1, counter: 60, generation: 9, isNews: false),
            ]),
        Case(
            testDescription: "a list read before the failover is void, however high its numbers",
            reads: [
                Read(term: 1, counter: 60, generation: 7, isNews: true),
                Read(counter: 100, generation: 9, isNews: false),
            ]),
        Case(
            testDescription: "a failover that nobody noticed: a look at a higher counter finds less, and is right",
            reads: [
                Read(counter: 100, generation: 9, isNews: true), Read(counter: 101, generation: 8, isNews: true),
            ]),
    ]

    @Test(arguments: cases) func news(_ example: Case) {
        var delivery = SessionDelivery()
        for (number, read) in example.reads.enumerated() {
            let assignment = LoopFixture.assignment(
                generation: read.generation, epoch: read.epoch, version: read.version)
            let moment = StoreMoment(term: read.term, counter: read.counter)
            let news = delivery.put(ChangeDelivery(moment: moment, assignments: [assignment]))
            #expect(news == (read.isNews ? [assignment] : []), "read \(number)")
        }
    }

    @Test("Rollbacks first, by name, in pieces; the last says that the list is whole") func order() {
        var delivery = SessionDelivery()
        let list = [
            LoopFixture.assignment("d", generation: 1), LoopFixture.assignment("c", generation: 1),
            LoopFixture.assignment("b", generation: 1, fallback: nil),
            LoopFixture.assignment("a", generation: 1, fallback: nil),
        ]
        _ = delivery.put(ChangeDelivery(moment: StoreMoment(term: 0, counter: 1), assignments: list))
        delivery.completeResync()
        var said: [String] = []
        while let batch = delivery.nextRollbacks(limit: 1) ?? delivery.nextForward(limit: 2) {
            said.append(
                batch.assignments.map(\.application.rawValue).joined() + (batch.endsResync ? ", whole" : ""))
        }
        #expect(said == ["a", "b", "cd, whole"])
    }

    @Test("An empty list is whole at once, and once") func empty() {
        var delivery = SessionDelivery()
        let found1 = delivery.nextForward(limit: 1)
        #expect(found1 == nil)
        delivery.completeResync()
        let found2 = delivery.nextForward(limit: 1)
        #expect(found2 == SessionDelivery.Batch(assignments: [], endsResync: true))
        delivery.completeResync()
        let found3 = delivery.nextForward(limit: 1)
        #expect(found3 == nil)
    }
}
