internal import SwellEngine
internal import SwellModel
internal import Testing

/// An agent's process may be stopped for a while, or its node's clock may go ahead: time in which the machine did not run counts
/// neither against a release nor for it.
@Suite struct AgentStallTests {
    /// Nothing runs for a time; the alarm that was due rings when it is over.
    private func freeze(_ agent: inout AgentDriver, _ length: Interval) {
        agent.now = agent.now + length
        agent.send(.tick)
    }

    @Test(arguments: [10, 30, 120, 7_200] as [Int64]) func theDeadlineMovesByTheStall(length: Int64) {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        agent.send(.healthObserved(work, ObservedHealth(.progressing)))
        agent.pass(.minutes(10) - .seconds(1))
        freeze(&agent, .seconds(length))
        agent.pass(.milliseconds(500))
        #expect(agent.report?.phase == .verifying)
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func theStallAloneIsNotCounted() {
        var agent = AgentDriver.verifying(1, "one")
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.progressing)))
        agent.pass(.minutes(4))
        freeze(&agent, .hours(1))
        agent.pass(.minutes(6) - .seconds(1))
        #expect(agent.report?.phase == .verifying)
        agent.pass(.seconds(12))
        #expect(agent.report?.phase == .failed)
    }

    @Test func manyStallsInARowAreNotCounted() {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        agent.send(.healthObserved(work, ObservedHealth(.progressing)))
        for _ in 0..<60 {
            agent.pass(.seconds(6))
            freeze(&agent, .seconds(30))
        }
        #expect(agent.report?.phase == .verifying)
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func aStretchOfHealthBeginsAgain() {
        var agent = AgentDriver.verifying(1, "one")
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.healthy)))
        agent.pass(.seconds(5))
        freeze(&agent, .seconds(40))
        #expect(agent.report?.phase == .verifying, "nobody looked for forty seconds")
        agent.pass(.seconds(29))
        #expect(agent.report?.phase == .verifying)
        agent.pass(.seconds(1))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func theGraceForALostCoordinatorIsNotUsedUpByAStall() {
        var agent = AgentDriver()
        agent.start(2, "two", fallback: "one", away: .revert)
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.disconnected)
        agent.pass(.seconds(20))
        freeze(&agent, .minutes(5))
        #expect(agent.applies == [agent.forward(2, "two")], "the coordinator was given no chance to answer")
        agent.pass(.seconds(39))
        #expect(agent.applies == [agent.forward(2, "two")])
        agent.pass(.seconds(1))
        #expect(agent.applies.last == agent.revert(2, "one"))
    }

    /// Blindness and a stall at once do not give twice the time.
    @Test func aStallInTheDarkCountsOnce() {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        let isBad = ObservedHealth(.progressing)
        agent.send(.healthObserved(work, isBad))
        agent.pass(.minutes(4))
        agent.send(.healthObserved(work, ObservedHealth(.unknown)))
        freeze(&agent, .minutes(3))
        agent.send(.healthObserved(work, isBad))
        agent.pass(.minutes(6) + .seconds(11))
        #expect(agent.report?.phase == .failed)
    }

    /// Without a wake every few seconds a stall could not be told from waiting.
    @Test func itAsksToBeWokenWhileItWaitsAndNotOtherwise() {
        var agent = AgentDriver.verifying(1, "one")
        #expect((agent.wakeAt ?? agent.now) - agent.now <= .seconds(5))
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.healthy)))
        agent.pass(.seconds(31))
        agent.wakeAt = nil
        agent.send(.tick)
        #expect(agent.report?.phase == .healthy)
        #expect(agent.wakeAt == nil)
    }

    /// Events that come all the time neither put the wake off nor multiply it.
    @Test func eventsDoNotPutTheWakeOff() {
        var agent = AgentDriver.verifying(1, "one")
        let first = agent.wakeAt
        for _ in 0..<4 {
            agent.now = agent.now + .seconds(1)
            let actions = agent.send(.contentPresent(agent.digest("one")))
            #expect(!actions.contains { if case .wake = $0 { true } else { false } })
        }
        #expect(agent.wakeAt == first)
    }
}
