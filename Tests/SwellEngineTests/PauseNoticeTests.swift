internal import SwellEngine
internal import SwellModel
internal import Testing

/// That agents, which judge their own deadlines, are told of pauses (N07 of Nomad: deadlines rest while a person looks).
@Suite struct PauseNoticeTests {
    private func world() throws -> Scenario {
        var world = try Scenario([("east", 1), ("west", 2), ("north", 1)], policy: .waves())
        world.decide()
        return world
    }

    private func notice(_ cluster: ClusterName, _ isPaused: Bool, _ world: Scenario) -> PauseNotice {
        PauseNotice(cluster: cluster, generation: world.target(cluster)?.generation ?? 0, isPaused: isPaused)
    }

    @Test("A pause and its end are told to what is under way, once", arguments: ["rollout", "region", "cluster"])
    func toldOnce(scope: String) throws {
        var world = try world()
        let scope: PauseScope =
            switch scope {
            case "rollout": .rollout
            case "region": .region("east")
            default: .cluster("east-1")
            }
        #expect(world.decide(.pause(scope, reason: nil)).pauses == [notice("east-1", true, world)])
        #expect(world.decide().pauses == [])
        #expect(world.decide(.resume(scope)).pauses == [notice("east-1", false, world)])
        #expect(world.decide().pauses == [])
    }

    @Test("A fleet-wide pause of the region is told too")
    func regionOfTheFleet() throws {
        var world = try world()
        world.snapshot.pausedRegions["east"] = Pause(by: "bea", at: world.now)
        #expect(world.decide().pauses == [notice("east-1", true, world)])
        world.snapshot.pausedRegions = [:]
        #expect(world.decide().pauses == [notice("east-1", false, world)])
    }

    @Test("What is healthy, waits, or goes back is told nothing")
    func othersAreToldNothing() throws {
        var world = try world()
        world.settleAgents()
        #expect(world.decide(.pause(.region("east"), reason: nil)).pauses == [])
        var back = try self.world()
        back.decide(.rollback(.cluster("east-1"), reason: "odd"))
        #expect(back.decide(.pause(.rollout, reason: nil)).pauses == [])
    }

    @Test("A rollout that ends under a pause takes back what it told")
    func endsUnderPause() throws {
        var world = try world()
        world.decide(.pause(.region("east"), reason: nil))
        #expect(world.decide(.abort(reason: "enough")).pauses == [notice("east-1", false, world)])
        #expect(world.decide().pauses == [])
    }

    @Test("One that leaves in the moment in which the rollout ends is taken back what it was told")
    func endsAsItLeaves() throws {
        var world = try world()
        world.decide(.pause(.region("east"), reason: nil))
        world.snapshot.fleet["east-1"] = nil
        #expect(world.decide(.supersede(by: "shop-9")).pauses == [notice("east-1", false, world)])
    }

    @Test("What an older replica forgot to take back is taken back, as the assignment still says it")
    func forgotten() throws {
        var world = try world()
        let generation = world.target("east-1")?.generation
        world.snapshot.fleet["east-1"]?.pausedGeneration = generation
        #expect(world.decide().pauses == [notice("east-1", false, world)])
    }

    @Test(
        "What a cluster was told that leaves the fleet is taken back as it goes: its assignment outlives its membership"
    )
    func left() throws {
        var world = try world()
        world.decide(.pause(.region("east"), reason: nil))
        let facts = world.snapshot.fleet["east-1"]
        world.snapshot.fleet["east-1"] = nil
        #expect(world.decide().pauses == [notice("east-1", false, world)])
        #expect(world.decide(.resume(.region("east"))).pauses == [])
        #expect(facts?.pausedGeneration != nil)
    }

    @Test("What is left out under a pause is told that it is under none")
    func leftOut() throws {
        var world = try world()
        world.decide(.pause(.region("east"), reason: nil))
        #expect(world.decide(.skip(cluster: "east-1", reason: nil)).pauses == [notice("east-1", false, world)])
        #expect(world.decide().pauses == [])
    }

    @Test("What is assigned again under a pause begins without one")
    func reassigned() throws {
        var world = try world()
        world.decide(.pause(.region("east"), reason: nil))
        let decision = world.decide(.rollback(.cluster("east-1"), reason: "odd"))
        #expect(decision.assignments.map(\.cluster) == ["east-1"])
        #expect(decision.pauses == [])
    }
}
