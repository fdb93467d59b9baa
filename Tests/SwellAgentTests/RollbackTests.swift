internal import KubernetesClient
internal import KubernetesObjects
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// Going back: everything that the bad release brought, took and changed, at whatever moment it is asked for.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RollbackTests {
    private static let good =
        ShopManifest.namespace + ShopManifest.configMap("settings", "good")
        + ShopManifest.secret("password", "Z29vZA==")
        + ShopManifest.configMap("only-good") + ShopManifest.deployment("web", image: "web:1")

    private static func bad(_ image: String) -> String {
        ShopManifest.namespace + ShopManifest.configMap("settings", "bad") + ShopManifest.secret("password", "YmFk")
            + ShopManifest.configMap("only-bad") + ShopManifest.deployment("web", image: image)
            + ShopManifest.deployment("added", image: "web:1")
    }

    private func expectGood(_ lab: SimulatedLab) async throws {
        #expect(try await lab.object("v1", "ConfigMap", "settings")?.value(at: ["data", "key"]) == "good")
        #expect(try await lab.object("v1", "Secret", "password")?.value(at: ["data", "key"]) == "Z29vZA==")
        #expect(try await lab.object("v1", "ConfigMap", "only-good") != nil)
        #expect(try await lab.object("v1", "ConfigMap", "only-bad") == nil)
        #expect(try await lab.object("apps/v1", "Deployment", "added") == nil)
        let web = try await lab.object("apps/v1", "Deployment", "web")
        #expect(web?.spec?["template"]?["spec"]?["containers"]?[0]?["image"] == "web:1")
        #expect(web?.status?["availableReplicas"]?.intValue == 2)
    }

    @Test func byTheCoordinatorWhileTheBadReleaseIsStillApplied() async throws {
        try await SimulatedLab.run { lab in
            let good = try await lab.world.release("1.0.0", extra: Self.good)
            let bad = try await lab.world.release("2.0.0", extra: Self.bad("web:never-ready"))
            try await lab.world.coordinator.assign(good.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                try await lab.world.coordinator.assign(bad.assignment(2, fallback: good, deadline: .minutes(10)))
                try await eventually("under way") { try await lab.object("v1", "ConfigMap", "only-bad") != nil }
                // A rollback is a higher generation with an older digest.
                try await lab.world.coordinator.assign(good.assignment(3))
                try await lab.waitFor("back") { $0.generation == 3 && $0.phase == .healthy }
                try await expectGood(lab)
            }
        }
    }

    @Test func byItselfWithTheCoordinatorAway() async throws {
        try await SimulatedLab.run(serving: false) { lab in
            let good = try await lab.world.release("1.0.0", extra: Self.good)
            let bad = try await lab.world.release("2.0.0", extra: Self.bad("web:missing"))
            // Settles the ports, which it comes back on.
            try await lab.world.coordinator.serve {}
            try await lab.withAgent {
                try await lab.world.coordinator.serve {
                    try await lab.world.coordinator.assign(good.assignment(1))
                    try await lab.waitFor("healthy") { $0.phase == .healthy }
                    try await lab.world.coordinator.assign(bad.assignment(2, fallback: good))
                    try await lab.waitFor("taken up") { $0.generation == 2 && $0.phase == .applying }
                }
                // Nobody to ask any more.
                try await eventually("the bad one is on") {
                    try await lab.object("v1", "ConfigMap", "only-bad") != nil
                }
                try await eventually("it went back") {
                    let web = try await lab.object("apps/v1", "Deployment", "web")
                    guard web?.status?["availableReplicas"]?.intValue == 2 else { return false }
                    return try await lab.object("v1", "ConfigMap", "only-bad") == nil
                }
                try await expectGood(lab)
                try await lab.world.coordinator.serve {
                    try await lab.waitFor("told once it is back") { $0.generation == 2 && $0.phase == .reverted }
                }
            }
        }
    }

    @Test func byItselfThroughARestartInItsMiddle() async throws {
        try await SimulatedLab.run { lab in
            let good = try await lab.world.release("1.0.0", extra: Self.good)
            let bad = try await lab.world.release("2.0.0", extra: Self.bad("web:missing"))
            try await lab.world.coordinator.assign(good.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                try await lab.world.coordinator.assign(bad.assignment(2, fallback: good))
                try await lab.waitFor("going back") { $0.generation == 2 && $0.phase == .reverting }
            }
            try await lab.withAgent {
                try await lab.waitFor("reverted") { $0.generation == 2 && $0.phase == .reverted }
                try await expectGood(lab)
                let report = try #require(await lab.report())
                #expect(report.digest == good.reference.digest)
                #expect(report.message?.contains("web") == true, "\(report)")
            }
        }
    }

    @Test func whatWasAdoptedByForceAndStaysChangedIsNamed() async throws {
        try await SimulatedLab.run { lab in
            let good = try await lab.world.release("1.0.0", extra: Self.good)
            let adopting =
                Self.good.replacing("web:1", with: "web:missing")
                + ShopManifest.configMap("theirs", "bad").replacing(
                    "name: theirs", with: "name: theirs, annotations: {swell.dev/adopt: force}")
            let bad = try await lab.world.release("2.0.0", extra: adopting)
            try await lab.world.coordinator.assign(good.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                var theirs = try #require(try Manifest.objects(in: ShopManifest.configMap("theirs", "theirs")).first)
                theirs.namespace = "shop"
                _ = try await lab.api.create(theirs, fieldManager: "kubectl-create")
                try await lab.world.coordinator.assign(bad.assignment(2, fallback: good))
                try await lab.waitFor("reverted") { $0.generation == 2 && $0.phase == .reverted }
                #expect(try await lab.object("v1", "ConfigMap", "theirs")?.value(at: ["data", "key"]) == "bad")
                let message = await lab.report()?.message ?? ""
                #expect(message.contains("ConfigMap shop/theirs"), "\(message)")
                #expect(message.contains("it was there before"), "\(message)")
            }
        }
    }

    /// An older release that is ordered once more takes back as the agent itself would: it cannot say what only the newer one says.
    @Test func whatTheNewerReleaseReplacedIsReplacedByTheOlderOneToo() async throws {
        try await SimulatedLab.run { lab in
            let good = try await lab.world.release("1.0.0", extra: Self.good)
            let replacing = Self.good.replacing("web:1", with: "web:2").replacing(
                "{app: web}", with: "{app: other}"
            ).replacing(
                "metadata: {name: web}", with: "metadata: {name: web, annotations: {swell.dev/replace: allow}}")
            let newer = try await lab.world.release("2.0.0", extra: replacing)
            try await lab.world.coordinator.assign(good.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                try await lab.world.coordinator.assign(newer.assignment(2, fallback: good))
                try await lab.waitFor("healthy") { $0.generation == 2 && $0.phase == .healthy }
                let labels = try await lab.object("apps/v1", "Deployment", "web")?.spec?["selector"]?["matchLabels"]
                #expect(labels == ["app": "other"])
                try await lab.world.coordinator.assign(good.assignment(3))
                try await lab.waitFor("back") { $0.generation == 3 && $0.phase == .healthy }
                try await expectGood(lab)
            }
        }
    }

    @Test func anApplyPastItsDeadlineRunsTheHookForItsFailure() async throws {
        try await SimulatedLab.run { lab in
            let text =
                ShopManifest.namespace + ShopManifest.deployment("web", image: "web:never-ready", deadline: 600)
                + ShopManifest.hook("alarm", "on-failure")
            let bad = try await lab.world.release("1.0.0", extra: text)
            try await lab.world.coordinator.assign(bad.assignment(1, deadline: .seconds(6)))
            try await lab.withAgent {
                try await lab.waitFor("failed") { $0.phase == .failed }
                try await eventually("the hook ran") {
                    try await lab.object("batch/v1", "Job", "alarm")?.status?["succeeded"]?.intValue == 1
                }
            }
        }
    }

    @Test func aFailedHookBeforeLeavesTheFormerReleaseUntouched() async throws {
        try await SimulatedLab.run { lab in
            let good = try await lab.world.release("1.0.0", extra: Self.good)
            let text =
                Self.bad("web:2") + ShopManifest.hook("migrate-2", "before", image: "migrate:broken")
                + ShopManifest.hook("alarm-2", "on-failure")
            let bad = try await lab.world.release("2.0.0", extra: text)
            try await lab.world.coordinator.assign(good.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                let before = try await lab.object("apps/v1", "Deployment", "web")
                try await lab.world.coordinator.assign(bad.assignment(2, fallback: good))
                try await lab.waitFor("reverted") { $0.generation == 2 && $0.phase == .reverted }
                let message = await lab.report()?.message ?? ""
                #expect(message.contains("Job shop/migrate-2") && message.contains("before hook"), "\(message)")
                #expect(message.contains("skipped: "), "\(message)")
                try await expectGood(lab)
                let after = try await lab.object("apps/v1", "Deployment", "web")
                #expect(before?.generation == after?.generation, "it was never touched")
            }
        }
    }

    /// What somebody had applied before the first release, by hand.
    private func handMade(_ lab: SimulatedLab) async throws {
        let text =
            ShopManifest.namespace + ShopManifest.configMap("theirs") + ShopManifest.deployment("web", image: "web:0")
        for object in try Manifest.objects(in: text) {
            var placed = object
            if object.kind != "Namespace" { placed.namespace = "shop" }
            _ = try await lab.api.create(placed, fieldManager: "kubectl-client-side-apply")
        }
    }

    @Test func aFailedFirstReleaseDeletesNothingThatWasThereBefore() async throws {
        try await SimulatedLab.run { lab in
            try await handMade(lab)
            let text =
                ShopManifest.namespace + ShopManifest.configMap("theirs")
                + ShopManifest.deployment("web", image: "web:missing") + ShopManifest.configMap("only-bad")
            let bad = try await lab.world.release("1.0.0", extra: text)
            try await lab.world.coordinator.assign(bad.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("failed") { $0.phase == .failed }
                #expect(try await lab.object("v1", "ConfigMap", "only-bad") != nil)
                var removal = bad.assignment(2)
                removal.goal = .remove
                try await lab.world.coordinator.assign(removal)
                try await lab.waitFor("removed") { $0.generation == 2 && $0.phase == .removed }
                #expect(try await lab.object("v1", "ConfigMap", "only-bad") == nil)
                #expect(try await lab.object("v1", "ConfigMap", "theirs") != nil)
                #expect(try await lab.object("apps/v1", "Deployment", "web") != nil)
                #expect(try await lab.object("v1", "Namespace", "shop", namespace: nil) != nil)
            }
        }
    }

    @Test func goingBackToAReleaseWithoutItLeavesWhatWasThereBefore() async throws {
        try await SimulatedLab.run { lab in
            try await handMade(lab)
            let good = try await lab.world.release("1.0.0", extra: ShopManifest.deployment("other", image: "web:1"))
            let text =
                ShopManifest.deployment("other", image: "web:1") + ShopManifest.configMap("theirs")
                + ShopManifest.configMap("only-bad") + ShopManifest.deployment("added", image: "web:missing")
            let bad = try await lab.world.release("2.0.0", extra: text)
            try await lab.world.coordinator.assign(good.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                try await lab.world.coordinator.assign(bad.assignment(2, fallback: good))
                try await lab.waitFor("reverted") { $0.generation == 2 && $0.phase == .reverted }
                #expect(try await lab.object("v1", "ConfigMap", "only-bad") == nil)
                #expect(try await lab.object("v1", "ConfigMap", "theirs") != nil)
            }
        }
    }

    @Test(arguments: NeverHealthyBehaviour.allCases) func aPreviewSaysWhatAFailureOfAFirstReleaseWouldRemove(
        behaviour: NeverHealthyBehaviour
    ) async throws {
        try await SimulatedLab.run { lab in
            try await handMade(lab)
            let text = ShopManifest.configMap("theirs", "2") + ShopManifest.configMap("ours")
            let digest = ContentDigest(of: Array(text.utf8))
            let release = ClusterRelease(
                application: Application(
                    name: "shop", namespace: "shop", strategy: ApplicationStrategy(whenNeverHealthy: behaviour)),
                release: ReleaseReference(version: "1.0.0", digest: digest), generation: 1, epoch: 1,
                objects: try Manifest.objects(in: text).map { object in
                    var placed = object
                    placed.namespace = "shop"
                    return placed
                })
            let cluster = KubernetesCluster(
                api: lab.api, namespace: "swell-system", now: { .wall }, logger: Logger(label: "test.preview"))
            let word = "removed again if this first release fails"
            func messages(_ answer: PreviewAnswer) -> [String: Bool] {
                Dictionary(uniqueKeysWithValues: answer.objects.map { ($0.name, $0.message?.contains(word) == true) })
            }
            let first = try await cluster.preview(release)
            #expect(messages(first) == ["theirs": false, "ours": behaviour == .remove], "\(first.objects)")
            try await cluster.apply(release) { _, _ in }
            var second = release
            second.objects += try Manifest.objects(in: ShopManifest.configMap("more"))
            #expect(messages(try await cluster.preview(second)) == ["more": false], "no first release any more")
        }
    }
}
