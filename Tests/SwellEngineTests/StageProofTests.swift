internal import SwellEngine
internal import SwellModel
internal import Testing

/// That nothing goes on without proof or a person's word (invariants 3, 5, 6, 14 and 21), and that nothing waits for ever for the dead.
@Suite("What a stage needs to pass, and who holds it")
struct StageProofTests {
    private func waves(_ action: FailurePolicy.Action, soak: Interval = .zero) -> RolloutPolicy {
        .peer([.peer("canary", ["east"], soak: soak), .peer("rest", ["west", "north"])], action: action)
    }

    // MARK: A stage that loses all its members

    @Test("The canary failed and is removed from the fleet: the rollout stays stopped")
    func failedCanaryLeaves() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: waves(.pause))
        world.decide()
        world.report("east-1", .failed, .failed)
        world.decide()
        #expect(world.rollout.phase == .paused)
        world.snapshot.fleet["east-1"] = nil
        #expect(world.decide().assignments.isEmpty)
        #expect(world.rollout.phase == .paused)
        #expect(world.rollout.stages.map(\.phase) == [.failed, .waiting])
    }

    @Test("The canary is removed from the fleet while under way: its stage does not pass, and names why")
    func canaryLeaves() throws {
        var world = try Scenario(
            [("east", 1), ("west", 1), ("north", 1)], policy: waves(.rollback, soak: .minutes(5)))
        world.decide()
        world.snapshot.fleet["east-1"] = nil
        world.wait(.hours(1))
        #expect(world.decide().assignments.isEmpty)
        #expect(world.rollout.stages[0].phase == .verifying)
        let blockers = Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now)
        #expect(blockers.contains { $0.stage == "canary" && $0.why.contains("none of its clusters is healthy") })
        // A person's word leads on, and only one that says what it is.
        #expect(world.decide(.promote(stage: "canary")).assignments.isEmpty)
        #expect(world.decide(.promote(stage: "canary", despiteHealth: true)).assignments.count == 2)
    }

    @Test("The canary's region is paused and rolled back before anything went there: its stage does not pass")
    func canaryRolledBackUntouched() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: waves(.rollback))
        world.decide(.pause(.region("east"), reason: nil))
        #expect(world.decide(.rollback(.region("east"), reason: "not here")).assignments.isEmpty)
        #expect(world.phase("east-1") == .skipped)
        #expect(world.decide().assignments.isEmpty)
        #expect(world.rollout.stages[0].phase == .verifying)
    }

    @Test("The canary is left out by order: its stage does not pass by that")
    func canarySkipped() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: waves(.rollback))
        world.decide()
        #expect(world.decide(.skip(cluster: "east-1", reason: nil)).assignments.isEmpty)
        #expect(world.rollout.stages[0].phase == .verifying)
    }

    @Test("The clusters of a stage that has passed leave: what they proved stands")
    func provenCanaryLeaves() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: waves(.rollback))
        world.decide()
        world.settleAgents()
        world.snapshot.fleet["east-1"] = nil
        world.settleAgents()
        #expect(world.rollout.phase == .succeeded)
    }

    // MARK: What an undo carries

    @Test("An undo is finished whatever becomes of the line", arguments: DisconnectedBehaviour.allCases)
    func undoFinishes(_ behaviour: DisconnectedBehaviour) throws {
        let strategy = ApplicationStrategy(whenDisconnected: behaviour)
        var world = try Scenario([("west", 1)], policy: .peer(action: .rollback), strategy: strategy)
        #expect(world.decide().assignments.map(\.settings.whenDisconnected) == [behaviour])
        world.settleAgents()
        let request = try PlanRequest.undo(of: world.rollout, name: "undo-1", createdBy: "ann")
        world.rollout = try RolloutPlanner.plan(request, snapshot: world.snapshot, now: world.now)
        let undo = world.decide().assignments
        #expect(undo.map(\.goal) == [.run(Scenario.one)])
        #expect(undo.map(\.settings.whenDisconnected) == [.finish])
        #expect(undo.map(\.settings.selfRollback) == [false])
    }

    @Test("So is a rollback", arguments: DisconnectedBehaviour.allCases)
    func rollbackFinishes(_ behaviour: DisconnectedBehaviour) throws {
        let strategy = ApplicationStrategy(whenDisconnected: behaviour)
        var world = try Scenario([("west", 1)], policy: .peer(action: .rollback), strategy: strategy)
        world.decide()
        world.report("west-1", .failed, .failed)
        #expect(world.decide().assignments.map(\.settings.whenDisconnected) == [.finish])
    }

    // MARK: Dead clusters

    /// One at a time, and the first one's agent dies under way.
    private func deadFirst() throws -> Scenario {
        var world = try Scenario([("west", 3)], policy: .peer(cap: .count(1), action: .rollback))
        world.decide()
        world.silent = ["west-1"]
        world.wait(.minutes(2))
        world.decide()
        #expect(world.phase("west-1") == .unreachable)
        return world
    }

    @Test("A dead cluster holds its slot until a person says otherwise")
    func deadHolds() throws {
        var world = try deadFirst()
        world.wait(.hours(1))
        #expect(world.decide().assignments.isEmpty)
        #expect(world.rollout.phase == .progressing)
    }

    @Test("Skipped or left behind, it frees its slot, and the rollout ends without it")
    func deadIsLeft() throws {
        for command in [
            RolloutCommand.skip(cluster: "west-1", reason: nil), .leaveBehind(cluster: "west-1", reason: nil),
        ] {
            var world = try deadFirst()
            #expect(world.decide(command).assignments.map(\.cluster) == ["west-2"])
            world.settleAgents(except: ["west-1"])
            #expect(world.phase("west-3") == .dispatched)
            world.settleAgents(except: ["west-1"])
            #expect(world.rollout.phase == .succeeded)
            #expect(world.rollout.reason?.contains("west-1") == true)
        }
    }

    @Test("Left behind, it is brought level when it comes back in time")
    func deadComesBack() throws {
        var world = try deadFirst()
        world.decide(.leaveBehind(cluster: "west-1", reason: nil))
        world.settleAgents(except: ["west-1"])
        world.silent = []
        world.wait(.seconds(10))
        world.report("west-1", .healthy)
        world.decide()
        #expect(world.phase("west-1") == .healthy)
        world.settleAgents()
        #expect(world.rollout.phase == .succeeded)
        #expect(world.clusters(.healthy) == ["west-1", "west-2", "west-3"])
    }

    @Test("The policy allows for one that is away: its stage passes without it, and so does the rollout")
    func deadIsAllowedFor() throws {
        var policy = RolloutPolicy.peer(action: .rollback)
        policy.maxUnreachable = .count(1)
        var world = try Scenario([("west", 3)], policy: policy)
        world.decide()
        world.silent = ["west-1"]
        world.wait(.minutes(2))
        world.settleAgents(except: ["west-1"])
        #expect(world.rollout.stages[0].phase == .passed)
        #expect(world.rollout.phase == .succeeded)
        #expect(world.rollout.reason == "without west-1, whose agents are away")
    }

    @Test("More that are away than the policy allows for hold their stage by name")
    func tooManyDead() throws {
        var policy = RolloutPolicy.peer(action: .rollback)
        policy.maxUnreachable = .count(1)
        var world = try Scenario([("west", 4)], policy: policy)
        world.decide()
        world.silent = ["west-1", "west-2"]
        world.wait(.minutes(2))
        world.settleAgents(except: ["west-1", "west-2"])
        world.wait(.hours(1))
        world.decide()
        #expect(world.rollout.phase == .progressing)
        let blockers = Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now)
        #expect(blockers.contains { $0.what == .unreachable && $0.clusters == ["west-1", "west-2"] })
        world.silent = ["west-1"]
        world.report("west-2", .healthy)
        world.decide()
        #expect(world.rollout.phase == .succeeded)
    }

    @Test("Clusters that are away before their dispatch take up none of the fleet's headroom")
    func deadTakeNoHeadroom() throws {
        var world = try Scenario([("west", 4)], policy: .peer())
        world.snapshot.fleetHeadroom = 2
        world.silent = ["west-1", "west-2"]
        world.wait(.minutes(2))
        #expect(world.decide().assignments.map(\.cluster) == ["west-3", "west-4"])
        #expect(world.clusters(.queued) == ["west-1", "west-2"])
    }

    // MARK: Approvals and moves

    @Test("An approval is for what the whole soak has shown: refused within it, and while somebody is sick")
    func approvalAfterSoak() throws {
        let policy = RolloutPolicy.peer(soak: .minutes(5), approval: ApprovalRule(after: true), action: .rollback)
        let approve = RolloutCommand.approve(stage: "all", digest: Scenario.two.digest)
        var world = try Scenario([("west", 1)], policy: policy)
        world.decide()
        world.settleAgents()
        #expect(world.decide(approve).verdicts.first?.refusal?.contains("still soaks") == true)
        world.wait(.minutes(4))
        world.report("west-1", .healthy, .degraded)
        world.decide()
        #expect(world.decide(approve).verdicts.first?.refusal?.contains("waits for west-1") == true)
        world.report("west-1", .healthy)
        world.decide()
        world.wait(.minutes(5))
        world.decide()
        #expect(world.rollout.phase == .progressing)
        world.decide(approve)
        #expect(world.rollout.phase == .succeeded)
    }

    @Test("The pause of a region covers who is there by now, and who was there when it was planned")
    func movedCluster() throws {
        var world = try Scenario([("west", 1), ("north", 1)], policy: .peer(cap: .count(1)))
        world.snapshot.fleet["west-1"]?.cluster.region = "north"
        world.snapshot.pausedRegions["north"] = Pause(by: "bea", at: world.now)
        #expect(world.decide().assignments.isEmpty)
        let blockers = Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now)
        #expect(Set(blockers.filter { $0.what == .regionPause }.flatMap(\.clusters)) == ["north-1", "west-1"])
        world.snapshot.pausedRegions = ["west": Pause(by: "bea", at: world.now)]
        #expect(world.decide().assignments.map(\.cluster) == ["north-1"])
        world.snapshot.pausedRegions = [:]
        #expect(world.decide().assignments.map(\.cluster) == ["west-1"])
    }
}
