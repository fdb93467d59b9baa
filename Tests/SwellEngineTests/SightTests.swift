internal import SwellEngine
internal import SwellModel
internal import Testing

/// That a time in which nothing could be seen, or nobody looked, is held against no release (invariants 12, 20 and 23).
@Suite("Silence, blindness and lost time")
struct SightTests {
    /// A canary that soaks, under the strictest answer to failures.
    private func soakingCanary() throws -> Scenario {
        let policy = RolloutPolicy.peer(
            [.peer("canary", ["east"], soak: .minutes(5)), .peer("rest", ["west"])], action: .rollback)
        var world = try Scenario([("east", 1), ("west", 2)], policy: policy)
        world.decide()
        world.settleAgents()
        #expect(world.rollout.stages[0].phase == .soaking)
        world.store("east-1", .healthy)
        return world
    }

    @Test(
        "Silent, then heard with nothing new to say: what is stored of it counts again, and the soak starts again",
        arguments: [61, 120, 3_600] as [Int64])
    func silentThenHeard(seconds: Int64) throws {
        var world = try soakingCanary()
        world.silent = ["east-1"]
        world.wait(.seconds(seconds))
        world.decide()
        #expect(world.phase("east-1") == .unreachable)
        world.silent = []
        world.wait(.seconds(1))
        world.decide()
        #expect(world.phase("east-1") == .healthy)
        #expect(world.rollout.stages[0].soakEndsAt == world.now + .minutes(5))
        world.wait(.minutes(5))
        #expect(world.decide().assignments.map(\.cluster) == ["west-1", "west-2"])
        #expect(world.rollout.targets.values.allSatisfy { $0.failedAt == nil })
    }

    @Test("What is stored of another attempt, or of before the dispatch, proves nothing after a silence")
    func storedOfAnother() throws {
        for (generation, digest) in [(Int64(5), Scenario.one.digest), (6, Scenario.one.digest)] {
            var world = try soakingCanary()
            world.snapshot.fleet["east-1"]?.report?.generation = generation
            world.snapshot.fleet["east-1"]?.report?.digest = digest
            world.silent = ["east-1"]
            world.wait(.minutes(2))
            world.decide()
            world.silent = []
            world.decide()
            #expect(world.phase("east-1") != .healthy)
        }
        var world = try soakingCanary()
        world.snapshot.fleet["east-1"]?.reportedAt = Timestamp(milliseconds: 0)
        world.silent = ["east-1"]
        world.wait(.minutes(2))
        world.decide()
        world.silent = []
        world.decide()
        #expect(world.phase("east-1") == .verifying)
    }

    @Test("An assignment that its agent has not spoken of fails nothing, and has its whole deadline once it has")
    func notArrivedYet() throws {
        var world = try Scenario([("west", 1)], policy: .single(onFailure: FailurePolicy(action: .pause)))
        // It is heard of all the time, through lines each too short for an assignment.
        world.unreached = ["west-1"]
        world.decide()
        world.wait(.minutes(9))
        world.report("west-1", .accepted, .progressing)
        world.decide()
        #expect(world.target("west-1")?.deadlineAt == world.now + .minutes(10))
        world.wait(.minutes(10))
        world.report("west-1", .applying, .progressing)
        world.decide()
        #expect(world.phase("west-1") == .applying)
        world.wait(.minutes(1))
        world.decide()
        #expect(world.phase("west-1") == .failed)
    }

    @Test("An agent that is heard of and never speaks of its assignment makes it unknown, not failed, forward and back")
    func neverArrived() throws {
        var world = try Scenario([("west", 1)], policy: .single(onFailure: FailurePolicy(action: .pause)))
        world.unreached = ["west-1"]
        world.decide()
        world.wait(.minutes(11))
        world.decide()
        #expect(world.phase("west-1") == .unreachable)
        #expect(world.target("west-1")?.attempt?.evidence.isUnknown == true)
        #expect(world.target("west-1")?.failedAt == nil)
        world.wait(.minutes(1))
        world.report("west-1", .accepted, .progressing)
        world.decide()
        #expect(world.phase("west-1") == .dispatched)
        #expect(world.target("west-1")?.deadlineAt == world.now + .minutes(10))

        world.decide(.rollback(.rollout, reason: nil))
        world.wait(.minutes(11))
        world.decide()
        #expect(world.phase("west-1") == .rollingBack)
        #expect(world.target("west-1")?.attempt?.evidence.isUnknown == true)
        world.wait(.minutes(1))
        world.report("west-1", .healthy)
        world.decide()
        #expect(world.phase("west-1") == .rolledBack)
    }

    @Test("Heard again and sick: it is given a whole deadline, then it fails")
    func silentThenSick() throws {
        var world = try soakingCanary()
        world.store("east-1", .degraded)
        world.silent = ["east-1"]
        world.wait(.minutes(30))
        world.decide()
        world.silent = []
        world.decide()
        #expect(world.phase("east-1") == .verifying)
        #expect(world.target("east-1")?.deadlineAt == world.now + .minutes(10))
        world.wait(.seconds(659))
        world.decide()
        #expect(world.phase("east-1") == .verifying)
        world.wait(.seconds(1))
        world.decide()
        #expect(world.rollout.phase == .rollingBack)
    }

    @Test(
        "A healthy cluster that its agent cannot see: its stage waits by name, nothing fails, and its soak starts again"
    )
    func unknownWhileSoaking() throws {
        var world = try soakingCanary()
        world.report("east-1", .healthy, .unknown)
        world.decide()
        #expect(world.phase("east-1") == .unreachable)
        let blockers = Blockers.of(world.rollout, snapshot: world.snapshot, now: world.now)
        #expect(blockers.contains { $0.what == .unknown && $0.clusters == ["east-1"] })
        world.wait(.hours(1))
        #expect(world.decide().assignments.isEmpty)
        #expect(world.phase("east-1") == .unreachable)
        #expect(world.rollout.phase == .progressing)
        world.report("east-1", .healthy)
        world.decide()
        #expect(world.phase("east-1") == .healthy)
        #expect(world.rollout.stages[0].soakEndsAt == world.now + .minutes(5))
    }

    @Test("A healthy cluster of a stage that has passed and cannot be seen: its proof stands, and holds nobody")
    func unknownAfterPass() throws {
        var world = try soakingCanary()
        world.wait(.minutes(5))
        #expect(world.decide().assignments.count == 2)
        world.report("east-1", .healthy, .unknown)
        world.decide()
        #expect(world.phase("east-1") == .healthy)
        #expect(world.rollout.stages[0].phase == .passed)
        world.wait(.minutes(9))
        world.settleAgents()
        #expect(world.rollout.phase == .succeeded)
        #expect(world.rollout.reason == nil)
    }

    @Test("Applying and out of sight past the deadline: the deadline rests, and counts again from the first sight")
    func applyingUnknown() throws {
        var world = try Scenario([("west", 1)], policy: .peer(action: .rollback))
        world.decide()
        world.report("west-1", .applying, .unknown)
        world.wait(.hours(2))
        world.decide()
        #expect(world.phase("west-1") == .unreachable)
        #expect(world.target("west-1")?.failedAt == nil)
        world.report("west-1", .applying, .progressing)
        world.decide()
        #expect(world.phase("west-1") == .applying)
        #expect(world.target("west-1")?.deadlineAt == world.now + .minutes(10))
        world.wait(.minutes(11))
        world.decide()
        #expect(world.rollout.phase == .rollingBack)
    }

    @Test("Out of sight on the way back: it is neither back nor lost")
    func rollbackUnknown() throws {
        var world = try Scenario([("west", 1)], policy: .peer(action: .rollback))
        world.decide()
        world.report("west-1", .failed, .failed)
        world.decide()
        world.report("west-1", .verifying, .unknown)
        world.wait(.hours(2))
        world.decide()
        #expect(world.phase("west-1") == .rollingBack)
        world.report("west-1", .healthy)
        world.decide()
        #expect(world.rollout.phase == .rolledBack)
    }

    // MARK: Lost time

    @Test("A decision overdue by ten minutes: that time counts against no deadline")
    func overdueDeadline() throws {
        var world = try Scenario([("west", 1)], policy: .peer(action: .rollback))
        world.decide()
        world.wait(.minutes(1))
        world.dueAt = world.now
        world.wait(.minutes(10))
        world.decide()
        #expect(world.phase("west-1") == .dispatched)
        // Of ten minutes one was used, and `unreachableAfter` is waited for before it is judged.
        world.wait(.seconds(599))
        world.decide()
        #expect(world.phase("west-1") == .dispatched)
        world.wait(.seconds(1))
        world.decide()
        #expect(world.phase("west-1") == .rollingBack)
    }

    @Test("Nor for a soak: nobody could have heard how it went")
    func overdueSoak() throws {
        var world = try soakingCanary()
        world.wait(.minutes(2))
        world.dueAt = world.now
        world.wait(.minutes(10))
        #expect(world.decide().assignments.isEmpty)
        #expect(world.rollout.stages[0].soakEndsAt == world.now + .minutes(3))
        world.wait(.minutes(3))
        #expect(world.decide().assignments.count == 2)
    }

    @Test("A decision that is a little late is in time")
    func littleLate() throws {
        var world = try soakingCanary()
        let end = world.rollout.stages[0].soakEndsAt
        world.wait(.minutes(2))
        world.dueAt = world.now
        world.wait(DecisionMaker.overdueAfter)
        world.decide()
        #expect(world.rollout.stages[0].soakEndsAt == end)
    }

    @Test(
        "The database's clock jumps: nothing fails and no stage passes by it, whether or not agents were heard since",
        arguments: [Interval.minutes(11), .hours(5), .hours(24 * 400)], [false, true])
    func clockJump(by length: Interval, heard: Bool) throws {
        var world = try soakingCanary()
        world.dueAt = world.now + DecisionMaker.pollInterval
        if !heard { world.silent = ["east-1", "west-1", "west-2"] }
        world.wait(length)
        #expect(world.decide().assignments.isEmpty)
        world.silent = []
        world.wait(.seconds(1))
        #expect(world.decide().assignments.isEmpty)
        #expect(world.phase("east-1") == .healthy)
        #expect(world.rollout.stages[0].phase == .soaking)
        #expect(world.rollout.targets.values.allSatisfy { $0.failedAt == nil })
        world.wait(.minutes(5))
        #expect(world.decide().assignments.count == 2)
    }
}

extension Scenario {
    /// What is stored of an agent's last word on its present assignment, as of now.
    fileprivate mutating func store(_ name: ClusterName, _ health: Health) {
        guard let target = rollout.targets[name] else { return }
        snapshot.fleet[name]?.report = ApplicationReport(
            application: "shop", generation: target.generation ?? 0, digest: target.assigned?.digest,
            epoch: target.epoch ?? 0, phase: .healthy, health: health)
        snapshot.fleet[name]?.reportedAt = now
    }
}
