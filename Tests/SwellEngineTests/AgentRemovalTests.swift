internal import SwellEngine
internal import SwellModel
internal import Testing

/// A removal that does not come to its end at once.
@Suite struct AgentRemovalTests {
    private static let work = AgentWork(application: "shop", generation: 2, kind: .remove)
    private static let forbidden = WorkFailure(
        isTransient: false, reason: "Forbidden", message: "ConfigMap shop/settings: not deleted: may not delete")

    /// A driver whose application was healthy, and whose removal was refused.
    private static func refused() -> AgentDriver {
        var driver = AgentDriver.healthy(1, "1.0.0")
        driver.send(.assigned([driver.removal(2)]))
        driver.send(.workFailed(work, forbidden))
        return driver
    }

    @Test func oneThatFailedIsTriedAgainUntilAllIsGone() {
        var driver = Self.refused()
        #expect(driver.report?.phase == .failed)
        #expect(driver.report?.reason == "Forbidden")
        let before = driver.applies.count
        driver.pass(.minutes(4))
        #expect(driver.applies.count == before + 1, "it is tried again, as seldom as anything is")
        #expect(driver.applies.last == Self.work)
        driver.send(.workFailed(Self.work, .permanent))
        #expect(driver.report?.phase == .failed)
        driver.pass(.minutes(4))
        #expect(driver.applies.count == before + 2)
        driver.send(.workFinished(Self.work))
        #expect(driver.report?.phase == .removed)
        #expect(driver.report?.health == .healthy)
        #expect(driver.report?.reason == nil && driver.report?.message == nil, "\(driver.report?.message ?? "")")
        let done = driver.applies.count
        driver.pass(.minutes(10))
        #expect(driver.applies.count == done)
    }

    @Test func itIsTriedAgainAfterARestart() {
        var driver = Self.refused()
        driver.crash()
        driver.send(.connected)
        driver.pass(.minutes(4))
        #expect(driver.applies.last == Self.work)
        driver.send(.workFinished(Self.work))
        #expect(driver.report?.phase == .removed)
    }

    @Test func itsDeadlineSaysWhatItWaitsFor() {
        var driver = AgentDriver.healthy(1, "1.0.0")
        driver.send(.assigned([driver.removal(2)]))
        driver.send(
            .healthObserved(
                Self.work, ObservedHealth(.progressing, reason: "Terminating", message: "Bucket shop/a: terminating")))
        driver.pass(.minutes(11))
        #expect(driver.report?.phase == .failed)
        #expect(driver.report?.message == "not gone within 10m: Bucket shop/a: terminating")
        driver.pass(.minutes(4))
        driver.send(.workFinished(Self.work))
        #expect(driver.report?.phase == .removed)
    }

    @Test func whatWasProvenBeforeIsForgotten() {
        var driver = AgentDriver.healthy(1, "1.0.0")
        #expect(driver.report?.proven == driver.digest("1.0.0"))
        driver.send(.assigned([driver.removal(2)]))
        #expect(driver.report?.proven == driver.digest("1.0.0"), "it is not gone yet")
        driver.send(.workFinished(Self.work))
        #expect(driver.report?.phase == .removed && driver.report?.proven == nil)
        #expect(driver.disk.applications["shop"]?.provenGeneration == nil)
    }

    @Test func anotherAssignmentEndsTheTrying() {
        var driver = Self.refused()
        driver.start(3, "3.0.0")
        let applies = driver.applies
        driver.pass(.minutes(4))
        #expect(driver.applies == applies)
        #expect(applies.last == driver.forward(3, "3.0.0"))
    }
}
