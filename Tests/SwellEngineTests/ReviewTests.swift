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
}
