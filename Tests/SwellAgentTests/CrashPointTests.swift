internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// An agent that is killed at any request of an apply finishes it once, with its disk or without: side by side, each on a cluster of its own.
@Suite(.timeLimit(.minutes(5))) struct CrashPointTests {
    /// Nobody else writes here: looks for drift would take most of the time.
    private static let drift = Duration.seconds(60)
    /// All points take minutes: every eighth is taken, from one on that chance gives, and every one with `SWELL_FAULTS=full`.
    private static let stride = ProcessInfo.processInfo.environment["SWELL_FAULTS"] == "full" ? 1 : 8

    private static func text(_ number: Int) -> String {
        ShopManifest.namespace + ShopManifest.hook("migrate-\(number)", "before")
            + ShopManifest.configMap("only-\(number)", "\(number)") + ShopManifest.configMap("settings", "\(number)")
            + ShopManifest.secret("password", number % 2 == 0 ? "ZXZlbg==" : "b2Rk")
            + ShopManifest.deployment("web", image: "web:\(number)")
    }

    @Test(arguments: [false, true]) func anApplyKilledAtAnyRequestIsFinishedOnce(losesDisk: Bool) async throws {
        try await SimulatedLab.run { lab in
            let first = try await lab.world.release("0.0.0", extra: Self.text(0))
            try await lab.world.coordinator.assign(first.assignment(1))
            try await lab.withAgent(state: "state-0", drift: Self.drift) {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
            }

            var number = 0
            // At which of its requests the agent is killed that carries out release `number`.
            var reached = Int.random(in: 1...Self.stride) - Self.stride
            var wasKilled = true
            var requests: [String] = []
            while wasKilled, reached < 80 {
                number += 1
                reached += Self.stride
                let point = reached
                let generation = Int64(number + 1)
                let assignment = try await lab.world.release("\(number).0.0", extra: Self.text(number))
                try await lab.world.coordinator.assign(assignment.assignment(generation))
                // With the disk, the last request is carried out and its answer lost; without, it is not even sent.
                let tap = RequestTap(deadAfter: point - 1, losesAnswer: !losesDisk)
                let before = losesDisk ? "state-\(number - 1)" : "state-0"
                let after = losesDisk ? "state-\(number)" : "state-0"
                wasKilled = try await lab.withAgent(state: before, tap: tap, drift: Self.drift) {
                    try await eventually("killed or done") {
                        if tap.isDead { return true }
                        let report = await lab.report()
                        return report?.generation == generation && report?.phase == .healthy
                    }
                    return tap.isDead
                }
                requests = tap.seen
                try await lab.withAgent(state: after, drift: Self.drift) {
                    try await eventually("killed at request \(point): finished") {
                        let report = await lab.report()
                        return report?.generation == generation && report?.phase == .healthy
                    }
                }
                try await expect(lab, number, point)
            }
            let list = requests.joined(separator: "\n")
            #expect(reached > 10 && reached < 80, "an apply is of so many requests:\n\(list)")
        }
    }

    /// What is on the cluster is release `number`, whole, and nothing of the one before.
    private func expect(_ lab: SimulatedLab, _ number: Int, _ point: Int) async throws {
        let comment: Comment = "killed at request \(point)"
        #expect(try await lab.object("v1", "ConfigMap", "only-\(number)") != nil, comment)
        #expect(try await lab.object("v1", "ConfigMap", "only-\(number - 1)") == nil, comment)
        #expect(
            try await lab.object("v1", "ConfigMap", "settings")?.value(at: ["data", "key"]) == .string("\(number)"),
            comment)
        let password = try await lab.object("v1", "Secret", "password")?.value(at: ["data", "key"])
        #expect(password == .string(number % 2 == 0 ? "ZXZlbg==" : "b2Rk"), comment)
        let web = try await lab.object("apps/v1", "Deployment", "web")
        let image = web?.spec?["template"]?["spec"]?["containers"]?[0]?["image"]
        #expect(image == .string("web:\(number)"), comment)
        let pods = try await lab.api.list(
            ObjectSelection(
                type: GroupVersionKind(version: "v1", kind: "Pod"), namespace: "shop",
                labelSelector: "job-name=migrate-\(number)"))
        #expect(pods.objects.count == 1, "the migration ran once; \(comment)")
        #expect(try await lab.object("batch/v1", "Job", "migrate-\(number - 1)") == nil, comment)
    }
}
