internal import SwellEngine
internal import SwellModel
internal import Testing

/// A person's pause stops the agent's clock as it stops the coordinator's: nobody is to find a cluster taken back while somebody looks.
@Suite struct AgentPauseTests {
    private static let bad = ObservedHealth(.progressing, message: "Deployment web: 1 of 2")

    private func paused(after interval: Interval, fallback: String? = "one") -> AgentDriver {
        var agent = AgentDriver()
        agent.start(2, "two", fallback: fallback)
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.workFinished(agent.forward(2, "two")))
        agent.send(.healthObserved(agent.forward(2, "two"), Self.bad))
        agent.pass(interval)
        agent.tell(paused: true)
        return agent
    }

    @Test func theDeadlineRestsAndGoesOnWithWhatWasLeft() {
        var agent = paused(after: .minutes(9))
        agent.pass(.hours(8))
        #expect(agent.report?.phase == .verifying)
        agent.tell(paused: false)
        agent.pass(.seconds(59))
        #expect(agent.report?.phase == .verifying)
        agent.pass(.seconds(12))
        #expect(agent.report?.phase == .reverting, "once the pause is over, it is judged")
    }

    @Test func whatFailsByItselfFailsUnderAPauseToo() {
        var agent = paused(after: .minutes(1))
        agent.send(.healthObserved(agent.forward(2, "two"), ObservedHealth(.failed, reason: "JobFailed")))
        #expect(agent.report?.phase == .reverting)
    }

    @Test func theWayBackHasItsOwnTimeAndDoesNotRest() {
        var agent = paused(after: .minutes(1))
        agent.pass(.hours(1))
        agent.send(.healthObserved(agent.forward(2, "two"), ObservedHealth(.failed, reason: "JobFailed")))
        let back = agent.revert(2, "one")
        agent.send(.workFinished(back))
        agent.send(.healthObserved(back, Self.bad))
        #expect(agent.machine.journal.applications["shop"]?.deadline == agent.now + .minutes(10))
        agent.pass(.minutes(10) + .seconds(12))
        #expect(agent.report?.phase == .failed)
    }

    @Test func healthIsEarnedUnderAPause() {
        var agent = paused(after: .minutes(1))
        agent.pass(.hours(1))
        agent.send(.healthObserved(agent.forward(2, "two"), ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .healthy)
    }

    /// Only the coordinator can end a pause: without it, the agent is its cluster's only guard.
    @Test func onItsOwnForLongerThanAGraceTheAgentJudgesAgain() {
        var agent = paused(after: .minutes(9))
        agent.send(.disconnected)
        agent.pass(.seconds(59))
        agent.pass(.seconds(60))
        #expect(agent.report?.phase == .verifying)
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .reverting)
    }

    @Test func aShortAbsenceEndsNoPause() {
        var agent = paused(after: .minutes(9))
        agent.send(.disconnected)
        agent.pass(.seconds(50))
        agent.send(.connected)
        agent.pass(.hours(1))
        #expect(agent.report?.phase == .verifying)
    }

    @Test func aPauseAndBlindnessTogetherLeaveNoTimeOutTwice() {
        var agent = paused(after: .minutes(4))
        let work = agent.forward(2, "two")
        agent.pass(.minutes(10))
        agent.send(.healthObserved(work, ObservedHealth(.unknown, reason: "APIServerSilent")))
        agent.pass(.minutes(10))
        agent.tell(paused: false)
        agent.pass(.minutes(10))
        agent.send(.healthObserved(work, Self.bad))
        agent.pass(.minutes(6) - .seconds(1))
        #expect(agent.report?.phase == .verifying)
        agent.pass(.seconds(12))
        #expect(agent.report?.phase == .reverting)
    }

    @Test func theNextAssignmentBeginsWithoutThePauseOfTheLast() {
        var agent = paused(after: .minutes(1))
        agent.pass(.hours(1))
        agent.start(3, "three", fallback: "one")
        agent.send(.workFinished(agent.forward(3, "three")))
        agent.send(.healthObserved(agent.forward(3, "three"), Self.bad))
        agent.pass(.minutes(10) + .seconds(12))
        #expect(agent.report?.phase == .reverting)
    }

    @Test func aPauseOutlivesTheProcess() {
        var agent = paused(after: .minutes(9))
        agent.crash()
        agent.send(.connected)
        agent.send(.contentPresent(agent.digest("two")))
        agent.send(.healthObserved(agent.forward(2, "two"), Self.bad))
        agent.pass(.hours(1))
        #expect(agent.report?.phase == .verifying)
    }
}

extension AgentDriver {
    /// The assignment is told again, with a pause that has begun or ended.
    fileprivate mutating func tell(paused: Bool) {
        guard var assignment = machine.journal.applications["shop"]?.assignment else { return }
        assignment.isPaused = paused ? true : nil
        send(.assigned([assignment]))
    }
}
