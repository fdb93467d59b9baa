internal import SwellEngine
internal import SwellModel
internal import Testing

/// What an operator reads of a cluster whose agent goes back by itself.
@Suite struct WayBackReasonTests {
    private static func failed() throws -> Scenario {
        var scenario = try Scenario(
            [("east", 1)], policy: .single(onFailure: FailurePolicy(action: .pause)))
        scenario.decide()
        scenario.wait(.seconds(5))
        scenario.report("east-1", .reverting, .progressing, digest: Scenario.one.digest, reason: "ImagePullBackOff")
        scenario.decide()
        return scenario
    }

    @Test func saysHowFarGoingBackHasCome() throws {
        var scenario = try Self.failed()
        #expect(scenario.target("east-1")?.reason == "its agent goes back: ImagePullBackOff")
        scenario.wait(.seconds(5))
        scenario.report("east-1", .failed, .failed, reason: "ImagePullBackOff; going back failed too")
        scenario.decide()
        #expect(scenario.target("east-1")?.reason == "ImagePullBackOff; going back failed too")
        #expect(scenario.phase("east-1") == .failed)
        scenario.wait(.seconds(5))
        scenario.report("east-1", .reverted, digest: Scenario.one.digest, reason: "ImagePullBackOff")
        scenario.decide()
        #expect(scenario.target("east-1")?.reason == "reverted by its agent: ImagePullBackOff")
        #expect(scenario.phase("east-1") == .failed, "which is no evidence for the release (invariant 13)")
    }

    @Test func aFailureWithoutAWayBackKeepsItsReason() throws {
        var scenario = try Scenario(
            [("east", 1)], policy: .single(onFailure: FailurePolicy(action: .pause)))
        scenario.decide()
        scenario.wait(.seconds(5))
        scenario.report("east-1", .failed, .failed, reason: "CrashLoopBackOff")
        scenario.decide()
        scenario.wait(.seconds(5))
        scenario.report("east-1", .failed, .degraded, reason: "something else")
        scenario.decide()
        #expect(scenario.target("east-1")?.reason == "CrashLoopBackOff")
    }

    @Test(arguments: [
        (ObservedHealth.controllerSilent, "a controller says nothing"),
        (ObservedHealth.nothingHealthy, "nothing of it is healthy"),
    ])
    func whatIsSeenAndSaysNothingIsWaitedForByNameAndFailsNothing(word: String, told: String) throws {
        var scenario = try Scenario([("east", 1)], policy: .single())
        scenario.decide()
        scenario.wait(.seconds(5))
        scenario.report("east-1", .verifying, .unknown, reason: word)
        scenario.decide()
        let reason = scenario.target("east-1")?.reason ?? ""
        #expect(reason.hasPrefix(told), "\(reason)")
        scenario.wait(.minutes(30))
        scenario.report("east-1", .verifying, .unknown, reason: word)
        scenario.decide()
        #expect(scenario.rollout.phase == .progressing, "no time makes what is unknown failed (invariant 23)")
    }
}
