internal import SwellEngine
internal import SwellModel
internal import Testing

/// A small generator that gives the same numbers for the same seed (a linear congruence; its high bits are used).
private struct Dice {
    var state: UInt64
    mutating func roll(_ sides: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(sides))
    }
    mutating func pick<Element>(_ list: [Element]) -> Element { list[roll(list.count)] }
}

@Suite("Random walks")
struct RandomWalkTests {
    @Test(
        "Whatever happens in whatever order, the invariants hold after every decision",
        arguments: 1...40 as ClosedRange<UInt64>)
    func walk(seed: UInt64) throws {
        var dice = Dice(state: seed)
        let policy = RolloutPolicy.waves(
            soak: dice.pick([.zero, .seconds(30)]), cap: dice.pick([.count(1), .percent(50), .percent(100)]),
            budget: dice.pick([.count(0), .count(1)]),
            onFailure: FailurePolicy(
                action: dice.pick(FailurePolicy.Action.allCases), scope: dice.pick(FailurePolicy.Scope.allCases)),
            pausedRegion: dice.pick(PausedRegionRule.allCases),
            approval: ApprovalRule(before: dice.roll(4) == 0, after: dice.roll(4) == 0))
        var world = try Scenario([("east", 1), ("west", 3), ("north", 2)], policy: policy)
        var everAssigned: [ClusterName: Int64] = [:]
        for _ in 0..<120 {
            let before = world.rollout
            let command = act(&world, &dice)
            let known = world.snapshot
            let decision = command.map { world.decide($0) } ?? world.decide()
            try check(before, decision, known, world.now)
            for assignment in decision.assignments {
                #expect(assignment.generation > everAssigned[assignment.cluster] ?? 0)
                everAssigned[assignment.cluster] = assignment.generation
            }
            #expect(Transition.replay(onto: world.planned, world.transitions) == world.rollout)
            // Looking again at once finds nothing left to do.
            let again = world.rollout.phase.isEnded ? decision : world.decide()
            #expect(again == decision || (again.transitions.isEmpty && again.assignments.isEmpty))
        }
    }

    /// Something happens: time, a word from an agent, a fault, a person.
    private func act(_ world: inout Scenario, _ dice: inout Dice) -> RolloutCommand? {
        let targets = world.rollout.targets.values.sorted { $0.cluster < $1.cluster }
        let target = dice.pick(targets)
        let region = target.region
        switch dice.roll(14) {
        case 0, 1, 2:
            for target in targets where target.phase.isUnderWay {
                world.report(target.cluster, target.assigned == nil ? .removed : .healthy)
            }
        case 3: world.report(target.cluster, dice.pick(AgentPhase.allCases), dice.pick(Health.allCases))
        case 4: world.report(target.cluster, .healthy, generation: Int64(dice.roll(12)), digest: Scenario.one.digest)
        case 5: world.wait(.seconds(Int64(dice.roll(40))))
        case 6: world.wait(.minutes(Int64(dice.roll(12))))
        case 7: if world.silent.remove(target.cluster) == nil { world.silent.insert(target.cluster) }
        case 8: return dice.pick([.pause(.rollout, reason: nil), .pause(.region(region), reason: nil)])
        case 9, 10:
            return dice.pick([.resume(.rollout), .resume(.region(region)), .retry(clusters: [])])
        case 11:
            let stage = dice.pick(world.rollout.stages).name
            return dice.pick([.approve(stage: stage, digest: Scenario.two.digest), .promote(stage: stage)])
        case 12:
            guard dice.roll(3) == 0 else { return nil }
            return dice.pick([
                .rollback(.cluster(target.cluster), reason: nil), .rollback(.region(region), reason: nil),
                .rollback(.rollout, reason: nil), .abort(reason: nil),
            ])
        default:
            if dice.roll(2) == 0 {
                world.snapshot.fleet[target.cluster] = nil
            } else if let name = try? ClusterName("\(region)-\(7 + dice.roll(3))") {
                world.snapshot.fleet[name] = ClusterFacts(
                    cluster: Cluster(name: name, region: region, environment: "production"), isEnrolled: true,
                    lastSeenAt: world.now)
            }
        }
        world.wait(.seconds(Int64(dice.roll(12))))
        return nil
    }

    private func check(_ before: Rollout, _ decision: Decision, _ known: FleetSnapshot, _ now: Timestamp) throws {
        let after = decision.rollout
        let forward = decision.assignments.filter { after.targets[$0.cluster]?.phase.isForward == true }
        if !forward.isEmpty {
            #expect(after.phase == .progressing)
            #expect(after.pause == nil)
            for assignment in forward {
                let target = try #require(after.targets[assignment.cluster])
                #expect(after.pausedRegions[target.region] == nil)
                #expect(after.stages[..<target.stage].allSatisfy { $0.phase == .passed })
                #expect(known.fleet[assignment.cluster] != nil)
            }
        }
        for assignment in decision.assignments where after.targets[assignment.cluster]?.phase == .rollingBack {
            #expect(assignment.goal == after.targets[assignment.cluster]?.previous.map { .run($0) } ?? .remove)
        }
        if !before.phase.isEnded {
            for (index, stage) in after.policy.stages.enumerated() {
                for (region, size) in after.stages[index].lanes {
                    let count = after.targets.values.count {
                        $0.stage == index && $0.region == region && $0.isInFlight
                    }
                    let cap = stage.maxConcurrent.resolved(of: size, atLeast: 1)
                    #expect(count <= cap)
                }
            }
        }
        #expect(after.phase.isEnded == (decision.wakeAt == nil))
        if !after.phase.isEnded {
            #expect(!Blockers.of(after, snapshot: known, now: now).isEmpty)
        }
    }
}
