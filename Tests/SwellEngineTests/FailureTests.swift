internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("Failures, rollback, evidence")
struct FailureTests {
    @Test(
        "Invariant 4: what is no evidence proves nothing",
        arguments: [
            (AgentPhase.healthy, Health.healthy, Int64(5), Scenario.two.digest, TargetPhase.dispatched),
            (.healthy, .healthy, 6, Scenario.two.digest, .healthy),
            (.healthy, .progressing, 6, Scenario.two.digest, .verifying),
            (.healthy, .unknown, 6, Scenario.two.digest, .unreachable),
            (.verifying, .healthy, 6, Scenario.two.digest, .verifying),
            (.verifying, .healthy, 6, Scenario.one.digest, .dispatched),
            // It is at another assignment of this generation, so it is reissued.
            (.applying, .healthy, 6, Scenario.one.digest, .dispatched),
            (.applying, .healthy, 6, Scenario.two.digest, .applying),
            (.healthy, .healthy, 4, Scenario.one.digest, .dispatched),
        ])
    func evidence(
        phase: AgentPhase, health: Health, generation: Int64, digest: ContentDigest, expected: TargetPhase
    ) throws {
        var world = try Scenario([("west", 1)], policy: .single(soak: .minutes(1)))
        world.decide()
        world.wait(.seconds(10))
        world.report("west-1", phase, health, generation: generation, digest: digest)
        world.decide()
        #expect(world.phase("west-1") == expected)
    }

    @Test("Invariants 5 and 7: beyond the budget nothing more goes out, and everything touched goes back")
    func budgetExceeded() throws {
        var world = try Scenario([("west", 6)], policy: .single(cap: .count(2), budget: .count(1)))
        world.decide()
        world.report("west-1", .failed, .failed, reason: "ImagePullBackOff")
        let first = world.decide()
        // Within the budget: it alone goes back, and the stage goes on below its cap.
        #expect(world.phase("west-1") == .rollingBack)
        #expect(first.assignments.map(\.cluster) == ["west-1"])
        world.settleAgents(except: ["west-2"])
        #expect(world.phase("west-1") == .rolledBack)
        #expect(world.phase("west-3") == .dispatched)
        world.report("west-2", .failed, .failed, reason: "CrashLoopBackOff")
        let second = world.decide()
        #expect(world.rollout.phase == .rollingBack)
        // Who caused it stands at the rollout and at itself; the others say for what they go back.
        #expect(world.rollout.reason?.contains("west-1: ImagePullBackOff") == true)
        #expect(world.rollout.targets["west-2"]?.reason == "CrashLoopBackOff")
        #expect(world.rollout.targets["west-4"]?.reason == "stage 'all': 2 failed, more than the budget of 1")
        #expect(second.assignments.map(\.cluster) == ["west-2", "west-3"])
        #expect(second.assignments.allSatisfy { $0.goal == .run(Scenario.one) && $0.fallback == nil })
        #expect(world.clusters(.skipped) == ["west-4", "west-5", "west-6"])
        world.settleAgents()
        #expect(world.rollout.phase == .rolledBack)
    }

    @Test(
        "The policy's scope says how far the taking back reaches",
        arguments: [
            (FailurePolicy.Scope.cluster, ["west-1"], RolloutPhase.paused),
            (.region, ["west-1", "west-2"], .paused),
            (.stage, ["north-1", "west-1", "west-2"], .paused),
            (.rollout, ["east-1", "north-1", "west-1", "west-2"], .rolledBack),
        ] as [(FailurePolicy.Scope, [ClusterName], RolloutPhase)])
    func scopes(scope: FailurePolicy.Scope, expected: [ClusterName], end: RolloutPhase) throws {
        var world = try Scenario(
            [("east", 1), ("west", 2), ("north", 1)],
            policy: .waves(onFailure: FailurePolicy(action: .rollback, scope: scope)))
        world.decide()
        world.settleAgents()
        world.report("west-1", .failed, .failed)
        #expect(world.decide().assignments.map(\.cluster) == expected)
        world.settleAgents()
        #expect(world.rollout.phase == end)
        #expect(world.clusters(.rolledBack) == expected)
    }

    @Test("onFailure pause: it stops, resuming is refused, a retry goes on")
    func pauseOnFailure() throws {
        var world = try Scenario(
            [("west", 3)], policy: .single(cap: .count(1), onFailure: FailurePolicy(action: .pause)))
        world.decide()
        world.report("west-1", .failed, .failed)
        #expect(world.decide().assignments.isEmpty)
        #expect(world.rollout.phase == .paused)
        #expect(
            Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now).contains {
                $0.what == .failure
            })
        #expect(world.decide(.resume(.rollout)).verdicts.first?.refusal?.contains("retry") == true)
        let retried = world.decide(.retry(clusters: []))
        #expect(retried.assignments.map(\.cluster) == ["west-1"])
        #expect(world.target("west-1")?.attempts == 2)
        for _ in 0..<3 { world.settleAgents() }
        #expect(world.rollout.phase == .succeeded)
    }

    @Test("onFailure continue: the rest goes on, and the end tells")
    func continueOnFailure() throws {
        var world = try Scenario(
            [("west", 3)], policy: .single(cap: .count(1), onFailure: FailurePolicy(action: .continue)))
        world.decide()
        world.report("west-1", .failed, .failed)
        #expect(world.decide().assignments.map(\.cluster) == ["west-2"])
        world.settleAgents()
        world.settleAgents()
        #expect(world.rollout.phase == .failed)
        #expect(world.clusters(.healthy) == ["west-2", "west-3"])
    }

    @Test("Invariant 13: an agent that reverted by itself failed the release, though its digest is healthy")
    func selfReverted() throws {
        var world = try Scenario([("west", 1)], policy: .single(onFailure: FailurePolicy(action: .pause)))
        world.decide()
        world.report("west-1", .reverted, .healthy, digest: Scenario.one.digest, reason: "CrashLoopBackOff")
        let decision = world.decide()
        #expect(world.phase("west-1") == .failed)
        #expect(world.target("west-1")?.reason?.contains("CrashLoopBackOff") == true)
        #expect(decision.proven.isEmpty)
    }

    @Test("Invariant 13: where nothing was ever proven, it is removed or held")
    func neverHealthy() throws {
        for behaviour in NeverHealthyBehaviour.allCases {
            var world = try Scenario(
                [("west", 1)], policy: .single(), strategy: ApplicationStrategy(whenNeverHealthy: behaviour),
                proven: [])
            world.decide()
            #expect(world.last?.assignments.first?.settings.selfRollback == false)
            let decision = world.decide(.rollback(.rollout, reason: nil))
            if behaviour == .remove {
                #expect(decision.assignments.map(\.goal) == [.remove])
                world.report("west-1", .removed)
                world.decide()
            } else {
                #expect(decision.assignments.isEmpty)
            }
            // What is held is not called rolled back.
            #expect(world.rollout.phase == (behaviour == .remove ? .rolledBack : .failed))
        }
    }

    @Test("A rollback that fails ends as failed; ordering it again tries again")
    func rollbackFails() throws {
        var world = try Scenario([("west", 2)], policy: .single())
        world.decide()
        world.decide(.rollback(.cluster("west-1"), reason: nil))
        world.report("west-1", .failed, .failed)
        world.decide()
        #expect(world.phase("west-1") == .rollbackFailed)
        #expect(world.decide().assignments.isEmpty)
        #expect(world.decide(.rollback(.cluster("west-1"), reason: nil)).assignments.map(\.generation) == [8])
        world.report("west-1", .failed, .failed)
        world.decide()
        world.settleAgents()
        #expect(world.rollout.phase == .failed)
    }

    @Test("A rollback that was called failed and arrives after all is one that did")
    func rollbackArrivesLate() throws {
        var world = try Scenario([("west", 2)], policy: .single())
        world.decide()
        world.decide(.rollback(.cluster("west-1"), reason: nil))
        world.report("west-1", .failed, .failed, reason: "CrashLoopBackOff")
        world.decide()
        #expect(world.phase("west-1") == .rollbackFailed)
        let generation = world.target("west-1")?.generation
        // Neither health on the way, nor what is said of another release, is an arrival.
        world.report("west-1", .verifying)
        world.decide()
        world.report("west-1", .healthy, digest: .some(world.rollout.release.digest))
        world.decide()
        #expect(world.phase("west-1") == .rollbackFailed)
        world.wait(.minutes(5))
        world.report("west-1", .healthy)
        let decision = world.decide()
        #expect(world.phase("west-1") == .rolledBack)
        #expect(world.target("west-1")?.generation == generation, "it is told nothing new")
        #expect(decision.assignments.isEmpty)
        #expect(decision.proven.map(\.cluster) == ["west-1"])
        #expect(world.target("west-1")?.reason?.contains("back after all") == true)
        world.settleAgents(except: ["west-1"])
        #expect(world.rollout.phase == .succeeded)
        #expect(world.rollout.reason?.contains("1 rolled back on the way") == true)
    }

    /// Its agent never called it failed: it was slow, or said neither yes nor no for too long.
    @Test(
        "A rollback that the coordinator called failed, by the deadline, heals as one that its agent did",
        arguments: [nil, Health.healthy])
    func rollbackArrivesAfterItsDeadline(meanwhile: Health?) throws {
        var world = try Scenario([("west", 2)], policy: .single())
        world.decide()
        world.decide(.rollback(.cluster("west-1"), reason: nil))
        for _ in 0..<30 where world.phase("west-1") == .rollingBack {
            if let meanwhile { world.report("west-1", .verifying, meanwhile) }
            world.wait(.minutes(1))
            world.decide()
        }
        #expect(world.phase("west-1") == .rollbackFailed)
        #expect(world.target("west-1")?.reason?.contains("did not get back within") == true)
        world.wait(.minutes(5))
        world.report("west-1", .healthy)
        let decision = world.decide()
        #expect(world.phase("west-1") == .rolledBack)
        #expect(decision.assignments.isEmpty)
        #expect(decision.proven.map(\.cluster) == ["west-1"])
    }

    @Test("Where the agent's own way back is there and not healthy, its release is named and nothing is reissued")
    func failedWayBackNamesWhereItIs() throws {
        var world = try Scenario(
            [("west", 2)], policy: .single(onFailure: FailurePolicy(action: .pause)))
        world.decide()
        let previous = try #require(world.target("west-1")?.previous)
        world.report("west-1", .failed, .failed, digest: .some(previous.digest))
        let decision = world.decide()
        #expect(world.phase("west-1") == .failed)
        #expect(decision.assignments.isEmpty)
    }

    @Test("The progress deadline fails only an agent that was heard of after it; a silent one is unreachable")
    func deadlines() throws {
        var world = try Scenario([("west", 2)], policy: .single(onFailure: FailurePolicy(action: .pause)))
        world.decide()
        world.silent = ["west-2"]
        world.wait(.minutes(10))
        world.decide()
        // An agent that stood still for a while has a later deadline of its own.
        #expect(world.phase("west-1") == .dispatched)
        world.wait(.minutes(1))
        world.decide()
        #expect(world.phase("west-1") == .failed)
        #expect(world.target("west-1")?.reason?.contains("ProgressDeadlineExceeded") == true)
        #expect(world.phase("west-2") == .unreachable)
        #expect(world.target("west-2")?.failedAt == nil)
        world.silent = []
        world.wait(.minutes(1))
        world.decide()
        #expect(world.phase("west-2") == .dispatched)
        #expect(world.target("west-2")?.deadlineAt == world.now + .minutes(10))
        world.wait(.seconds(10))
        world.report("west-2", .healthy)
        world.decide()
        #expect(world.phase("west-2") == .healthy)
    }

    @Test("A passed stage that turns bad holds the later ones; past the deadline it fails")
    func regression() throws {
        var world = try Scenario([("east", 1), ("west", 2), ("north", 1)], policy: .waves(cap: .count(1)))
        world.decide()
        world.settleAgents()
        #expect(world.clusters(.dispatched) == ["north-1", "west-1"])
        world.report("east-1", .healthy, .degraded)
        world.settleAgents()
        #expect(world.rollout.stages[0].phase == .verifying)
        #expect(world.phase("west-2") == .queued)
        world.report("east-1", .healthy)
        world.decide()
        #expect(world.rollout.stages[0].phase == .passed)
        #expect(world.phase("west-2") == .dispatched)
        world.report("east-1", .healthy, .failed)
        world.decide()
        world.wait(.minutes(11))
        world.report("west-2", .healthy)
        world.decide()
        #expect(world.rollout.phase == .rollingBack)
    }
}
