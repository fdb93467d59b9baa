internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import Testing

@testable internal import SwellCoordinator

@Suite struct SessionOutboxTests {
    private static let welcome = SessionWelcome(
        sessionID: "s", heartbeatInterval: .seconds(1), reportInterval: .zero, placement: SmallFleet.clusters[0])
    private static let place = SmallFleet.clusters[0]

    /// What is put in, in this order, and what comes out: `app@generation`, `ack n`, `resync`, `bye`.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let put: @Sendable (inout SessionOutbox) -> Void
        let said: [String]
    }

    private static func forward(_ application: ApplicationName, _ generation: Int64) -> Assignment {
        SmallFleet.assignment(application, generation)
    }
    private static func back(_ application: ApplicationName, _ generation: Int64) -> Assignment {
        SmallFleet.assignment(application, generation, fallback: nil)
    }

    private static func preview(_ id: Int64) -> PreviewRequest {
        PreviewRequest(
            id: id, cluster: place.name, application: SmallFleet.shop, release: SmallFleet.release,
            timeLimit: .seconds(5))
    }

    static let cases: [Case] = [
        Case(
            testDescription: "nothing before the welcome",
            put: { outbox in
                _ = outbox.assign([forward("a", 1)])
                _ = outbox.acknowledge(1)
                outbox.move(to: place)
                outbox.completeResync()
            }, said: []),
        Case(
            testDescription: "welcome, place, back, acknowledgements, forward",
            put: { outbox in
                _ = outbox.assign([forward("a", 1), back("b", 1)])
                _ = outbox.acknowledge(1)
                _ = outbox.acknowledge(2)
                outbox.move(to: place)
                outbox.open(welcome)
            }, said: ["welcome", "place", "b@1", "ack 1 2", "a@1"]),
        Case(
            testDescription: "previews come last, each once, and not when they are not open any more",
            put: { outbox in
                outbox.open(welcome)
                _ = outbox.ask([preview(1), preview(2)])
                _ = outbox.ask([preview(1), preview(3)])
                _ = outbox.assign([forward("a", 1)])
                _ = outbox.acknowledge(1)
                outbox.completeResync()
            }, said: ["welcome", "ack 1", "a@1 resync", "preview 1", "preview 3"]),
        Case(
            testDescription: "the latest assignment only",
            put: { outbox in
                outbox.open(welcome)
                _ = outbox.assign([forward("a", 1)])
                _ = outbox.assign([forward("a", 3)], at: 3)
                _ = outbox.assign([forward("a", 4)], at: 2)
                _ = outbox.assign([forward("a", 3)], at: 4)
            }, said: ["welcome", "a@3"]),
        Case(
            testDescription: "a rollback takes the place of what it takes back",
            put: { outbox in
                outbox.open(welcome)
                _ = outbox.assign([forward("a", 1)])
                _ = outbox.acknowledge(1)
                _ = outbox.assign([back("a", 2)])
            }, said: ["welcome", "a@2", "ack 1"]),
        Case(
            testDescription: "a new assignment takes the place of a rollback",
            put: { outbox in
                outbox.open(welcome)
                _ = outbox.assign([SmallFleet.assignment("a", 1, goal: .remove)])
                _ = outbox.assign([forward("a", 2)])
            }, said: ["welcome", "a@2"]),
        Case(
            testDescription: "the resync ends with the last of the list",
            put: { outbox in
                outbox.open(welcome)
                _ = outbox.assign([forward("a", 1), back("b", 1)])
                outbox.completeResync()
            }, said: ["welcome", "b@1", "a@1 resync"]),
        Case(
            testDescription: "an empty list ends at once, and once",
            put: { outbox in
                outbox.open(welcome)
                outbox.completeResync()
                outbox.completeResync()
            }, said: ["welcome", "resync"]),
        Case(
            testDescription: "the end outruns assignments, and no acknowledgement",
            put: { outbox in
                outbox.open(welcome)
                _ = outbox.next()
                _ = outbox.assign([back("a", 1)])
                _ = outbox.acknowledge(1)
                outbox.end(after: .zero, reason: "bye")
                outbox.end(after: .zero, reason: "later")
                _ = outbox.assign([back("a", 2)])
            }, said: ["ack 1", "bye"]),
        Case(
            testDescription: "the end may come before the welcome",
            put: { outbox in
                outbox.end(after: .zero, reason: "bye")
                outbox.open(welcome)
            }, said: ["bye"]),
    ]

    @Test(arguments: cases) func whatIsSaid(_ example: Case) {
        var outbox = SessionOutbox()
        example.put(&outbox)
        let said = Self.drain(&outbox)
        #expect(said == example.said)
    }

    @Test func aLongListGoesInPiecesAndTheLastEndsTheResync() throws {
        var outbox = SessionOutbox()
        outbox.open(Self.welcome)
        let names = try (0..<1_100).map { try ApplicationName("app-\($0)") }
        _ = outbox.assign(names.map { Self.forward($0, 1) })
        outbox.completeResync()
        var sizes: [Int] = []
        var ends: [Bool] = []
        while let event = outbox.next() {
            guard case .assignments(let list, let isComplete) = event else { continue }
            sizes.append(list.count)
            ends.append(isComplete)
        }
        #expect(sizes == [500, 500, 100])
        #expect(ends == [false, false, true])
    }

    @Test func whatWasSentIsNotSentAgain() {
        var outbox = SessionOutbox()
        outbox.open(Self.welcome)
        let first = outbox.assign([Self.forward("a", 1)])
        _ = Self.drain(&outbox)
        let second = outbox.assign([Self.forward("a", 1)])
        let said = Self.drain(&outbox)
        #expect(first.count == 1)
        #expect(second.isEmpty)
        #expect(said.isEmpty)
    }

    @Test func aPreviewThatWasSentIsNotSentAgainAndThoseBeyondTheLimitAreRefused() {
        var outbox = SessionOutbox()
        outbox.open(Self.welcome)
        _ = outbox.ask([Self.preview(1)])
        _ = Self.drain(&outbox)
        let many = (1...Int64(SessionOutbox.previewLimit + 3)).map { Self.preview($0) }
        let refused = outbox.ask(many)
        let again = outbox.ask(many)
        let said = Self.drain(&outbox)
        #expect(refused.map(\.id) == [10, 11])
        #expect(again.isEmpty, "a refusal is told once")
        #expect(said == (2...9).map { "preview \($0)" })
    }

    @Test func acknowledgementsLeftUnreadAreBounded() {
        var outbox = SessionOutbox()
        let taken = (0...SessionOutbox.acknowledgementLimit).map { outbox.acknowledge(UInt64($0)) }
        #expect(taken.count { $0 } == SessionOutbox.acknowledgementLimit)
        #expect(taken.last == false)
    }

    private static func drain(_ outbox: inout SessionOutbox) -> [String] {
        var said: [String] = []
        while let event = outbox.next() {
            switch event {
            case .welcome: said.append("welcome")
            case .placement: said.append("place")
            case .previewRequested(let question): said.append("preview \(question.id)")
            case .reportsAcknowledged(let ids): said.append("ack " + ids.map(String.init).joined(separator: " "))
            case .retryLater(_, let reason): said.append(reason)
            case .assignments(let list, let isComplete):
                let words = list.map { "\($0.application)@\($0.generation)" } + (isComplete ? ["resync"] : [])
                said.append(words.joined(separator: " "))
            }
        }
        return said
    }
}

extension SessionOutboxTests {
    @Test func anAnswerIsTakenOnceAndOnlyToWhatWasAsked() {
        var outbox = SessionOutbox()
        outbox.open(Self.welcome)
        _ = outbox.ask([Self.preview(1), Self.preview(2)])
        let early = outbox.takeAnswer(to: 1)
        #expect(!early && !outbox.awaits(preview: 1), "it was not told yet")
        while outbox.next() != nil {}
        #expect(outbox.awaits(preview: 1) && !outbox.awaits(preview: 3))
        let answers = [outbox.takeAnswer(to: 1), outbox.takeAnswer(to: 1), outbox.takeAnswer(to: 3)]
        #expect(answers == [true, false, false])
        // What nobody waits for any more is not awaited, and is not asked again.
        _ = outbox.ask([Self.preview(1)])
        #expect(!outbox.awaits(preview: 2) && !outbox.awaits(preview: 1))
    }
}

extension SessionOutbox {
    /// Puts in what the store had when its counter was so high.
    fileprivate mutating func assign(_ assignments: [Assignment], at counter: Int64 = 1) -> [Assignment] {
        assign(ChangeDelivery(moment: StoreMoment(term: 0, counter: counter), assignments: assignments))
    }
}
