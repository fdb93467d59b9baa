internal import SwellEngine
internal import SwellModel
internal import Testing

/// A way back that does not arrive at once.
@Suite struct AgentWayBackTests {
    /// A driver whose release failed, and whose way back to the first is being applied.
    private static func goingBack() -> AgentDriver {
        var driver = AgentDriver.healthy(1, "1.0.0")
        driver.start(2, "2.0.0", fallback: "1.0.0")
        driver.send(
            .workFailed(
                driver.forward(2, "2.0.0"),
                WorkFailure(
                    isTransient: false, reason: "ImagePullBackOff", message: "not healthy within 10m: pod web-1")))
        driver.send(.contentPresent(driver.digest("1.0.0")))
        return driver
    }

    @Test func whatHoldsTheWayBackUpIsToldOnceAndForItself() {
        var driver = Self.goingBack()
        let back = driver.revert(2, "1.0.0")
        #expect(driver.applies.last == back)
        driver.send(
            .healthObserved(
                back, ObservedHealth(.progressing, message: "Deployment shop/web: 0 of 1 replicas are ready")))
        #expect(
            driver.report?.message == "not healthy within 10m: pod web-1", "why it goes back matters more meanwhile")
        driver.pass(.minutes(11))
        let message = driver.report?.message ?? ""
        #expect(driver.report?.phase == .failed)
        #expect(
            message.contains("going back to 1.0.0 failed too: not healthy within 10m: Deployment shop/web"),
            "\(message)")
        #expect(message.components(of: "not healthy within 10m: pod web-1") == 1, "\(message)")
        #expect(!message.contains("not healthy within 10m: not healthy"), "\(message)")
    }

    @Test func aWayBackThatOnlyWaitedForItsHealthSaysWhatRuns() {
        var driver = Self.goingBack()
        let back = driver.revert(2, "1.0.0")
        driver.send(.healthObserved(back, ObservedHealth(.degraded, reason: "CrashLoopBackOff", message: "pod web-2")))
        driver.pass(.minutes(11))
        #expect(driver.report?.phase == .failed)
        #expect(driver.report?.digest == driver.digest("1.0.0"))
        driver.start(3, "3.0.0", fallback: "1.0.0")
        #expect(driver.report?.digest == driver.digest("3.0.0"))

        // Where the server would not take it, what was to be taken back is still there.
        driver = Self.goingBack()
        driver.send(.workFailed(back, WorkFailure(isTransient: true, reason: "TooManyRequests", message: "429")))
        driver.pass(.minutes(11))
        #expect(driver.report?.phase == .failed)
        #expect(driver.report?.digest == driver.digest("2.0.0"))
    }

    @Test func aWayBackThatIsThereAndNotHealthySaysWhatRuns() {
        var driver = Self.goingBack()
        let back = driver.revert(2, "1.0.0")
        driver.send(
            .workFailed(back, WorkFailure(isTransient: false, reason: "Forbidden", message: "may not patch")))
        #expect(driver.report?.phase == .failed)
        #expect(driver.report?.digest == driver.digest("2.0.0"), "what was to be taken back is still there")
        driver.pass(.minutes(4))
        driver.send(.workFinished(back))
        driver.send(.healthObserved(back, ObservedHealth(.progressing, message: "0 of 1 ready")))
        #expect(driver.report?.phase == .failed)
        #expect(driver.report?.digest == driver.digest("1.0.0"))
    }

    @Test func aWayBackThatWasCalledFailedHeals() {
        var driver = Self.goingBack()
        let back = driver.revert(2, "1.0.0")
        driver.send(
            .workFailed(back, WorkFailure(isTransient: false, reason: "ProgressDeadlineExceeded", message: "too late")))
        #expect(driver.report?.phase == .failed)
        let told = driver.report?.message
        let before = driver.applies.count
        driver.pass(.minutes(4))
        #expect(driver.applies.count == before + 1, "it is tried again, as seldom as anything is")
        #expect(driver.applies.last == back)
        driver.send(.healthObserved(back, ObservedHealth(.progressing, message: "on its way")))
        #expect(driver.report?.message == told, "that it has failed stays known until it has not")
        driver.send(.workFailed(back, .permanent))
        #expect(driver.report?.message == told, "\(driver.report?.message ?? "")")
        driver.pass(.minutes(4))
        #expect(driver.applies.count == before + 2)
        driver.send(.workFinished(back))
        driver.send(.healthObserved(back, ObservedHealth(.healthy)))
        driver.pass(.minutes(1))
        #expect(driver.report?.phase == .reverted)
        #expect(driver.report?.digest == driver.digest("1.0.0"))
        #expect(driver.report?.health == .healthy)
    }

    @Test func aWayBackThatHasArrivedIsNotCalledFailedAnyMore() {
        var driver = Self.goingBack()
        let back = driver.revert(2, "1.0.0")
        driver.send(
            .workFailed(back, WorkFailure(isTransient: false, reason: "Forbidden", message: "may not patch web")))
        #expect(driver.report?.message?.contains("going back to 1.0.0 failed too: may not patch web") == true)
        driver.pass(.minutes(4))
        driver.send(.workFinished(back))
        driver.send(.healthObserved(back, ObservedHealth(.healthy)))
        driver.pass(.minutes(1))
        #expect(driver.report?.phase == .reverted)
        let message = driver.report?.message ?? ""
        #expect(message == "not healthy within 10m: pod web-1", "\(message)")
    }

    @Test func whatIsLeftOfTheReleaseThatFailedIsTold() {
        var driver = Self.goingBack()
        let back = driver.revert(2, "1.0.0")
        let left = "left in the cluster: Deployment shop/theirs (it was there before)"
        driver.send(.workFinished(back, leaving: left))
        driver.send(.healthObserved(back, ObservedHealth(.healthy)))
        driver.pass(.minutes(1))
        #expect(driver.report?.phase == .reverted)
        let message = driver.report?.message ?? ""
        #expect(message == "not healthy within 10m: pod web-1; \(left)", "\(message)")
        #expect(driver.disk.applications["shop"]?.failure?.message == message, "a restart does not forget it")
    }

    @Test func itHealsAfterARestartToo() {
        var driver = Self.goingBack()
        let back = driver.revert(2, "1.0.0")
        driver.send(.workFailed(back, .permanent))
        driver.crash()
        driver.send(.connected)
        driver.send(.contentPresent(driver.digest("1.0.0")))
        #expect(driver.applies.last == back)
        driver.send(.workFinished(back))
        driver.send(.healthObserved(back, ObservedHealth(.healthy)))
        driver.pass(.minutes(1))
        #expect(driver.report?.phase == .reverted)
    }

    // MARK: What was proven last

    @Test func theGenerationThatWasProvenLastIsRemembered() {
        var driver = Self.goingBack()
        let back = driver.revert(2, "1.0.0")
        func proven() -> Int64? { driver.disk.applications["shop"]?.provenGeneration }
        #expect(proven() == 1)
        driver.send(.workFailed(back, .permanent))
        #expect(proven() == 1, "the way back to it has failed")
        driver.pass(.minutes(4))
        driver.send(.workFinished(back))
        driver.send(.healthObserved(back, ObservedHealth(.healthy)))
        driver.pass(.minutes(1))
        #expect(driver.report?.phase == .reverted)
        #expect(proven() == 2)
    }

    @Test func aJournalOfAnEarlierVersionSaysWhatWasProvenByWhereItStands() {
        var healthy = AgentDriver.healthy(7, "1.0.0")
        healthy.disk.applications["shop"]?.provenGeneration = nil
        healthy.crash()
        #expect(healthy.disk.applications["shop"]?.provenGeneration == 7)
        var unproven = AgentDriver.verifying(7, "1.0.0")
        unproven.crash()
        #expect(unproven.disk.applications["shop"]?.provenGeneration == nil)
    }

    // MARK: Content that is lacking

    @Test func aWayBackThatIsTriedAgainFetchesWhatItLacks() {
        var driver = Self.goingBack()
        let back = driver.revert(2, "1.0.0")
        driver.send(.workFailed(back, .permanent))
        driver.pass(.minutes(4))
        let lacking = WorkFailure(isTransient: true, reason: "ContentUnavailable", message: "a document is missing")
        #expect(driver.send(.workFailed(back, lacking)).contains(.fetch(driver.digest("1.0.0"))))
        let before = driver.applies.count
        driver.pass(.minutes(4))
        #expect(driver.applies.count == before, "it is not at hand yet")
        driver.send(.contentPresent(driver.digest("1.0.0")))
        driver.pass(.minutes(4))
        #expect(driver.applies.count == before + 1)
    }

    @Test func aWayBackAsksAgainForWhatCouldNotBeHad() {
        var driver = Self.goingBack()
        driver.send(.workFailed(driver.revert(2, "1.0.0"), .permanent))
        driver.crash()
        driver.send(.connected)
        let told = driver.report?.message
        driver.send(.contentUnavailable(driver.digest("1.0.0"), message: "not known"))
        #expect(driver.report?.message == told, "\(driver.report?.message ?? "")")
        let asked = driver.fetches.count
        driver.pass(.minutes(4))
        #expect(driver.fetches.count == asked + 1)
        driver.send(.contentPresent(driver.digest("1.0.0")))
        driver.pass(.minutes(4))
        #expect(driver.applies.last == driver.revert(2, "1.0.0"))
        #expect(driver.machine.journal.applications["shop"]?.phase == .failed)
    }

    @Test func anotherAssignmentEndsTheTrying() {
        var driver = Self.goingBack()
        driver.send(.workFailed(driver.revert(2, "1.0.0"), .permanent))
        driver.start(3, "3.0.0")
        let applies = driver.applies
        driver.pass(.minutes(4))
        #expect(driver.applies == applies)
        #expect(applies.last == driver.forward(3, "3.0.0"))
    }
}

extension String {
    fileprivate func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let found = rest.firstRange(of: part) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}
