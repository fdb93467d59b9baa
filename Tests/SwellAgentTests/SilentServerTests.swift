internal import KubernetesSimulator
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// An API server that falls silent for longer than what is under way may take: nothing is failed for what nobody saw, and what is
/// healthy ends healthy (invariants 12, 20 and 23).
@Suite(.timeLimit(.minutes(3))) struct SilentServerTests {
    /// Longer than every deadline here and the time until silence is known.
    private static let silence: Duration = .seconds(13)
    private static let rules = AgentRules(awayGrace: .milliseconds(200), retryDelay: .milliseconds(20))
    private static let slow = ShopManifest.namespace + ShopManifest.deployment("web", image: "web:slow", deadline: 600)

    /// Silences the server, waits until the agent says that it sees nothing, and lets the server answer again.
    private func silence(_ lab: SimulatedLab, generation: Int64 = 1) async throws {
        try await lab.fleet.setFaults(FaultPlan(outage: .hang), in: "east-1")
        let start = ContinuousClock.now
        try await lab.waitFor("unknown", within: .seconds(12)) {
            $0.generation == generation && $0.health == .unknown && $0.phase != .failed
        }
        try await eventually("long enough") { start.duration(to: .now) >= Self.silence }
        #expect(await lab.report()?.health == .unknown)
        #expect(await lab.report()?.phase != .failed)
        try await lab.fleet.setFaults(.none, in: "east-1")
    }

    @Test func whileAReleaseIsApplied() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.slow)
            try await lab.world.coordinator.assign(one.assignment(1, deadline: .seconds(3)))
            try await lab.withAgent(rules: Self.rules) {
                try await eventually("it is there") { try await lab.object("apps/v1", "Deployment", "web") != nil }
                try await silence(lab)
                try await lab.waitFor("healthy") { $0.phase == .healthy && $0.health == .healthy }
            }
        }
    }

    @Test(arguments: ["before", "after"]) func whileAHookRuns(moment: String) async throws {
        try await SimulatedLab.run { lab in
            let hook = ShopManifest.hook("migrate", moment, image: "migrate:slow")
            let text = ShopManifest.namespace + hook.replacing("20s", with: "4s")
            let one = try await lab.world.release("1.0.0", extra: text)
            try await lab.world.coordinator.assign(one.assignment(1, deadline: .seconds(5)))
            try await lab.withAgent(rules: Self.rules) {
                try await eventually("it runs") { try await lab.object("batch/v1", "Job", "migrate") != nil }
                try await silence(lab)
                try await lab.waitFor("healthy") { $0.phase == .healthy && $0.health == .healthy }
            }
        }
    }

    @Test func whileHealthIsEarned() async throws {
        try await SimulatedLab.run { lab in
            let text = ShopManifest.namespace + ShopManifest.deployment("web", image: "web:1")
            let one = try await lab.world.release("1.0.0", extra: text)
            try await lab.world.coordinator.assign(
                one.assignment(1, minHealthyTime: .seconds(9), deadline: .seconds(3)))
            try await lab.withAgent(rules: Self.rules) {
                try await lab.waitFor("verifying") { $0.phase == .verifying && $0.health == .healthy }
                try await silence(lab)
                #expect(await lab.report()?.phase == .verifying, "nobody saw it healthy for that long")
                try await lab.waitFor("healthy") { $0.phase == .healthy && $0.health == .healthy }
            }
        }
    }

    @Test func onTheWayBack() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.slow)
            let bad = ShopManifest.namespace + ShopManifest.deployment("web", image: "web:missing")
            let two = try await lab.world.release("2.0.0", extra: bad)
            try await lab.world.coordinator.assign(one.assignment(1, deadline: .minutes(1)))
            try await lab.withAgent(rules: Self.rules) {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                try await lab.world.coordinator.assign(two.assignment(2, fallback: one, deadline: .seconds(4)))
                try await lab.waitFor("going back") { $0.phase == .reverting }
                try await silence(lab, generation: 2)
                try await lab.waitFor("reverted") { $0.phase == .reverted }
            }
        }
    }

    @Test func whileAReleaseIsRemoved() async throws {
        try await SimulatedLab.run { lab in
            let text = ShopManifest.namespace + ShopManifest.deployment("web", image: "web:1")
            let one = try await lab.world.release("1.0.0", extra: text)
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent(rules: Self.rules) {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                try await lab.fleet.setFaults(FaultPlan(outage: .hang), in: "east-1")
                var removal = one.assignment(2, deadline: .seconds(3))
                removal.goal = .remove
                try await lab.world.coordinator.assign(removal)
                try await silence(lab, generation: 2)
                try await lab.waitFor("removed", within: .seconds(60)) { $0.phase == .removed }
            }
        }
    }
}
