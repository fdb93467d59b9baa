internal import SwellEngine
internal import SwellModel
internal import Testing

/// That what was said and not read yet counts before the clock does, and that what was not kept is no proof (invariants 3, 20 and 21).
@Suite("Reports that wait, and reports that were not kept")
struct UnreadReportsTests {
    private func world(soak: Interval = .minutes(5)) throws -> Scenario {
        var world = try Scenario([("east", 1), ("west", 1), ("north", 1)], policy: .waves(soak: soak))
        world.decide()
        return world
    }

    @Test("A deadline that has passed is not judged while the cluster's reports wait to be read")
    func deadline() throws {
        var world = try world()
        world.report("east-1", .applying, .progressing)
        world.decide()
        world.wait(.minutes(12))
        world.dueAt = world.now
        world.unread = ["east-1"]
        world.decide()
        #expect(world.phase("east-1") == .applying)
        world.unread = []
        world.report("east-1", .healthy)
        world.decide()
        #expect(world.phase("east-1") == .healthy)
        #expect(world.target("east-1")?.failedAt == nil)
    }

    @Test("Others' reports that wait put no judgement off")
    func othersWait() throws {
        var world = try world()
        world.wait(.minutes(12))
        world.dueAt = world.now
        world.unread = ["west-1"]
        world.decide()
        #expect(world.rollout.phase == .rollingBack || world.target("east-1")?.failedAt != nil)
    }

    @Test("A soak that is over passes only once its clusters' last words are read")
    func soak() throws {
        var world = try world()
        world.settleAgents()
        #expect(world.rollout.stages[0].phase == .soaking)
        world.wait(.minutes(5))
        world.unread = ["east-1"]
        #expect(world.decide().assignments.isEmpty)
        #expect(world.rollout.stages[0].passedAt == nil)
        world.unread = []
        world.report("east-1", .verifying, .degraded)
        #expect(world.decide().assignments.isEmpty)
        #expect(world.rollout.stages[0].phase == .verifying)
    }

    @Test("An assertion is not believed while later words wait")
    func assertion() throws {
        var world = try world()
        world.report("east-1", .healthy)
        world.decide()
        world.wait(.seconds(10))
        world.unread = ["east-1"]
        world.decide()
        #expect(world.phase("east-1") != .healthy)
        world.unread = []
        world.decide()
        #expect(world.phase("east-1") == .healthy)
    }

    @Test("A stretch of health does not reach over a gap: the soak begins again")
    func gap() throws {
        var world = try world()
        world.settleAgents()
        let end = world.rollout.stages[0].soakEndsAt
        world.wait(.minutes(4))
        world.report("east-1", .healthy, isAfterGap: true)
        world.decide()
        #expect(world.phase("east-1") == .healthy)
        #expect(world.rollout.stages[0].soakEndsAt == world.now + .minutes(5))
        #expect(world.rollout.stages[0].soakEndsAt != end)
    }

    @Test("After a gap, what is said last counts, whatever it is")
    func badAfterGap() throws {
        var world = try world()
        world.settleAgents()
        world.report("east-1", .verifying, .degraded, isAfterGap: true)
        world.decide()
        #expect(world.phase("east-1") == .verifying)
        #expect(world.target("east-1")?.deadlineAt == world.now + .minutes(10))
    }
}
