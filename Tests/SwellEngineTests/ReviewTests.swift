internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("The second opinion on decisions")
struct ReviewTests {
    /// A decision that the engine made, spoilt in one way, with the invariant that this breaks.
    struct Spoilt: CustomTestStringConvertible {
        var testDescription: String
        var invariant: Invariant
        var spoil: @Sendable (inout Decision, DecisionInput) -> Void
    }

    static let spoilt: [Spoilt] = [
        Spoilt(testDescription: "a generation that was given out", invariant: .generation) { decision, _ in
            decision.assignments[0].generation = 5
        },
        Spoilt(testDescription: "an epoch below the lease's", invariant: .epoch) { decision, _ in
            decision.assignments[0].epoch = 0
        },
        Spoilt(testDescription: "another's goal", invariant: .wayBack) { decision, _ in
            decision.assignments[0].goal = .remove
        },
        Spoilt(testDescription: "a lost row", invariant: .audit) { decision, _ in decision.transitions.removeLast() },
        Spoilt(testDescription: "an assignment to nobody", invariant: .identity) { decision, _ in
            decision.assignments[0].cluster = "nobody"
        },
    ]

    @Test("What a decision breaks is named, and nothing of it is done", arguments: spoilt)
    func names(_ spoilt: Spoilt) throws {
        let world = try Scenario([("east", 1), ("west", 2), ("north", 1)], policy: .waves())
        let input = DecisionInput(rollout: world.rollout, snapshot: world.snapshot, now: world.now, epoch: 1)
        var decision = DecisionMaker.decide(input)
        #expect(DecisionReview(input).breaches(of: decision).isEmpty)
        spoilt.spoil(&decision, input)
        let held = DecisionMaker.reviewed(decision, of: input)
        #expect(held.breaches.map(\.invariant).contains(spoilt.invariant), "\(held.breaches)")
        #expect(held.assignments.isEmpty && held.proven.isEmpty && held.verdicts.isEmpty)
        #expect(held.rollout.targets == input.rollout.targets)
        #expect(Transition.replay(onto: input.rollout, held.transitions) == held.rollout)
        let blockers = Blockers.of(held.rollout, snapshot: world.snapshot, now: world.now)
        #expect(blockers.first?.what == .invariant)
        // The next one that is right goes on.
        var again = input
        again.rollout = held.rollout
        let next = DecisionMaker.decideReviewed(again)
        #expect(!next.isHeld && next.rollout.hold == nil && next.assignments.count == 1)
    }

    @Test(
        "What a rule that went wrong would decide does not pass: caps, order, pauses, proof", arguments: [0, 1, 2, 3])
    func rules(which: Int) throws {
        var world = try Scenario([("east", 1), ("west", 2), ("north", 1)], policy: .waves(soak: .minutes(1)))
        var shown = world.rollout
        let expected: Invariant
        switch which {
        case 0:
            // As if everything belonged to the first stage.
            for name in shown.targets.keys { shown.targets[name]?.stage = 0 }
            expected = .audit
        case 1:
            world.decide()
            world.snapshot.pausedRegions = ["east": Pause(by: "ann", at: world.now)]
            world.decide(.retry(clusters: ["east-1"]))
            shown = world.rollout
            expected = .pause
        default:
            world.decide()
            world.settleAgents()
            shown = world.rollout
            expected = which == 2 ? .soak : .stageProof
        }
        let input = DecisionInput(rollout: world.rollout, snapshot: world.snapshot, now: world.now, epoch: 1)
        var wrong = input
        wrong.rollout = shown
        var decision: Decision
        switch which {
        case 1:
            wrong.snapshot.pausedRegions = [:]
            wrong.rollout.targets["east-1"] = TargetState(
                cluster: "east-1", region: "east", stage: 0, changedAt: world.now)
            decision = DecisionMaker.decide(wrong)
            decision.transitions = Transition.between(
                input.rollout, decision.rollout, by: Transition.engine, at: world.now)
        case 2, 3:
            decision = DecisionMaker.decide(input)
            decision.rollout.stages[0].phase = .passed
            decision.rollout.stages[0].passedAt = world.now
            if which == 3 {
                decision.rollout.targets["east-1"] = TargetState(
                    cluster: "east-1", region: "east", stage: 0, phase: .skipped, skip: .left, changedAt: world.now)
            }
            decision.transitions = Transition.between(
                input.rollout, decision.rollout, by: Transition.engine, at: world.now)
        default: decision = DecisionMaker.decide(wrong)
        }
        let breaches = DecisionReview(input).breaches(of: decision)
        #expect(breaches.map(\.invariant).contains(expected), "\(breaches)")
    }

    @Test(
        "Invariant 22: what one agent says of a failed target neither heals it nor has its rollout held",
        arguments: [true, false])
    func contradictions(pauses: Bool) throws {
        var world = try Scenario(
            [("west", 2)], policy: .single(onFailure: FailurePolicy(action: pauses ? .pause : .continue)))
        world.decide()
        for phase in [AgentPhase.failed, .healthy] {
            world.report("west-1", phase, phase == .failed ? .failed : .healthy)
        }
        world.report("west-1", .healthy, generation: 9)
        world.decide()
        world.snapshot.fleet["west-1"]?.report = ApplicationReport(
            application: "shop", generation: 9, digest: Scenario.two.digest, epoch: 1, phase: .healthy, health: .healthy
        )
        world.snapshot.fleet["west-1"]?.reportedAt = world.now
        for _ in 0..<5 {
            world.wait(.seconds(5))
            for name in world.snapshot.fleet.keys { world.snapshot.fleet[name]?.lastSeenAt = world.now }
            let input = DecisionInput(rollout: world.rollout, snapshot: world.snapshot, now: world.now, epoch: 1)
            #expect(!DecisionMaker.decideReviewed(input).isHeld)
            world.decide()
            #expect(world.phase("west-1") == .failed)
        }
    }
}

@Suite("What three fresh readers found")
struct ReaderFindingTests {
    @Test("A stage's only cluster that was away for a while proves it when it is back")
    func theOnlyOneReturns() throws {
        var policy = RolloutPolicy.single()
        policy.maxUnreachable = .count(1)
        var world = try Scenario([("west", 1)], policy: policy)
        world.decide()
        world.silent = ["west-1"]
        world.wait(.seconds(61))
        world.decide()
        #expect(world.rollout.stages[0].phase != .passed)
        world.silent = []
        world.decide()
        world.settleAgents()
        #expect(world.rollout.phase == .succeeded)
    }

    @Test("A database clock that is set back makes nothing that agents say too old")
    func clockSetBack() throws {
        var world = try Scenario([("west", 1)], policy: .single())
        world.decide()
        world.wait(.minutes(-15))
        world.report("west-1", .verifying, .healthy)
        world.decide()
        world.wait(.seconds(11))
        world.report("west-1", .healthy)
        world.decide()
        world.wait(.seconds(11))
        world.decide()
        #expect(world.rollout.phase == .succeeded)
    }

    @Test("A rollback and a retry after it, decided at once, are one after the other")
    func rollbackThenRetry() throws {
        var world = try Scenario([("west", 2)], policy: .single())
        world.decide()
        world.decide(.rollback(.cluster("west-1"), reason: nil))
        world.report("west-1", .healthy)
        world.settleAgents(except: ["west-2"])
        #expect(world.phase("west-1") == .rolledBack)
        let commands = [RolloutCommand.rollback(.cluster("west-1"), reason: nil), .retry(clusters: ["west-1"])]
        let input = DecisionInput(
            rollout: world.rollout,
            commands: commands.enumerated().map {
                CommandRecord(id: Int64($0), rollout: "shop-2", command: $1, by: "ann", at: world.now)
            }, snapshot: world.snapshot, now: world.now, epoch: 1)
        let decision = DecisionMaker.decideReviewed(input)
        #expect(!decision.isHeld, "\(decision.breaches)")
        #expect(decision.rollout.targets["west-1"]?.phase == .dispatched)
    }
}
