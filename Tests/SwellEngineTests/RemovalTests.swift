internal import SwellEngine
internal import SwellModel
internal import Testing

/// An application is taken off clusters whatever was proven there; what waits and fails on the way says so.
@Suite struct RemovalTests {
    /// Two releases were proven everywhere, and the rollout of the second has ended.
    private static func proven() throws -> Scenario {
        var scenario = try Scenario([("east", 2)], policy: .single())
        scenario.decide()
        scenario.settleAgents()
        try #require(scenario.rollout.phase == .succeeded)
        return scenario
    }

    private static func removal(_ scenario: Scenario) -> PlanRequest {
        .removal(of: scenario.rollout, from: ["east-1", "east-2"], name: "shop-uninstall", createdBy: "ann")
    }

    @Test func nothingStaysThoughAnotherReleaseWasProven() throws {
        var scenario = try Self.proven()
        let plan = try RolloutPlanner.preview(Self.removal(scenario), snapshot: scenario.snapshot, now: scenario.now)
        #expect(plan.warnings.map(\.kind) == [.removes])
        #expect(plan.rollout.targets.values.allSatisfy { $0.previous == nil })
        scenario.rollout = plan.rollout
        scenario.decide()
        #expect(scenario.last?.assignments.map(\.goal) == [.remove, .remove])
        scenario.settleAgents()
        #expect(scenario.rollout.phase == .succeeded, "\(scenario.rollout.reason ?? "")")
    }

    @Test func nothingTakesARemovalBack() throws {
        var scenario = try Self.proven()
        scenario.rollout = try RolloutPlanner.plan(
            Self.removal(scenario), snapshot: scenario.snapshot, now: scenario.now)
        scenario.decide()
        let scopes: [RollbackScope] = [.rollout, .cluster("east-1"), .region("east")]
        for scope in scopes {
            let decision = scenario.decide(.rollback(scope, reason: nil, remove: true))
            let refusal = decision.verdicts.first?.refusal ?? ""
            #expect(refusal.contains("pause or abort it (swell rollout abort shop-uninstall)"), "\(refusal)")
            #expect(decision.assignments.isEmpty)
        }
        #expect(scenario.rollout.phase == .progressing)
        scenario.decide(.abort(reason: nil))
        #expect(scenario.rollout.phase == .aborted)
    }

    @Test func oneThatDidNotComeToItsEndIsPlannedAgain() throws {
        var scenario = try Self.proven()
        for name in ["east-1", "east-2"] as [ClusterName] {
            scenario.snapshot.fleet[name]?.assigned = nil
            scenario.snapshot.fleet[name]?.removal = AssignedRemoval(generation: 9, rollout: "shop-uninstall")
        }
        scenario.snapshot.fleet["east-2"]?.report = ApplicationReport(
            application: "shop", generation: 9, digest: nil, epoch: 1, phase: .removed, health: .healthy)
        let plan = try RolloutPlanner.preview(Self.removal(scenario), snapshot: scenario.snapshot, now: scenario.now)
        #expect(plan.rollout.targets.keys.sorted() == ["east-1"])
    }

    @Test func aStageOfAnUndoNamesWhatItCouldNotTakeBack() throws {
        var scenario = try Self.proven()
        let request = try PlanRequest.undo(of: scenario.rollout, name: "shop-2-undo", createdBy: "ann")
        scenario.rollout = try RolloutPlanner.plan(request, snapshot: scenario.snapshot, now: scenario.now)
        scenario.decide()
        scenario.wait(.seconds(20))
        scenario.report("east-1", .failed, .failed, reason: "CrashLoopBackOff")
        scenario.report("east-2", .healthy)
        scenario.decide()
        #expect(scenario.rollout.phase == .failed)
        #expect(scenario.rollout.stages[0].reason == "east-1 could not be taken back")
    }

    @Test func whatIsHeldSaysWhatItFailedOf() throws {
        var scenario = try Scenario([("east", 2)], policy: .single(), proven: [])
        scenario.decide()
        scenario.wait(.seconds(5))
        scenario.report("east-1", .failed, .failed, reason: "ImagePullBackOff: web:2")
        scenario.decide()
        #expect(scenario.target("east-1")?.reason?.hasSuffix("proven here: ImagePullBackOff: web:2") == true)
        #expect(
            scenario.target("east-2")?.reason?.contains("stage 'all'") == true, "it goes back for the other's failure")
    }

    @Test func whatWasRetriedSaysForWhomItWaits() throws {
        var scenario = try Scenario([("east", 3)], policy: .single(onFailure: FailurePolicy(action: .pause)))
        scenario.decide()
        scenario.wait(.seconds(5))
        for name in ["east-1", "east-2"] as [ClusterName] { scenario.report(name, .failed, .failed, reason: "Bad") }
        scenario.report("east-3", .healthy)
        scenario.decide()
        scenario.decide(.retry(clusters: ["east-1"]))
        let waits = Blockers.of(scenario.rollout, snapshot: scenario.snapshot, now: scenario.now)
        let failure = try #require(waits.first { $0.what == .failure })
        #expect(failure.clusters == ["east-2"])
        #expect(failure.why.hasSuffix("(east-2); east-1, to be tried again, waits for that"), "\(failure.why)")
    }

    @Test func anAgentThatMissedHeartbeatsIsNamedBeforeItCountsAsAway() throws {
        var scenario = try Scenario([("east", 2)], policy: .single())
        scenario.decide()
        let heard = scenario.now
        func why() -> String? {
            Blockers.of(scenario.rollout, snapshot: scenario.snapshot, now: scenario.now).first { $0.what == .health }?
                .why
        }
        #expect(why()?.contains("last heard") == false)
        scenario.silent = ["east-1"]
        scenario.wait(.seconds(12))
        scenario.decide()
        #expect(
            why()?.hasSuffix("the agent of east-1 was last heard at \(heard), and counts as away 1m after that") == true
        )
        #expect(scenario.phase("east-1") == .dispatched)
    }
}
