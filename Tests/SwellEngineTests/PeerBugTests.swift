internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("Bugs that peers shipped")
struct PeerBugTests {
    @Test("argo-cd 29410: the health of the previous revision completes no step")
    func previousRevision() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: .waves())
        world.report("east-1", .healthy, generation: 5, digest: Scenario.one.digest)
        world.decide()
        world.wait(.minutes(1))
        world.report("east-1", .healthy, generation: 5, digest: Scenario.one.digest)
        #expect(world.decide().assignments.isEmpty)
        #expect(world.phase("east-1") == .dispatched)
    }

    @Test("argo-cd 22558: no later step is released while an earlier one is unhealthy")
    func laterStep() throws {
        var world = try Scenario([("east", 2), ("west", 1), ("north", 1)], policy: .waves())
        world.decide()
        world.settleAgents(except: ["east-2"])
        #expect(world.decide().assignments.isEmpty)
        world.report("east-1", .healthy, .degraded)
        world.report("east-2", .healthy)
        #expect(world.decide().assignments.isEmpty)
    }

    @Test("OCM 1201: a soak is not computed from an old transition time")
    func oldTransition() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: .waves(soak: .minutes(5)))
        world.decide()
        world.settleAgents()
        world.wait(.minutes(4))
        world.report("east-1", .healthy, .degraded)
        world.decide()
        world.wait(.minutes(5))
        world.report("east-1", .healthy)
        #expect(world.decide().assignments.isEmpty)
        #expect(world.rollout.stages[0].soakEndsAt == world.now + .minutes(5))
    }

    @Test("OCM 327: beyond the budget the rollout does not go on")
    func overspent() throws {
        var world = try Scenario(
            [("west", 5)], policy: .single(cap: .count(1), onFailure: FailurePolicy(action: .rollback, scope: .cluster))
        )
        world.decide()
        world.report("west-1", .failed, .failed)
        world.decide()
        world.settleAgents()
        #expect(world.clusters(.queued).count == 4)
        #expect(world.rollout.phase == .paused)
    }

    @Test("Fleet 2891: small fleets keep their stages and lanes")
    func smallFleet() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: .waves(cap: .percent(10)))
        #expect(world.rollout.stages.map(\.lanes) == [["east": 1], ["north": 1, "west": 1]])
        world.decide()
        #expect(world.clusters(.dispatched) == ["east-1"])
        world.settleAgents()
        #expect(world.clusters(.dispatched) == ["north-1", "west-1"])
    }

    @Test("KubeFleet 733: clusters that come and go while it runs fail nothing")
    func membershipWhileRunning() throws {
        var world = try Scenario([("east", 1), ("west", 2), ("north", 1)], policy: .waves())
        world.decide()
        world.settleAgents()
        world.snapshot.fleet["west-1"] = nil
        world.snapshot.fleet["east-1"] = nil
        world.join("west-9")
        world.decide()
        #expect(world.rollout.phase == .progressing)
        world.settleAgents()
        world.settleAgents()
        #expect(world.rollout.phase == .succeeded)
        #expect(world.clusters(.skipped) == ["east-1", "west-1"])
        #expect(world.clusters(.healthy) == ["north-1", "west-2", "west-9"])
        #expect(world.target("west-9")?.late == .joined)
    }

    @Test("KubeFleet 845: nor do they between planning and the start, and the caps stay those that were planned")
    func membershipBeforeTheStart() throws {
        var world = try Scenario(
            [("east", 1), ("west", 4), ("north", 1)], policy: .waves(cap: .percent(50)), startsAt: .minutes(5))
        world.decide()
        #expect(world.rollout.phase == .scheduled)
        world.snapshot.fleet["west-1"] = nil
        world.snapshot.fleet["west-2"] = nil
        world.join("east-9")
        world.wait(.minutes(5))
        world.decide()
        // Of a stage that has not started, who joins is a regular member.
        #expect(world.clusters(.dispatched) == ["east-1"])
        world.settleAgents()
        #expect(world.clusters(.dispatched) == ["east-9"])
        world.settleAgents()
        #expect(world.rollout.stages.map(\.lanes) == [["east": 1], ["north": 1, "west": 4]])
        #expect(world.clusters(.dispatched) == ["north-1", "west-3", "west-4"])
        world.settleAgents()
        #expect(world.rollout.phase == .succeeded)
        #expect(world.clusters(.skipped) == ["west-1", "west-2"])
    }
}
