internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite struct AgentMachineTests {
    @Test func aReleaseIsFetchedAppliedVerifiedAndProven() {
        var agent = AgentDriver()
        agent.send(.restarted)
        agent.send(.connected)
        let actions = agent.send(.assigned([agent.assignment(1, "one")]))
        guard case .persist(let journal)? = actions.first else {
            Issue.record("the journal must be written before anything else")
            return
        }
        #expect(journal.applications["shop"]?.highestGeneration == 1)
        #expect(actions.contains(.acknowledge("shop", generation: 1, epoch: 1)))
        #expect(actions.contains(.fetch(agent.digest("one"))))
        #expect(agent.report?.phase == .accepted)
        #expect(agent.applies.isEmpty)

        agent.send(.contentPresent(agent.digest("one")))
        #expect(agent.applies == [agent.forward(1, "one")])
        #expect(agent.report?.phase == .applying)
        agent.send(.workFinished(agent.forward(1, "one")))
        #expect(agent.report?.phase == .verifying)
        agent.pass(.seconds(5))
        #expect(agent.report?.phase == .verifying, "health was never observed")
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.healthy)))
        agent.pass(.seconds(29))
        #expect(agent.report?.phase == .verifying, "minHealthyTime has not passed")
        agent.pass(.seconds(1))
        #expect(agent.report?.phase == .healthy)
        #expect(agent.report?.proven == agent.digest("one"))
        #expect(agent.report?.health == .healthy)
    }

    @Test func healthStartsAnewAfterEveryBadReading() {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(29))
        agent.send(.healthObserved(work, ObservedHealth(.degraded, reason: "CrashLoopBackOff", message: "pod web-1")))
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.pass(.seconds(29))
        #expect(agent.report?.phase == .verifying)
        agent.pass(.seconds(1))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func whatIsHeardOfOlderWorkCountsForNothing() {
        var agent = AgentDriver.healthy(1, "one")
        agent.send(.assigned([agent.assignment(2, "two")]))
        agent.send(.contentPresent(agent.digest("two")))
        agent.send(.workFinished(agent.forward(2, "two")))
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.healthy)))
        agent.pass(.seconds(60))
        #expect(agent.report?.phase == .verifying)
        #expect(agent.report?.health == .progressing)
    }

    @Test func lowerGenerationsAndEpochsAreRefused() {
        var agent = AgentDriver.healthy(5, "one", epoch: 7)
        let before = agent.machine.journal
        #expect(agent.send(.assigned([agent.assignment(4, "two", epoch: 9)])).notes == ["refused"])
        #expect(agent.send(.assigned([agent.assignment(6, "two", epoch: 6)])).notes == ["refused"])
        #expect(agent.send(.assigned([agent.assignment(5, "two", epoch: 7)])).notes == ["refused"])
        #expect(agent.machine.journal == before)
    }

    @Test func anAssignmentDeliveredOftenActsOnce() {
        var agent = AgentDriver.healthy(1, "one")
        for _ in 0..<5 {
            let actions = agent.send(.assigned([agent.assignment(1, "one")]))
            #expect(actions == [.acknowledge("shop", generation: 1, epoch: 1)])
        }
        #expect(agent.applies.count == 1)
    }

    @Test func aNewerAssignmentSupersedesWhatIsInFlight() {
        var agent = AgentDriver()
        agent.start(1, "one")
        let actions = agent.send(.assigned([agent.assignment(2, "two")]))
        #expect(actions.contains(.cancel(agent.forward(1, "one"))))
        agent.send(.workFinished(agent.forward(1, "one")))
        #expect(agent.report?.phase == .accepted)
        agent.send(.contentPresent(agent.digest("two")))
        #expect(agent.applies.last == agent.forward(2, "two"))
    }

    @Test func anApplyPastItsDeadlineIsGivenUpBeforeTheWayBack() throws {
        var agent = AgentDriver()
        agent.start(2, "two", fallback: "one")
        agent.send(.contentPresent(agent.digest("one")))
        #expect(agent.givenUp.isEmpty)
        agent.pass(agent.assignment(2, "two").settings.progressDeadline + .seconds(11))
        #expect(agent.givenUp == [agent.forward(2, "two")])
        #expect(agent.applies.last == agent.revert(2, "one"))
    }

    @Test func aFailedReleaseGoesBackToTheFallback() {
        var agent = AgentDriver()
        agent.start(2, "two", fallback: "one")
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.workFinished(agent.forward(2, "two")))
        let culprit = ObservedHealth(.failed, reason: "ImagePullBackOff", message: "Pod web-1: image not found")
        let actions = agent.send(.healthObserved(agent.forward(2, "two"), culprit))
        #expect(actions.contains(.apply(agent.revert(2, "one"))))
        #expect(agent.report?.phase == .reverting)
        #expect(agent.report?.reason == "ImagePullBackOff")
        #expect(agent.report?.digest == agent.digest("one"))
        agent.send(.workFinished(agent.revert(2, "one")))
        #expect(agent.report?.phase == .reverting)
        agent.send(.healthObserved(agent.revert(2, "one"), ObservedHealth(.healthy)))
        #expect(agent.report?.phase == .reverted)
        #expect(agent.report?.generation == 2)
        #expect(agent.report?.digest == agent.digest("one"))
        #expect(agent.report?.reason == "ImagePullBackOff", "the reason of the failure stays told")
        agent.pass(.minutes(30))
        #expect(agent.report?.phase == .reverted, "a reverted assignment is no evidence for its release")
        #expect(agent.machine.journal.applications["shop"]?.proven == [])
    }

    /// What was proven here may be what the assignment takes back, as in an undo: only the coordinator knows.
    @Test(arguments: DisconnectedBehaviour.allCases) func itGoesBackOnlyWhereTheCoordinatorSaid(
        away: DisconnectedBehaviour
    ) {
        for selfRollback in [true, false] {
            var agent = AgentDriver.healthy(1, "one")
            agent.start(2, "two", selfRollback: selfRollback, away: away)
            agent.send(.contentPresent(agent.digest("one")))
            agent.send(.disconnected)
            agent.pass(.minutes(5))
            #expect(agent.report?.phase == .applying)
            agent.send(.connected)
            agent.send(.workFailed(agent.forward(2, "two"), .permanent))
            #expect(agent.report?.phase == .failed)
            #expect(agent.applies.last == agent.forward(2, "two"))
        }
    }

    @Test func withoutFallbackOrLeaveItStaysFailedAndWatched() {
        var agent = AgentDriver.verifying(1, "one")
        let work = agent.forward(1, "one")
        let actions = agent.send(.healthObserved(work, ObservedHealth(.failed, reason: "JobFailed")))
        #expect(agent.report?.phase == .failed)
        #expect(actions.contains(.watch(work, .correct)))
        agent.send(.healthObserved(work, ObservedHealth(.degraded)))
        agent.pass(.minutes(30))
        #expect(agent.report?.phase == .failed)

        var second = AgentDriver.healthy(1, "one")
        second.start(2, "two", selfRollback: false)
        second.send(.workFailed(second.forward(2, "two"), .permanent))
        #expect(second.report?.phase == .failed)
        #expect(second.report?.digest == second.digest("two"))
    }

    @Test func theDeadlineCountsFromWhenThereIsSomethingToApply() {
        var agent = AgentDriver()
        agent.send(.restarted)
        agent.send(.connected)
        agent.send(.assigned([agent.assignment(1, "one")]))
        // A coordinator that is away with the content is no fault of the release's.
        agent.send(.disconnected)
        agent.pass(.minutes(30))
        #expect(agent.report?.phase == .accepted)
        agent.send(.connected)
        agent.send(.contentPresent(agent.digest("one")))
        agent.send(.workFinished(agent.forward(1, "one")))
        agent.send(
            .healthObserved(agent.forward(1, "one"), ObservedHealth(.progressing, message: "Deployment web: 1 of 2")))
        agent.pass(.minutes(10) - .seconds(1))
        #expect(agent.report?.phase == .verifying)
        // A server that is silent by then is known to be so some seconds later.
        agent.pass(.seconds(11))
        #expect(agent.report?.phase == .failed)
        #expect(agent.report?.reason == "ProgressDeadlineExceeded")
        #expect(agent.report?.message == "not healthy within 10m: Deployment web: 1 of 2")
    }

    @Test func aStretchOfHealthMayLastItsTimePastTheDeadline() {
        var agent = AgentDriver.verifying(1, "one")
        agent.pass(.minutes(10) - .seconds(10))
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.healthy)))
        agent.pass(.seconds(29))
        #expect(agent.report?.phase == .verifying)
        agent.pass(.seconds(1))
        #expect(agent.report?.phase == .healthy)
    }

    @Test func transientFailuresAreRetriedWithGrowingDelays() {
        var agent = AgentDriver()
        agent.start(1, "one")
        for (failures, delay) in [(1, 5), (2, 10), (3, 20)] as [(Int, Int64)] {
            agent.send(.workFailed(agent.forward(1, "one"), .transient))
            agent.send(.contentPresent(agent.digest("one")))
            agent.pass(.seconds(delay - 1))
            #expect(agent.applies.count == failures)
            agent.pass(.seconds(1))
            #expect(agent.applies.count == failures + 1)
        }
        #expect(AgentRules().delay(afterFailures: 60) == .minutes(3))
    }

    @Test func degradationAfterHealthIsToldAtOnceAndNotJudged() {
        var agent = AgentDriver.healthy(1, "one")
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.degraded, reason: "CrashLoopBackOff")))
        #expect(agent.report?.phase == .healthy)
        #expect(agent.report?.health == .degraded)
        agent.pass(.minutes(60))
        #expect(agent.applies.count == 1)
    }

    @Test func aRemovalRemovesWithoutContent() {
        var agent = AgentDriver.healthy(1, "one")
        let assignment = agent.removal(2)
        let work = AgentWork(application: "shop", generation: 2, kind: .remove)
        #expect(agent.send(.assigned([assignment])).contains(.remove(work)))
        agent.send(.workFinished(work))
        #expect(agent.report?.phase == .removed)
        #expect(agent.report?.digest == nil)
    }

    @Test func contentThatCannotBeHadFailsTheRelease() {
        var agent = AgentDriver()
        agent.send(.restarted)
        agent.send(.assigned([agent.assignment(1, "one")]))
        agent.send(.contentUnavailable(agent.digest("one"), message: "the coordinator does not know it"))
        #expect(agent.report?.phase == .failed)
        #expect(agent.report?.reason == "ContentUnavailable")
    }

    /// It had been at hand, and is asked for again beside each try that fails.
    @Test func contentThatIsGoneBesideAFailedTryFailsTheRelease() {
        var agent = AgentDriver()
        agent.start(1, "one")
        agent.send(.workFailed(agent.forward(1, "one"), .transient))
        agent.send(.contentUnavailable(agent.digest("one"), message: "the index cannot be understood"))
        #expect(agent.report?.phase == .failed)
        #expect(agent.report?.reason == "ContentUnavailable")
    }

    @Test func driftIsCountedUntilItIsAcknowledged() {
        var agent = AgentDriver.healthy(1, "one")
        agent.acknowledgeAll()
        agent.send(.driftObserved(agent.forward(1, "one"), Self.finding(["a", "b"])))
        agent.send(.driftObserved(agent.forward(1, "one"), Self.finding(["b"])))
        #expect(agent.report?.driftCount == 3)
        #expect(agent.report?.drift?.objects.map(\.name) == ["b", "a"], "what was not told yet is told with it")
        #expect(agent.report?.drift?.isCorrected == true)
        agent.acknowledgeAll()
        agent.send(.healthObserved(agent.forward(1, "one"), ObservedHealth(.degraded)))
        #expect(agent.report?.driftCount == 0)
        #expect(agent.report?.drift == nil)
    }

    private static func finding(_ names: [String], isCorrected: Bool = true) -> DriftFinding {
        let objects = names.map { name in
            ObjectChange(apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: name, action: .update)
        }
        return DriftFinding(objects: objects, isCorrected: isCorrected)
    }

    @Test func driftThatIsLeftAsItIsIsToldUntilItsEndIsTold() {
        var agent = AgentDriver.healthy(1, "one")
        agent.acknowledgeAll()
        let work = agent.forward(1, "one")
        agent.send(.driftObserved(work, Self.finding([], isCorrected: false)))
        #expect(agent.report?.drift == nil, "nothing was ever found")
        agent.send(.driftObserved(work, Self.finding(["a", "b"], isCorrected: false)))
        agent.acknowledgeAll()
        agent.send(.driftObserved(work, Self.finding(["b"], isCorrected: false)))
        #expect(agent.report?.drift?.objects.map(\.name) == ["b"], "the whole of it each time")
        agent.acknowledgeAll()
        agent.send(.driftObserved(work, Self.finding([], isCorrected: false)))
        #expect(agent.report?.drift?.count == 0)
        agent.acknowledgeAll()
        #expect(agent.report?.drift?.count == 0 || agent.report?.drift == nil)
        agent.send(.driftObserved(work, Self.finding([], isCorrected: false)))
        agent.send(.healthObserved(work, ObservedHealth(.degraded)))
        #expect(agent.report?.drift == nil, "its end is told once")
    }

    @Test func manyDriftedObjectsAreToldWithinTheLimits() {
        var agent = AgentDriver.healthy(1, "one")
        agent.acknowledgeAll()
        agent.send(.driftObserved(agent.forward(1, "one"), Self.finding((0..<100).map { "c\($0)" })))
        #expect(agent.report?.drift?.objects.count == 16)
        #expect(agent.report?.drift?.omitted == 84)
        #expect(agent.report?.driftCount == 100)
    }

    @Test func whatHoldsAnApplyUpIsToldAndIsNoEvidence() {
        var agent = AgentDriver()
        agent.start(1, "one")
        let work = agent.forward(1, "one")
        agent.send(.healthObserved(work, ObservedHealth(.failed, reason: "ImagePullBackOff", message: "Pod web-1")))
        #expect(agent.report?.phase == .applying)
        #expect(agent.report?.health == .progressing)
        #expect(agent.report?.reason == "ImagePullBackOff")
        agent.send(.healthObserved(work, ObservedHealth(.healthy)))
        agent.send(.workFinished(work))
        agent.pass(.minutes(5))
        #expect(agent.report?.phase == .verifying, "health seen before everything was applied does not count")
    }
}
