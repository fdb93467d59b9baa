internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("What operators order, and who comes and goes")
struct OrderTests {
    @Test("Invariant 6: after a pause nothing new goes to what it covers; rollback still may")
    func pauses() throws {
        var world = try Scenario([("west", 2), ("north", 2)], policy: .single(cap: .count(1)))
        world.decide(.pause(.region("west"), reason: "storm"), .pause(.cluster("north-1"), reason: nil))
        #expect(world.clusters(.dispatched) == ["north-2"])
        let waits = Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now).map(\.what)
        #expect(Set(waits) == [.health, .clusterPause, .regionPause])
        world.settleAgents()
        #expect(world.decide().assignments.isEmpty)
        #expect(world.decide(.pause(.rollout, reason: nil), .resume(.region("west"))).assignments.isEmpty)
        #expect(world.decide(.rollback(.cluster("north-2"), reason: "odd")).assignments.map(\.cluster) == ["north-2"])
        #expect(world.decide(.resume(.rollout)).assignments.map(\.cluster) == ["west-1"])
        world.snapshot.pausedRegions["west"] = Pause(by: "bea", at: world.now)
        world.settleAgents()
        #expect(world.phase("west-2") == .queued)
        let blockers = Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now)
        #expect(Set(blockers.map(\.what)) == [.regionPause, .clusterPause])
        world.snapshot.pausedRegions = [:]
        #expect(world.decide(.resume(.cluster("north-1"))).assignments.map(\.cluster) == ["north-1", "west-2"])
    }

    @Test("A cluster that regressed under a region's pause rests, and what it waits for names the pause")
    func regressedUnderPause() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: .waves(soak: .minutes(5)))
        world.decide()
        world.settleAgents()
        world.decide(.pause(.region("east"), reason: "storm"))
        world.report("east-1", .verifying, .degraded)
        world.wait(.minutes(30))
        world.dueAt = world.now
        world.decide()
        #expect(world.phase("east-1") == .verifying)
        let blockers = Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now)
        #expect(blockers.contains { $0.what == .regionPause && $0.clusters == ["east-1"] })
        #expect(blockers.contains { $0.what == .health && $0.clusters == ["east-1"] })
    }

    @Test("pausedRegion skip: the stages go on without it, and it catches up in the order of its own stages")
    func skipsPausedRegion() throws {
        var policy = RolloutPolicy.waves(pausedRegion: .skip)
        policy.stages[0].select = ClusterSelector(clusters: ["west-1", "north-1"])
        policy.stages[1].select = ClusterSelector(clusters: ["west-2", "north-2"])
        var world = try Scenario([("west", 2), ("north", 2)], policy: policy)
        world.decide(.pause(.region("west"), reason: nil))
        #expect(world.clusters(.dispatched) == ["north-1"])
        world.settleAgents()
        #expect(world.rollout.stages[0].phase == .passed)
        #expect(world.clusters(.dispatched) == ["north-2"])
        world.settleAgents()
        #expect(world.rollout.stages[1].phase == .passed)
        #expect(world.rollout.phase == .progressing)
        #expect(
            Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now).map(\.what).contains(
                .regionPause))
        #expect(world.decide(.resume(.region("west"))).assignments.map(\.cluster) == ["west-1"])
        world.settleAgents()
        #expect(world.clusters(.dispatched) == ["west-2"])
        world.settleAgents()
        #expect(world.rollout.phase == .succeeded)
    }

    @Test("pausedRegion skip: a stage without a healthy cluster does not pass by skipping all of it")
    func skipNeedsEvidence() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: .waves(pausedRegion: .skip))
        world.decide(.pause(.region("east"), reason: nil))
        #expect(world.rollout.stages[0].phase == .verifying)
        #expect(world.decide().assignments.isEmpty)
        #expect(world.decide(.resume(.region("east"))).assignments.map(\.cluster) == ["east-1"])
    }

    @Test("Invariant 7: after an abort nothing goes out, whatever comes")
    func abort() throws {
        var world = try Scenario([("west", 2)], policy: .single(cap: .count(1)))
        world.decide()
        let decision = world.decide(.abort(reason: "no"), .resume(.rollout), .retry(clusters: []))
        #expect(world.rollout.phase == .aborted)
        #expect(decision.verdicts.map { $0.refusal == nil } == [true, false, false])
        #expect(decision.wakeAt == nil)
        world.report("west-1", .healthy)
        world.wait(.seconds(10))
        let later = world.decide()
        #expect(later.assignments.isEmpty && later.transitions.isEmpty)
        #expect(later.rollout == decision.rollout)
    }

    @Test("Superseding ends it and names its successor")
    func supersede() throws {
        var world = try Scenario([("west", 1)], policy: .single())
        world.decide(.supersede(by: "shop-3"))
        #expect(world.rollout.phase == .superseded)
        #expect(world.rollout.supersededBy == "shop-3")
    }

    @Test("Invariant 13: rolling back one cluster leaves every other target alone")
    func clusterRollback() throws {
        var world = try Scenario([("west", 3)], policy: .single(soak: .hours(1)))
        world.decide()
        world.settleAgents()
        let before = world.rollout.targets
        let decision = world.decide(.rollback(.cluster("west-2"), reason: "odd"))
        #expect(decision.assignments.map(\.cluster) == ["west-2"])
        #expect(world.rollout.targets.filter { $0.key != "west-2" } == before.filter { $0.key != "west-2" })
        world.settleAgents()
        world.wait(.hours(1))
        world.decide()
        #expect(world.rollout.phase == .succeeded)
        #expect(world.rollout.reason?.contains("1 rolled back") == true)
    }

    @Test("A rollout whose clusters were all taken back by order is over, whatever its stage waits for")
    func everyClusterRolledBack() throws {
        var world = try Scenario([("west", 2)], policy: .single(soak: .hours(1)))
        world.decide()
        world.settleAgents()
        world.decide(.rollback(.cluster("west-1"), reason: "odd"))
        world.settleAgents()
        world.decide()
        #expect(world.rollout.phase == .progressing, "one is left")
        world.decide(.rollback(.cluster("west-2"), reason: "odd"))
        #expect(world.rollout.phase == .progressing, "the second is on its way back")
        world.settleAgents()
        world.decide()
        #expect(world.rollout.phase == .rolledBack)
        #expect(world.rollout.reason == "every cluster was rolled back")
    }

    @Test("Rolling back a canary region does not let the next stage start")
    func rolledBackCanary() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: .waves(soak: .minutes(1)))
        world.decide()
        world.decide(.rollback(.region("east"), reason: nil))
        world.settleAgents()
        world.wait(.hours(1))
        #expect(world.decide().assignments.isEmpty)
        #expect(!Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now).isEmpty)
        #expect(world.decide(.retry(clusters: ["east-1"])).assignments.map(\.cluster) == ["east-1"])
        world.settleAgents()
        world.wait(.minutes(1))
        #expect(world.decide().assignments.count == 2)
    }

    @Test("Invariant 18: leavers are skipped, also in flight; joiners come in at the right time")
    func membership() throws {
        var world = try Scenario([("east", 2), ("west", 1), ("north", 1)], policy: .waves(soak: .minutes(5)))
        world.decide()
        world.snapshot.fleet["east-2"] = nil
        world.settleAgents()
        #expect(world.target("east-2")?.skip == .left)
        #expect(world.rollout.stages[0].phase == .soaking)
        let soakEnd = world.rollout.stages[0].soakEndsAt
        for (name, region) in [("east-9", "east"), ("west-9", "west")] as [(ClusterName, RegionName)] {
            world.snapshot.fleet[name] = ClusterFacts(
                cluster: Cluster(name: name, region: region, environment: "production"), isEnrolled: true,
                lastSeenAt: world.now)
        }
        world.decide()
        #expect(world.target("east-9")?.late == .joined)
        #expect(world.target("west-9")?.late == nil)
        #expect(world.rollout.stages[0].soakEndsAt == soakEnd)
        world.wait(.minutes(5))
        #expect(world.decide().assignments.map(\.cluster) == ["east-9", "north-1", "west-1"])
        // A joiner's failure is its own.
        world.report("east-9", .failed, .failed)
        world.decide()
        #expect(world.rollout.phase == .progressing)
        for _ in 0..<3 { world.settleAgents() }
        #expect(world.rollout.phase == .succeeded)
        // No other release was ever proven there, so that it is held as it is.
        #expect(world.phase("east-9") == .failed)
        #expect(Transition.replay(onto: world.planned, world.transitions) == world.rollout)
    }

    @Test(
        "A stage that all of its clusters have left is proven by who comes back, or comes in their place",
        arguments: ["east-1", "east-9"])
    func lastOfTheStage(name: ClusterName) throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: .waves(soak: .minutes(1)))
        world.decide()
        let east = world.snapshot.fleet.removeValue(forKey: "east-1")
        world.decide()
        #expect(world.phase("east-1") == .skipped)
        #expect(world.rollout.stages[0].reason == "none of its clusters is healthy")
        if name == "east-1" { world.snapshot.fleet[name] = east } else { world.join(name) }
        #expect(world.decide().assignments.map(\.cluster) == [name])
        #expect(world.target(name)?.late == nil)
        // It proves the stage as any canary does: its soak is waited for, and its failure is the stage's.
        var failing = world
        failing.report(name, .failed, .failed)
        failing.decide()
        #expect(failing.rollout.stages[0].phase == .failed)
        #expect(failing.target("west-1")?.attempt == nil)
        world.settleAgents()
        #expect(world.rollout.stages[0].phase == .soaking)
        #expect(world.target("west-1")?.attempt == nil)
        world.wait(.minutes(1))
        #expect(world.decide().assignments.map(\.cluster) == ["north-1", "west-1"])
    }

    @Test("A joiner that another rollout holds, or whose agent never came, waits outside")
    func strangers() throws {
        var world = try Scenario([("west", 1)], policy: .single())
        world.snapshot.fleet["west-8"] = ClusterFacts(
            cluster: Cluster(name: "west-8", region: "west", environment: "production"), isEnrolled: true,
            lastSeenAt: world.now, heldBy: "other-1")
        world.snapshot.fleet["west-9"] = ClusterFacts(
            cluster: Cluster(name: "west-9", region: "west", environment: "production"))
        world.silent = ["west-9"]
        world.decide()
        #expect(world.rollout.targets.count == 1)
    }

    @Test("Invariant 22: an agent that is beyond whatever it is told is told no more often than a poll")
    func endlesslyAhead() throws {
        var world = try Scenario([("west", 1)], policy: .single())
        world.decide()
        var assigned = 0
        // A minute of decisions a quarter of a second apart.
        for _ in 0..<240 {
            world.wait(.milliseconds(250))
            let generation = (world.target("west-1")?.generation ?? 0) + 1
            world.report("west-1", .healthy, generation: generation, digest: Scenario.one.digest)
            world.snapshot.fleet["west-1"]?.report = ApplicationReport(
                application: "shop", generation: generation, digest: Scenario.one.digest, epoch: 1, phase: .healthy,
                health: .healthy)
            assigned += world.decide().assignments.count
        }
        // A few at once, then one each five seconds.
        #expect(assigned >= 3 && assigned <= 3 + 12, "\(assigned)")
    }

    @Test("Invariant 8: an agent ahead of us is reissued, above what it knows")
    func agentAhead() throws {
        var world = try Scenario([("west", 1)], policy: .single())
        world.decide()
        world.report("west-1", .healthy, generation: 9, digest: Scenario.one.digest)
        #expect(world.decide().assignments.map(\.generation) == [10])
    }

    @Test("Invariants 9 and 22: an epoch that an agent has seen is that cluster's floor, and moves no other's")
    func epochAhead() throws {
        var world = try Scenario([("west", 2)], policy: .single())
        world.decide()
        world.report("west-1", .healthy, epoch: 1 << 49)
        let again = world.decide()
        #expect(again.assignments.map(\.cluster) == ["west-1"])
        #expect(again.assignments.map(\.generation) == [7])
        #expect(again.assignments.map(\.epoch) == [1 << 49])
        world.decide(.rollback(.rollout, reason: nil))
        #expect(world.last?.assignments.map(\.epoch) == [1 << 49, 1])
    }

    @Test("Invariant 16: rows name who ordered it, and replaying them gives the state")
    func rows() throws {
        var world = try Scenario([("west", 2)], policy: .single())
        world.decide()
        let decision = world.decide(.pause(.rollout, reason: "lunch"), by: "bea")
        // The clocks of what is under way rest by themselves.
        #expect(decision.transitions.map(\.by) == ["bea", "swell", "swell"])
        #expect(decision.transitions.first?.to == "paused")
        #expect(Transition.replay(onto: world.planned, world.transitions) == world.rollout)
    }
}
