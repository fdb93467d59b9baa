internal import SwellEngine
internal import SwellModel
internal import Testing

/// What simulated worlds found, each by hand: see `FoundSeeds` in SwellSimulationTests.
@Suite("What simulated worlds found")
struct SimulatedFindingTests {
    @Test("A rollback and a successor in one decision: what the successor took over is not told by the other")
    func rollbackThenSuperseded() throws {
        var world = try Scenario([("west", 3), ("north", 1)], policy: .single())
        world.decide()
        world.settleAgents(except: ["north-1"])
        world.snapshot.fleet["west-1"]?.heldBy = "shop-3"
        world.snapshot.fleet["west-2"]?.heldBy = world.rollout.name
        // Of a third, the successor has ended already, so that nobody holds it.
        world.snapshot.fleet["west-3"]?.heldBy = nil
        let decision = world.decide(.rollback(.region("west"), reason: nil), .supersede(by: "shop-3"))
        #expect(decision.assignments.map(\.cluster) == ["west-2"])
        #expect(world.phase("west-1") == .healthy && world.phase("west-3") == .healthy)
        #expect(world.rollout.phase == .superseded)
    }

    @Test("A rollback of a cluster that has just left tells it nothing; it is skipped")
    func rollbackOfALeaver() throws {
        var world = try Scenario([("west", 2)], policy: .single())
        world.decide()
        world.settleAgents(except: ["west-2"])
        world.snapshot.fleet["west-1"] = nil
        let decision = world.decide(.rollback(.region("west"), reason: nil))
        #expect(decision.assignments.map(\.cluster) == ["west-2"])
        #expect(world.rollout.targets["west-1"]?.skip == .left)
    }

    @Test(
        "A generation that a failover made be given out twice: what is said of the other assignment is no word on this one"
    )
    func givenOutTwice() throws {
        for (phase, digest) in [
            (AgentPhase.verifying, Scenario.one.digest), (.reverting, Scenario.one.digest),
            (.failed, Scenario.two.digest),
            (.accepted, nil),
        ] {
            var world = try Scenario([("west", 1)], policy: .single())
            world.epoch = 13
            world.decide()
            world.report("west-1", phase, .progressing, generation: 6, digest: digest, epoch: 11)
            let told = try #require(world.decide().assignments.first)
            #expect(told.generation == 7 && told.epoch == 13)
            #expect(world.target("west-1")?.failedAt == nil)
        }
    }

    @Test("An assignment that no rollout looks after is reissued where the agent is at another of its generation")
    func strayGivenOutTwice() throws {
        let assignment = Assignment(
            cluster: "west-1", application: "shop", generation: 2, epoch: 13, rollout: "shop-2",
            goal: .run(Scenario.two),
            settings: AssignmentSettings(
                minHealthyTime: .zero, progressDeadline: .minutes(1), selfRollback: true))
        func report(_ phase: AgentPhase, _ digest: ContentDigest?, epoch: Int64) -> ApplicationReport {
            ApplicationReport(
                application: "shop", generation: 2, digest: digest, epoch: epoch, phase: phase, health: .healthy)
        }
        let orphan = OrphanedAssignment(assignment, report: report(.reverted, Scenario.one.digest, epoch: 11))
        #expect(orphan?.reissued(under: 14).generation == 3)
        #expect(OrphanedAssignment(assignment, report: report(.verifying, Scenario.one.digest, epoch: 13)) != nil)
        #expect(OrphanedAssignment(assignment, report: report(.verifying, Scenario.two.digest, epoch: 13)) == nil)
        #expect(OrphanedAssignment(assignment, report: report(.accepted, nil, epoch: 13)) == nil)
        #expect(OrphanedAssignment(assignment, report: report(.reverted, Scenario.one.digest, epoch: 13)) == nil)
    }

    @Test("An agent that refuses an assignment says again where it is, so that it is reissued")
    func refusalIsTold() {
        var agent = AgentDriver.healthy(5, "two", epoch: 3)
        agent.acknowledgeAll()
        agent.acknowledgeAll()
        agent.last = nil
        #expect(agent.send(.assigned([agent.assignment(4, "one", epoch: 3)])).notes == ["refused"])
        #expect(agent.report?.generation == 5)
        #expect(agent.report?.phase == .healthy)
        // What is under way already is not said twice.
        agent.last = nil
        agent.send(.assigned([agent.assignment(4, "one", epoch: 3)]))
        #expect(agent.last == nil)
    }

    @Test("A stage whose failures are tolerated waits for its approval by name, and a promotion ends that wait")
    func tolerantApproval() throws {
        var world = try Scenario(
            [("west", 1)],
            policy: .single(
                onFailure: FailurePolicy(action: .continue, scope: .cluster), approval: ApprovalRule(after: true)))
        world.decide()
        world.report("west-1", .failed, .failed)
        world.decide()
        let waits = Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now)
        #expect(waits.map(\.what) == [.approval])
        #expect(world.decide(.promote(stage: "all"), by: "bea").verdicts.first?.refusal == nil)
        #expect(world.rollout.stages[0].approvedAfter?.by == "bea")
        #expect(world.rollout.stages[0].phase == .passed)
        #expect(world.rollout.phase == .failed)
    }
}
