internal import Foundation
internal import SwellEngine
internal import SwellModel
internal import Testing

/// A rollout that brings what runs already has nothing to take back (invariant 20).
@Suite struct UnchangedTests {
    /// Two clusters; the one ran release 2 before, the other 1.
    private static func started(_ policy: RolloutPolicy = .single()) throws -> Scenario {
        var scenario = try Scenario([("east", 1), ("west", 1)], policy: policy)
        scenario.snapshot.fleet["east-1"]?.assigned = Scenario.two
        scenario.snapshot.fleet["east-1"]?.proven = [Scenario.two, Scenario.one]
        scenario.decide()
        #expect(scenario.clusters(.dispatched) == ["east-1", "west-1"])
        return scenario
    }

    @Test func anUndoLeavesWhatTheRolloutDidNotChange() throws {
        var scenario = try Self.started()
        scenario.settleAgents()
        #expect(scenario.rollout.phase == .succeeded)
        let request = try PlanRequest.undo(of: scenario.rollout, name: "undo-1", createdBy: "ann")
        let plan = try RolloutPlanner.preview(request, snapshot: scenario.snapshot, now: scenario.now)
        #expect(plan.rollout.targets.keys.sorted() == ["west-1"])
        #expect(
            plan.warnings.contains {
                $0.kind == .unchanged && $0.message == "east-1 ran 2 before the rollout: left as it is"
            })

        let named = try PlanRequest.undo(
            of: scenario.rollout, scope: .cluster("east-1"), name: "undo-2", createdBy: "ann")
        #expect(named.select.clusters == ["east-1"], "who is named is meant")
        #expect(throws: PlanError.self) {
            try PlanRequest.undo(of: scenario.rollout, scope: .region("east"), name: "undo-3", createdBy: "ann")
        }
    }

    @Test func whoRanAnotherReleaseInBetweenIsChangedByIt() throws {
        var scenario = try Scenario([("east", 1)], policy: .single())
        scenario.snapshot.fleet["east-1"]?.proven = [Scenario.one, Scenario.two]
        scenario.decide()
        scenario.settleAgents()
        #expect(scenario.target("east-1")?.ranBefore == false)
        let request = try PlanRequest.undo(of: scenario.rollout, name: "undo-1", createdBy: "ann")
        #expect(request.spared.isEmpty)
    }

    @Test(arguments: [AgentPhase.healthy, .verifying])
    func aRollbackLeavesWhatTheRolloutDidNotChange(phase: AgentPhase) throws {
        var scenario = try Self.started(.single(cap: .count(5), soak: .minutes(10)))
        scenario.wait(.seconds(10))
        scenario.report("east-1", phase)
        scenario.report("west-1", .healthy)
        scenario.decide()
        let decision = scenario.decide(.rollback(.rollout, reason: nil))
        #expect(decision.assignments.map(\.cluster) == ["west-1"])
        #expect(scenario.target("east-1")?.reason == "ran 2 before this rollout: left as it is")
        #expect(scenario.phase("east-1") == .skipped)
        scenario.settleAgents()
        #expect(scenario.rollout.phase == .rolledBack)
    }

    @Test func aFailureElsewhereTakesBackOnlyWhatTheRolloutChanged() throws {
        var scenario = try Self.started(.single(onFailure: FailurePolicy(action: .rollback, scope: .rollout)))
        scenario.wait(.seconds(10))
        scenario.report("east-1", .healthy)
        scenario.report("west-1", .failed, .failed, reason: "CrashLoopBackOff")
        let decision = scenario.decide()
        #expect(decision.assignments.map(\.cluster) == ["west-1"])
        #expect(scenario.phase("east-1") == .skipped)
    }

    @Test func whoFailsGoesBackAndWhoIsNamedToo() throws {
        var scenario = try Self.started(.single(onFailure: FailurePolicy(action: .rollback, scope: .cluster)))
        scenario.wait(.seconds(10))
        scenario.report("east-1", .failed, .failed, reason: "CrashLoopBackOff")
        scenario.decide()
        #expect(scenario.phase("east-1") == .rollingBack)
        #expect(scenario.target("east-1")?.assigned == Scenario.one)

        var named = try Self.started(.single(soak: .minutes(10)))
        named.settleAgents()
        named.decide(.rollback(.cluster("east-1"), reason: nil))
        #expect(named.target("east-1")?.assigned == Scenario.one)
    }

    /// 2 was brought and taken back: to undo what brought 1 then must not bring 2 again.
    @Test func anUndoNeverGoesForwardToWhatWasTakenBack() throws {
        var first = try Scenario([("east", 1)], policy: .single(), proven: [])
        first.decide()
        first.settleAgents()
        #expect(first.rollout.phase == .succeeded)
        let three = ReleaseReference(version: "3", digest: ContentDigest(of: [3]))
        first.snapshot.fleet["east-1"]?.proven = [Scenario.two, three]
        for removes in [false, true] {
            let request = try PlanRequest.undo(of: first.rollout, name: "undo-1", createdBy: "ann", remove: removes)
            let error = #expect(throws: PlanError.self) {
                try RolloutPlanner.preview(request, snapshot: first.snapshot, now: first.now)
            }
            #expect(error?.message.contains("ran 3 since the rollout that is to be undone") == true)
        }
    }

    @Test func isStoredAndRowsWithoutItAreRead() throws {
        let scenario = try Self.started()
        let target = try #require(scenario.target("east-1"))
        #expect(target.ranBefore)
        let bytes = try JSONEncoder().encode(target)
        #expect(try JSONDecoder().decode(TargetState.self, from: bytes) == target)
        let other = try JSONEncoder().encode(try #require(scenario.target("west-1")))
        #expect(!String(decoding: other, as: UTF8.self).contains("ranBefore"))
    }
}
