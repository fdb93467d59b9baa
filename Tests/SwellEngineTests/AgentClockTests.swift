internal import SwellEngine
internal import SwellModel
internal import Testing

/// The agent's clock is a node's wall clock: it may be set back by an hour. What is under way must not wait for it to catch up.
@Suite struct AgentClockTests {
    /// The clock is set back; something is heard soon after.
    private func setBack(_ agent: inout AgentDriver) {
        agent.now = agent.now - .hours(1)
        agent.send(.tick)
    }

    @Test func healthIsProvenInItsTime() {
        var agent = AgentDriver.verifying(1, "one")
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.healthy)))
        setBack(&agent)
        agent.pass(.seconds(29))
        #expect(agent.report?.phase == .verifying)
        agent.pass(.seconds(1))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func aReleaseThatDoesNotBecomeHealthyFailsInItsTime() {
        var agent = AgentDriver.verifying(1, "one")
        setBack(&agent)
        agent.pass(.minutes(10) + .seconds(10))
        #expect(agent.report?.phase == .failed)
    }

    @Test func aRetryComesInItsTime() {
        var agent = AgentDriver()
        agent.start(1, "one")
        agent.send(.workFailed(agent.forward(1, "one"), .transient))
        agent.send(.contentPresent(agent.digest("one")))
        setBack(&agent)
        agent.pass(.minutes(3))
        #expect(agent.applies.count == 2)
    }

    @Test func theGraceForALostCoordinatorEndsInItsTime() {
        var agent = AgentDriver()
        agent.start(2, "two", fallback: "one", away: .revert)
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.disconnected)
        setBack(&agent)
        agent.pass(.seconds(60))
        #expect(agent.report?.phase == .reverting)
    }
}
