internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("Planning")
struct PlannerTests {
    private func fleet(_ names: [(ClusterName, RegionName)]) -> FleetSnapshot {
        var snapshot = FleetSnapshot()
        for (name, region) in names {
            snapshot.fleet[name] = ClusterFacts(
                cluster: Cluster(name: name, region: region, environment: "production"), isEnrolled: true,
                lastSeenAt: Timestamp(milliseconds: 0), assigned: Scenario.two, proven: [Scenario.two, Scenario.one])
        }
        return snapshot
    }

    private func code(_ policy: RolloutPolicy, select: ClusterSelector = ClusterSelector()) -> PlanError.Code? {
        let request = PlanRequest(
            name: "r", application: "shop", release: Scenario.two, policy: policy, strategy: ApplicationStrategy(),
            createdBy: "ann", select: select)
        do {
            _ = try RolloutPlanner.plan(
                request, snapshot: fleet([("east-1", "east"), ("west-1", "west"), ("north-1", "north")]),
                now: Timestamp(milliseconds: 0))
            return nil
        } catch {
            return error.code
        }
    }

    @Test("Plans that make no sense are refused by name")
    func refusals() {
        #expect(code(.waves()) == nil)
        #expect(code(RolloutPolicy(name: "p", stages: [])) == .noStages)
        #expect(code(.single(cap: .count(0))) == .zeroLimit)
        #expect(code(.single(cap: .percent(0))) == .zeroLimit)
        var policy = RolloutPolicy.waves()
        policy.stages[1].name = "canary"
        #expect(code(policy) == .duplicateStage)
        policy = .waves()
        policy.stages[1].select = ClusterSelector()
        #expect(code(policy) == .overlap)
        policy = .waves()
        policy.stages[1].select.regions = ["mars"]
        #expect(code(policy) == .unknownRegion)
        policy = .waves()
        policy.stages[1].select = ClusterSelector(labels: ["a": "b"])
        #expect(code(policy) == .emptyStage)
        #expect(code(.waves(), select: ClusterSelector(clusters: ["west-9"])) == .unknownCluster)
        #expect(code(.waves(), select: ClusterSelector(regions: ["mars"])) == .unknownRegion)
        #expect(code(.waves(), select: ClusterSelector(labels: ["a": "b"])) == .noTargets)
        #expect(code(.waves(), select: ClusterSelector(regions: ["west"])) == nil)
    }

    @Test("A preview warns of silent agents and of empty stages")
    func warnings() throws {
        let request = PlanRequest(
            name: "r", application: "shop", release: Scenario.two, policy: .waves(), strategy: ApplicationStrategy(),
            createdBy: "ann", select: ClusterSelector(regions: ["west"]))
        let plan = try RolloutPlanner.preview(
            request, snapshot: fleet([("east-1", "east"), ("west-1", "west"), ("north-1", "north")]),
            now: Timestamp(milliseconds: 100_000))
        #expect(Set(plan.warnings.map(\.kind)) == [.unreachable, .emptyLane])
    }

    @Test("An undo takes each cluster back to its own, also after the rollout ended, and narrowed to one cluster")
    func undo() throws {
        var world = try Scenario(
            [("west", 3)], policy: .single(), strategy: ApplicationStrategy(whenNeverHealthy: .remove))
        world.decide()
        world.settleAgents()
        #expect(world.rollout.phase == .succeeded)
        #expect(
            world.decide(.rollback(.cluster("west-2"), reason: nil)).verdicts.first?.refusal?.contains("undo") == true)
        world.snapshot.fleet["west-3"]?.proven = [Scenario.two]
        let request = try PlanRequest.undo(of: world.rollout, name: "undo-1", createdBy: "ann")
        var undo = world
        undo.rollout = try RolloutPlanner.plan(request, snapshot: world.snapshot, now: world.now)
        let decision = undo.decide()
        #expect(decision.assignments.map(\.goal) == [.run(Scenario.one), .run(Scenario.one)])
        #expect(decision.assignments.map(\.generation) == [7, 7])
        #expect(undo.target("west-3")?.skip == .neverHealthy)
        undo.settleAgents()
        #expect(undo.rollout.phase == .succeeded)

        // Removing takes a person's word.
        let removal = try PlanRequest.undo(of: world.rollout, name: "undo-0", createdBy: "ann", remove: true)
        undo.rollout = try RolloutPlanner.plan(removal, snapshot: world.snapshot, now: world.now)
        #expect(undo.decide().assignments.last?.goal == .remove)
        for name in world.snapshot.fleet.keys { world.snapshot.fleet[name]?.proven = [Scenario.two] }
        let nowhere = try PlanRequest.undo(of: world.rollout, name: "undo-0", createdBy: "ann")
        #expect(throws: PlanError.self) {
            try RolloutPlanner.plan(nowhere, snapshot: world.snapshot, now: world.now)
        }
        for name in world.snapshot.fleet.keys { world.snapshot.fleet[name]?.proven = [Scenario.two, Scenario.one] }

        let narrow = try PlanRequest.undo(
            of: world.rollout, scope: .cluster("west-2"), name: "undo-2", createdBy: "ann")
        let plan = try RolloutPlanner.plan(narrow, snapshot: world.snapshot, now: world.now)
        #expect(Array(plan.targets.keys) == ["west-2"])
        #expect(throws: PlanError.self) {
            try PlanRequest.undo(of: world.rollout, scope: .cluster("east-7"), name: "undo-3", createdBy: "ann")
        }
    }
}
