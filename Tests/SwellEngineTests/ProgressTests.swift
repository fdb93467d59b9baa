internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("Stages, soak, caps and approvals")
struct ProgressTests {
    @Test("The canary goes first, then both regions side by side, then it has succeeded")
    func walksStages() throws {
        var world = try Scenario([("east", 1), ("west", 2), ("north", 2)], policy: .waves(soak: .minutes(5)))
        #expect(world.decide().assignments.map(\.cluster) == ["east-1"])
        #expect(world.last?.assignments.first?.generation == 6)
        #expect(world.last?.assignments.first?.fallback == Scenario.one)
        #expect(world.settleAgents().assignments.isEmpty)
        #expect(world.rollout.stages[0].phase == .soaking)
        world.wait(.minutes(5))
        #expect(world.decide().assignments.map(\.cluster) == ["north-1", "north-2", "west-1", "west-2"])
        let end = world.settleAgents()
        #expect(world.rollout.phase == .succeeded)
        #expect(end.wakeAt == nil)
        #expect(end.proven.count == 4)
        #expect(Transition.replay(onto: world.planned, world.transitions) == world.rollout)
    }

    @Test(
        "Invariant 1: caps of lane, stage, rollout and fleet hold, percentages rounded down and at least one",
        arguments: [
            (Limit.count(1), nil, nil, nil, 2), (.count(2), nil, nil, nil, 4), (.percent(50), nil, nil, nil, 4),
            (.percent(59), nil, nil, nil, 4), (.percent(1), nil, nil, nil, 2), (.percent(100), nil, nil, nil, 10),
            (.percent(100), .count(3), nil, nil, 3), (.percent(100), .percent(10), nil, nil, 1),
            (.percent(100), nil, .count(4), nil, 4), (.percent(100), nil, .percent(25), nil, 2),
            (.percent(100), nil, nil, 3, 3), (.percent(100), nil, nil, 0, 0),
        ] as [(Limit, Limit?, Limit?, Int?, Int)])
    func caps(lane: Limit, stage: Limit?, rollout: Limit?, headroom: Int?, expected: Int) throws {
        var policy = RolloutPolicy.single(cap: lane)
        policy.stages[0].maxConcurrentInStage = stage
        policy.maxConcurrent = rollout
        var world = try Scenario([("west", 5), ("north", 5)], policy: policy)
        world.snapshot.fleetHeadroom = headroom
        world.decide()
        #expect(world.clusters(.dispatched).count == expected)
        world.decide()
        if headroom == nil { #expect(world.clusters(.dispatched).count == expected) }
    }

    @Test("Invariant 3: the soak is counted from the stored moment; pausing and resuming does not shorten it")
    func soakIsStored() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: .waves(soak: .minutes(5)))
        world.decide()
        world.settleAgents()
        let end = world.now + .minutes(5)
        #expect(world.rollout.stages[0].soakEndsAt == end)
        world.wait(.minutes(4))
        #expect(world.decide().wakeAt ?? end > world.now)
        world.decide(.pause(.rollout, reason: "lunch"))
        world.wait(.seconds(30))
        world.decide(.resume(.rollout))
        #expect(world.rollout.stages[0].phase == .soaking)
        #expect(world.rollout.stages[0].soakEndsAt == end)
        world.wait(.seconds(29))
        #expect(world.decide().assignments.isEmpty)
        world.wait(.seconds(1))
        #expect(world.decide().assignments.count == 2)
    }

    @Test("Invariant 3: one bad report disqualifies the soak, even when good again before anybody looked")
    func badReportDisqualifies() throws {
        var world = try Scenario([("east", 2), ("west", 1), ("north", 1)], policy: .waves(soak: .minutes(5)))
        world.decide()
        world.settleAgents()
        world.wait(.minutes(4))
        world.report("east-1", .healthy, .degraded)
        world.decide()
        #expect(world.rollout.stages[0].phase == .verifying)
        #expect(world.rollout.stages[0].healthyAt == nil)
        world.wait(.minutes(2))
        #expect(world.decide().assignments.isEmpty)
        world.report("east-1", .healthy)
        world.decide()
        #expect(world.rollout.stages[0].soakEndsAt == world.now + .minutes(5))
        world.wait(.minutes(1))
        world.report("east-2", .healthy, .progressing)
        world.report("east-2", .healthy)
        world.decide()
        #expect(world.rollout.stages[0].phase == .soaking)
        #expect(world.rollout.stages[0].soakEndsAt == world.now + .minutes(5))
    }

    @Test("Invariants 3 and 12: silence stops the soak; it is counted again from the return")
    func silenceStopsSoak() throws {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: .waves(soak: .minutes(5)))
        world.decide()
        world.settleAgents()
        world.silent = ["east-1"]
        world.wait(.seconds(61))
        world.decide()
        #expect(world.phase("east-1") == .unreachable)
        #expect(world.rollout.stages[0].soakEndsAt == nil)
        #expect(
            Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now).contains {
                $0.what == .unreachable
            })
        world.wait(.minutes(10))
        #expect(world.decide().assignments.isEmpty)
        world.silent = []
        world.decide()
        #expect(world.phase("east-1") == .verifying)
        world.report("east-1", .healthy)
        world.decide()
        #expect(world.rollout.stages[0].soakEndsAt == world.now + .minutes(5))
    }

    @Test("Invariant 14: an approval is for this stage and digest, and opens the gate")
    func approvalBefore() throws {
        var world = try Scenario(
            [("east", 1), ("west", 1), ("north", 1)], policy: .waves(approval: ApprovalRule(before: true, after: true)))
        world.decide()
        world.settleAgents()
        #expect(world.rollout.stages[1].phase == .gated)
        #expect(world.decide(.approve(stage: "rest", digest: Scenario.one.digest)).verdicts.first?.refusal != nil)
        #expect(world.decide(.approve(stage: "canary", digest: Scenario.two.digest)).verdicts.first?.refusal != nil)
        let approved = world.decide(.approve(stage: "rest", digest: Scenario.two.digest), by: "bea")
        #expect(approved.verdicts.first?.refusal == nil)
        #expect(approved.assignments.count == 2)
        #expect(world.rollout.stages[1].approvedBefore?.by == "bea")
        #expect(world.decide(.approve(stage: "rest", digest: Scenario.two.digest)).verdicts.first?.refusal != nil)
        world.settleAgents()
        #expect(world.rollout.stages[1].phase == .verifying)
        #expect(Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now).map(\.what) == [.approval])
        world.decide(.approve(stage: "rest", digest: Scenario.two.digest))
        #expect(world.rollout.phase == .succeeded)
    }

    @Test("A promotion ends a soak or an approval, never a lack of health")
    func promote() throws {
        var world = try Scenario(
            [("east", 1), ("west", 1), ("north", 1)],
            policy: .waves(soak: .hours(1), approval: ApprovalRule(before: true)))
        world.decide()
        #expect(world.decide(.promote(stage: "canary")).verdicts.first?.refusal != nil)
        world.settleAgents()
        world.decide(.promote(stage: "canary"), by: "bea")
        #expect(world.rollout.stages[0].phase == .passed)
        #expect(world.rollout.stages[0].promotion?.by == "bea")
        #expect(world.decide(.promote(stage: "rest")).assignments.count == 2)
    }

    @Test("An approval, and a promotion over one, is for the content and the plan that were seen")
    func seenPlan() throws {
        var world = try Scenario(
            [("east", 1), ("west", 1), ("north", 1)], policy: .waves(approval: ApprovalRule(before: true)))
        world.decide()
        world.settleAgents()
        world.decide()
        let digest = Scenario.two.digest
        let before = world.rollout.planDigest
        func refusal(_ command: RolloutCommand) -> String? { DecisionMaker.refusal(of: command, on: world.rollout) }
        #expect(refusal(.approve(stage: "rest", digest: digest, plan: before)) == nil)
        #expect(refusal(.promote(stage: "rest", digest: digest, plan: before)) == nil)
        #expect(refusal(.promote(stage: "rest"))?.contains("to promote it is to approve it") == true)
        #expect(refusal(.promote(stage: "rest", digest: digest))?.contains("to promote it is to approve it") == true)
        #expect(
            refusal(.promote(stage: "rest", digest: Scenario.one.digest, plan: before))?.contains("carries") == true)
        // A cluster more is another plan.
        world.rollout.targets["west-9"] = world.rollout.targets["west-1"].map {
            TargetState(cluster: "west-9", region: $0.region, stage: $0.stage, changedAt: world.now)
        }
        #expect(world.rollout.planDigest != before)
        for command in [
            RolloutCommand.approve(stage: "rest", digest: digest, plan: before),
            .promote(stage: "rest", digest: digest, plan: before),
        ] {
            #expect(refusal(command)?.contains("look at it again") == true)
        }
        // How far it has come is not part of it.
        let now = world.rollout.planDigest
        world.rollout.header.reason = "x"
        #expect(world.rollout.planDigest == now)
    }

    @Test("A plan that changes after an approval voids it, also while the rollout is paused (invariant 14)")
    func voidedApproval() throws {
        var world = try Scenario(
            [("east", 1), ("west", 1), ("north", 1)], policy: .waves(approval: ApprovalRule(before: true)))
        world.decide()
        world.settleAgents()
        world.decide()
        world.decide(.pause(.rollout, reason: nil))
        world.decide(.approve(stage: "rest", digest: Scenario.two.digest), by: "ann")
        #expect(world.rollout.stages[1].approvedBefore?.plan == world.rollout.planDigest)
        world.decide()
        #expect(world.rollout.stages[1].approvedBefore?.by == "ann", "nothing has changed")

        world.rollout.targets["west-9"] = world.rollout.targets["west-1"].map {
            TargetState(cluster: "west-9", region: $0.region, stage: $0.stage, changedAt: world.now)
        }
        world.decide(.resume(.rollout))
        world.decide()
        let stage = world.rollout.stages[1]
        #expect(stage.approvedBefore == nil && stage.phase == .gated && stage.startedAt == nil, "\(stage)")
        #expect(stage.reason?.contains("the plan changed after ann had approved") == true, "\(stage.reason ?? "")")
        world.decide(.approve(stage: "rest", digest: Scenario.two.digest), by: "bea")
        #expect(world.rollout.stages[1].startedAt != nil && world.rollout.stages[1].reason == nil)
    }

    @Test("A scheduled rollout starts at its time")
    func scheduled() throws {
        var world = try Scenario([("west", 1)], policy: .single(), startsAt: .hours(1))
        #expect(world.decide().assignments.isEmpty)
        #expect(world.rollout.phase == .scheduled)
        #expect(Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now).map(\.what) == [.start])
        world.wait(.hours(1))
        #expect(world.decide().assignments.count == 1)
        #expect(world.rollout.phase == .progressing)
    }

    @Test("What is ordered back before a later start is left out of it, whoever holds the cluster meanwhile")
    func orderedBackBeforeItsStart() throws {
        var world = try Scenario([("west", 1), ("east", 1)], policy: .single(), startsAt: .hours(1))
        world.snapshot.fleet["west-1"]?.heldBy = "another"
        world.decide(.pause(.rollout, reason: nil))
        world.decide(.rollback(.region("west"), reason: "odd"))
        #expect(world.phase("west-1") == .skipped)
        world.wait(.hours(1))
        world.snapshot.fleet["west-1"]?.heldBy = nil
        #expect(world.decide(.resume(.rollout)).assignments.map(\.cluster) == ["east-1"])
    }

    @Test("A retry without names leaves what another rollout holds by now")
    func retryOfWhatOthersHold() throws {
        var world = try Scenario([("west", 2)], policy: .single(onFailure: FailurePolicy(action: .pause)))
        world.decide()
        for name in ["west-1", "west-2"] as [ClusterName] { world.report(name, .failed) }
        world.decide()
        #expect(world.clusters(.failed) == ["west-1", "west-2"])
        world.snapshot.fleet["west-1"]?.heldBy = "another"
        let refused = world.decide(.retry(clusters: ["west-1", "west-2"]))
        #expect(
            refused.verdicts.first?.refusal?.contains("cluster 'west-1' is held by rollout 'another' by now") == true)
        #expect(world.decide(.retry(clusters: [])).verdicts.map(\.refusal) == [nil])
        #expect(world.phase("west-1") == .failed && world.phase("west-2") != .failed)
        world.snapshot.fleet["west-2"]?.heldBy = world.rollout.name
        #expect(
            world.decide(.retry(clusters: [])).verdicts.first?.refusal?.contains("held by rollout 'another' by now")
                == true)
    }

    @Test("A claim of minHealthyTime before it can have gone by waits, then counts")
    func impossibleClaim() throws {
        var world = try Scenario([("west", 1)], policy: .single())
        world.decide()
        world.wait(.seconds(2))
        world.report("west-1", .healthy)
        let decision = world.decide()
        #expect(world.phase("west-1") == .dispatched)
        world.wait(.seconds(4))
        #expect(decision.wakeAt == world.now - .seconds(4) + DecisionMaker.pollInterval)
        #expect(world.decide().wakeAt == world.now + .seconds(4))
        world.wait(.seconds(4))
        world.decide()
        #expect(world.rollout.phase == .succeeded)
    }
}
