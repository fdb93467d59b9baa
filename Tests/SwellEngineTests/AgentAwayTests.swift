internal import SwellEngine
internal import SwellModel
internal import Testing

/// Restarts, the coordinator away, and reports that wait.
@Suite struct AgentAwayTests {
    @Test func aRestartInTheMiddleOfAnApplyResumesItOnce() {
        var agent = AgentDriver()
        agent.start(1, "one")
        agent.crash()
        #expect(agent.applies.count == 1)
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.connected)
        agent.send(.assigned([agent.assignment(1, "one")]))
        #expect(agent.applies == [agent.forward(1, "one"), agent.forward(1, "one")])
        agent.send(.workFinished(agent.forward(1, "one")))
        #expect(agent.report?.phase == .verifying)
    }

    @Test func aRestartInTheMiddleOfARevertResumesIt() {
        var agent = AgentDriver()
        agent.start(2, "two", fallback: "one")
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.workFailed(agent.forward(2, "two"), .permanent))
        agent.crash()
        agent.send(.contentPresent(agent.digest("one")))
        #expect(agent.applies.suffix(2) == [agent.revert(2, "one"), agent.revert(2, "one")])
        agent.send(.workFinished(agent.revert(2, "one")))
        agent.send(.healthObserved(agent.revert(2, "one"), ObservedHealth(.healthy)))
        #expect(agent.report?.phase == .reverted)
    }

    @Test func healthIsEarnedAgainAfterARestart() {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(20))
        agent.crash()
        let actions = agent.send(.contentPresent(agent.digest("one")))
        #expect(actions.contains(.watch(work, .correct)))
        agent.pass(.seconds(40))
        #expect(agent.report?.phase == .verifying)
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func aLongStopIsNoFailureOfTheRelease() {
        var agent = AgentDriver.verifying(1, "one")
        agent.now = agent.now + .hours(2)
        agent.crash()
        agent.send(.contentPresent(agent.digest("one")))
        #expect(agent.machine.journal.applications["shop"]?.phase == .verifying)
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func afterHealthyARestartWatchesAndSaysUnknownTillItHasLooked() {
        var agent = AgentDriver.healthy(1, "one")
        agent.acknowledgeAll()
        agent.crash()
        #expect(agent.machine.journal.statuses.first?.health == .unknown)
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.healthy)))
        #expect(agent.report?.health == .healthy)
        #expect(agent.report?.phase == .healthy)
        #expect(agent.applies.count == 1)
    }

    @Test func finishGoesOnWhileTheCoordinatorIsAway() {
        var agent = AgentDriver()
        agent.start(1, "one")
        agent.send(.disconnected)
        agent.pass(.minutes(2))
        agent.send(.workFinished(agent.forward(1, "one")))
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func holdWaitsAndTheWaitDoesNotCount() {
        var agent = AgentDriver()
        agent.send(.restarted)
        agent.send(.connected)
        agent.send(.assigned([agent.assignment(1, "one", away: .hold)]))
        agent.send(.disconnected)
        agent.pass(.minutes(2))
        agent.send(.contentPresent(agent.digest("one")))
        agent.pass(.hours(3))
        #expect(agent.applies.isEmpty)
        #expect(agent.report?.phase == .accepted)
        agent.send(.connected)
        #expect(agent.applies == [agent.forward(1, "one")])
        agent.pass(.minutes(8))
        #expect(agent.report?.phase == .applying)
        agent.pass(.minutes(2) + .seconds(10))
        #expect(agent.report?.phase == .failed)
    }

    @Test func revertGoesBackAfterTheGraceAndNotBefore() {
        var agent = AgentDriver()
        agent.start(2, "two", fallback: "one", selfRollback: false, away: .revert)
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.disconnected)
        agent.pass(.seconds(59))
        #expect(agent.applies == [agent.forward(2, "two")])
        agent.pass(.seconds(1))
        #expect(agent.applies.last == agent.revert(2, "one"))
        #expect(agent.report?.reason == "CoordinatorUnreachable")
    }

    @Test func aFinishedReleaseIsKeptHoweverLongTheCoordinatorIsAway() {
        for behaviour in DisconnectedBehaviour.allCases {
            var agent = AgentDriver()
            agent.start(2, "two", fallback: "one", away: behaviour)
            agent.send(.workFinished(agent.forward(2, "two")))
            agent.send(.healthObserved(agent.forward(2, "two"), ObservedHealth(.healthy)))
            agent.pass(.seconds(30))
            agent.send(.disconnected)
            agent.pass(.hours(48))
            #expect(agent.applies.count == 1)
            #expect(agent.report?.phase == .healthy)
        }
    }

    @Test func theWorstHealthSurvivesUntilItIsAcknowledged() {
        var agent = AgentDriver.healthy(1, "one")
        let work = agent.forward(1, "one")
        agent.acknowledgeAll()
        agent.send(.disconnected)
        agent.send(.healthObserved(work, ObservedHealth(.degraded, reason: "CrashLoopBackOff", message: "Pod web-1")))
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        #expect(agent.report?.health == .degraded)
        #expect(agent.report?.reason == "CrashLoopBackOff")
        agent.crash()
        let actions = agent.send(.connected)
        #expect(actions.contains { if case .report = $0 { true } else { false } }, "what waits is sent again")
        #expect(agent.report?.health == .degraded)
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.acknowledgeAll()
        #expect(agent.report?.health == .healthy, "then how it is")
        agent.acknowledgeAll()
        #expect(agent.machine.journal.applications["shop"]?.outgoing == nil)
    }

    @Test func theHealthOfTheFormerReleaseIsNotCarriedOver() {
        var agent = AgentDriver.healthy(1, "one")
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.failed, reason: "Gone")))
        agent.start(2, "two")
        agent.send(.workFinished(agent.forward(2, "two")))
        agent.send(.healthObserved(agent.forward(2, "two"), ObservedHealth(.healthy)))
        agent.pass(.seconds(30))
        #expect(agent.report?.phase == .healthy)
        #expect(agent.report?.health == .healthy)
        #expect(agent.report?.reason == nil)
    }

    @Test func anAcknowledgementOfAnOlderReportLeavesTheNewerStanding() {
        var agent = AgentDriver.verifying(1, "one")
        let older = agent.last?.sequence ?? 0
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.degraded, reason: "BackOff")))
        agent.send(.reportAcknowledged("shop", sequence: older))
        #expect(agent.machine.journal.applications["shop"]?.outgoing?.report.reason == "BackOff")
    }

    @Test func aRecordFromTheInventoryTakesTheSameGenerationOnce() {
        var agent = AgentDriver()
        agent.disk.applications["shop"] = AgentRecord(
            application: "shop", highestGeneration: 4, highestEpoch: 3, applied: agent.release("one"))
        agent.crash()
        agent.send(.connected)
        #expect(agent.machine.journal.statuses.first?.generation == 4)
        #expect(agent.send(.assigned([agent.assignment(3, "zero", epoch: 3)])).notes == ["refused"])
        agent.send(.assigned([agent.assignment(4, "one", epoch: 3)]))
        agent.send(.assigned([agent.assignment(4, "one", epoch: 3)]))
        agent.send(.contentPresent(agent.digest("one")))
        #expect(agent.applies == [agent.forward(4, "one")])
    }
}
