internal import SwellEngine
internal import SwellModel
internal import Testing

/// While an agent cannot see its cluster, nothing is judged by time: unknown is neither healthy nor failed (invariants 12 and 23).
@Suite struct AgentBlindTests {
    private static let unseen = ObservedHealth(.unknown, reason: "APIServerSilent", message: "no answer for 5 s")
    private static let blind = WorkFailure(
        isTransient: true, isBlind: true, reason: "APIServerSilent", message: "no answer in time")

    @Test(arguments: [10, 120, 3_600] as [Int64]) func theDeadlineStandsStillWhileNothingCanBeSeen(dark: Int64) {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        agent.send(.healthObserved(work, ObservedHealth(.progressing, message: "Deployment web: 1 of 2")))
        agent.pass(.minutes(10) - .seconds(2))
        agent.send(.healthObserved(work, Self.unseen))
        agent.pass(.seconds(dark))
        #expect(agent.report?.phase == .verifying)
        #expect(agent.report?.health == .unknown)
        // What is seen first may be how it stood before.
        agent.send(.healthObserved(work, ObservedHealth(.progressing, message: "Deployment web: 1 of 2")))
        agent.pass(.seconds(5))
        #expect(agent.report?.phase == .verifying)
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func whatWasLeftOfTheDeadlineGoesOn() {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        let isBad = ObservedHealth(.progressing, message: "Deployment web: 1 of 2")
        agent.send(.healthObserved(work, isBad))
        agent.pass(.minutes(4))
        agent.send(.healthObserved(work, Self.unseen))
        agent.pass(.hours(2))
        agent.send(.healthObserved(work, isBad))
        agent.pass(.minutes(6) - .seconds(1))
        #expect(agent.report?.phase == .verifying)
        agent.pass(.seconds(12))
        #expect(agent.report?.phase == .failed, "once it is seen again, it is judged")
    }

    @Test func blinkingKeepsNoReleaseFromBeingJudged() {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        for _ in 0..<30 {
            agent.send(.healthObserved(work, ObservedHealth(.progressing)))
            agent.pass(.seconds(50))
            agent.send(.healthObserved(work, Self.unseen))
            agent.pass(.seconds(10))
        }
        #expect(agent.report?.phase == .failed)
    }

    @Test func theWayBackStandsStillToo() {
        var agent = AgentDriver()
        agent.start(2, "two", fallback: "one")
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.workFailed(agent.forward(2, "two"), .permanent))
        let back = agent.revert(2, "one")
        agent.send(.workFinished(back))
        agent.send(.healthObserved(back, Self.unseen))
        agent.pass(.minutes(30))
        #expect(agent.report?.phase == .reverting)
        agent.send(.healthObserved(back, ObservedHealth(.progressing)))
        agent.pass(.minutes(1))
        #expect(agent.report?.phase == .reverting)
        agent.send(.healthObserved(back, ObservedHealth(.healthy)))
        #expect(agent.report?.phase == .reverted)
    }

    @Test func aWayBackThatBeginsAfterBlindnessHasItsOwnTime() {
        var agent = AgentDriver()
        agent.start(2, "two", fallback: "one")
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.workFailed(agent.forward(2, "two"), Self.blind))
        agent.pass(.minutes(30))
        agent.send(.contentPresent(agent.digest("two")))
        agent.send(.workFailed(agent.forward(2, "two"), .permanent))
        #expect(agent.report?.phase == .reverting)
        #expect(agent.machine.journal.applications["shop"]?.deadline == agent.now + .minutes(10))
    }

    @Test func anApplyThatFailsForWantOfSightIsTriedWithoutEnd() {
        var agent = AgentDriver()
        agent.start(2, "two", fallback: "one")
        let work = agent.forward(2, "two")
        for _ in 0..<20 {
            agent.send(.workFailed(work, Self.blind))
            agent.send(.contentPresent(agent.digest("two")))
            agent.pass(.minutes(4))
            #expect(agent.report?.phase == .applying)
            #expect(agent.report?.health == .unknown)
        }
        agent.send(.healthObserved(work, ObservedHealth(.progressing)))
        agent.send(.workFinished(work))
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func healthIsEarnedAnewAfterBlindness() {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(29))
        agent.send(.healthObserved(work, Self.unseen))
        agent.pass(.minutes(5))
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(29))
        #expect(agent.report?.phase == .verifying)
        agent.pass(.seconds(1))
        #expect(agent.report?.phase == .healthy)
    }

    /// A server that falls silent just before the deadline is known to be silent only after it.
    @Test func aDeadlineInTheSecondsBeforeSilenceIsKnownIsNotJudged() {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        agent.send(.healthObserved(work, ObservedHealth(.progressing)))
        agent.pass(.minutes(10) + .seconds(7))
        agent.send(.healthObserved(work, Self.unseen))
        agent.pass(.minutes(2))
        #expect(agent.report?.phase == .verifying)
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func aRestartedAgentJudgesNothingBeforeItHasLooked() {
        var agent = AgentDriver.verifying(1, "one")
        agent.crash()
        agent.pass(.minutes(45))
        #expect(agent.machine.journal.applications["shop"]?.phase == .verifying)
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .healthy)
    }

    // MARK: - Failures that heal

    @Test func aFailureThatHealsIsKnownAsHealed() {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        agent.send(.healthObserved(work, ObservedHealth(.failed, reason: "JobFailed", message: "Job load")))
        #expect(agent.report?.phase == .failed)
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(20))
        agent.send(.healthObserved(work, Self.unseen))
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(29))
        #expect(agent.report?.phase == .failed, "health has to last here too")
        agent.pass(.seconds(1))
        #expect(agent.report?.phase == .healthy)
        #expect(agent.report?.proven == agent.digest("one"))
        agent.acknowledgeAll()
        agent.acknowledgeAll()
        #expect(agent.machine.journal.statuses.first?.reason == nil)
    }

    @Test func aWayBackThatHealsIsKnownAsHealed() {
        var agent = AgentDriver()
        agent.start(2, "two", fallback: "one")
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.workFailed(agent.forward(2, "two"), .permanent))
        let back = agent.revert(2, "one")
        agent.send(.workFinished(back))
        agent.send(.healthObserved(back, ObservedHealth(.failed, reason: "CrashLoopBackOff")))
        #expect(agent.report?.phase == .failed)
        agent.send(.healthObserved(back, ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .reverted)
        #expect(agent.report?.digest == agent.digest("one"))
        #expect(agent.machine.journal.applications["shop"]?.proven == [], "no evidence for the release that failed")
    }

    @Test func whatWasNeverAppliedDoesNotHeal() {
        var agent = AgentDriver()
        agent.start(1, "one")
        let work = agent.forward(1, "one")
        agent.send(.workFailed(work, .permanent))
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.minutes(30))
        #expect(agent.report?.phase == .failed)
    }
}
