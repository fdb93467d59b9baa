internal import KubernetesObjects
internal import KubernetesSimulator
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Synchronization
internal import Testing

@testable internal import KubernetesClient
@testable internal import SwellAgent

/// A release's own failure is its own, whoever writes again what it has sent; and what was so before it is not, whoever had it.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SentEvidenceTests {
    private static func cluster(_ lab: SimulatedLab, api: KubernetesAPI? = nil) -> KubernetesCluster {
        KubernetesCluster(
            api: api ?? lab.api, namespace: "swell-system", now: { .wall }, logger: Logger(label: "test.evidence"))
    }

    private static func release(_ generation: Int64, _ version: String, _ manifests: String) throws -> ClusterRelease {
        let objects = try Manifest.objects(in: manifests)
        return ClusterRelease(
            application: Application(name: "shop", namespace: "shop"),
            release: ReleaseReference(version: version, digest: ContentDigest(of: Array(manifests.utf8))),
            generation: generation, epoch: 1,
            objects: objects.map { object in
                var placed = object
                if object.kind != "Namespace" { placed.namespace = "shop" }
                return placed
            })
    }

    /// Applies for as long as `body` runs; the release never becomes healthy.
    private func applying(
        _ release: ClusterRelease, on cluster: KubernetesCluster, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await cluster.apply(release) { _, _ in }
                } catch is CancellationError {
                } catch is ClusterError {
                    // It fails before the body has looked.
                }
            }
            try await body()
            group.cancelAll()
        }
    }

    private func assessment(_ lab: SimulatedLab, by cluster: KubernetesCluster) async throws -> HealthAssessment? {
        guard let live = try await lab.object("apps/v1", "Deployment", "web") else { return nil }
        let context = HealthContext(
            now: KubernetesTime(Timestamp.wall), evidence: cluster.ledgers.ledger(of: "shop").evidence)
        return HealthAssessment(of: live, context: context)
    }

    private func hasExceeded(_ lab: SimulatedLab) async throws -> Bool {
        guard let live = try await lab.object("apps/v1", "Deployment", "web") else { return false }
        return Condition.find("Progressing", in: live)?.reason == "ProgressDeadlineExceeded"
    }

    private static let bad = ShopManifest.namespace + ShopManifest.deployment("web", image: "web:missing")

    @Test func afterARestartTheReleasesOwnFailureIsNotTakenForAnOlderOne() async throws {
        try await SimulatedLab.run { lab in
            let release = try Self.release(1, "1", Self.bad)
            try await applying(release, on: Self.cluster(lab)) {
                try await eventually("it fails") { try await hasExceeded(lab) }
            }
            // Another process goes on with it, and finds all as it should be, until it waits for health.
            let isAwaited = Mutex(false)
            let tap = RequestTap { request in
                if request.path.contains("deployments"), request.query.contains(where: { $0.name == "watch" }) {
                    isAwaited.withLock { $0 = true }
                }
                return nil
            }
            tap.connect(to: lab.api.transport)
            let next = Self.cluster(lab, api: KubernetesAPI(transport: tap, options: lab.api.options))
            try await applying(release, on: next) {
                try await eventually("health is awaited") { isAwaited.withLock { $0 } }
                let found = try await assessment(lab, by: next)
                #expect(found?.value == .degraded, "\(String(describing: found))")
                #expect(found?.message.contains("ProgressDeadlineExceeded") == true, "\(String(describing: found))")
            }
        }
    }

    /// A person writes a label, which changes no generation, or a field that does, and it is put back.
    @Test(arguments: ["label", "history"]) func aCorrectionOfDriftExcusesNothing(what: String) async throws {
        try await SimulatedLab.run { lab in
            let release = try Self.release(
                1, "1",
                Self.bad.replacing("metadata: {name: web}", with: "metadata: {name: web, labels: {a: b}}")
                    .replacing("  replicas: 2", with: "  replicas: 2\n  revisionHistoryLimit: 4"))
            let cluster = Self.cluster(lab)
            await #expect(throws: ClusterError.self) { try await cluster.apply(release) { _, _ in } }
            #expect(try await assessment(lab, by: cluster)?.value == .failed)
            cluster.ledgers.ledger(of: "shop").end()
            let patch: JSONValue =
                what == "label" ? ["metadata": ["labels": ["a": "c"]]] : ["spec": ["revisionHistoryLimit": 9]]
            let web = ObjectReference(
                type: GroupVersionKind(group: "apps", version: "v1", kind: "Deployment"), namespace: "shop", name: "web"
            )
            _ = try await lab.api.patch(web, .merge(patch), fieldManager: "kubectl-edit")
            let changes = try await cluster.drift(of: release, isCorrecting: true, leaving: [])
            #expect(!changes.isEmpty)
            let live = try await lab.object("apps/v1", "Deployment", "web")
            #expect(live?.labels["a"] == "b" && live?.spec?["revisionHistoryLimit"] == 4)
            try await eventually("its controller has looked") {
                let live = try await lab.object("apps/v1", "Deployment", "web")
                return live?.status?["observedGeneration"]?.intValue == live?.generation
            }
            let after = try await assessment(lab, by: cluster)
            #expect(after?.value == .failed, "\(String(describing: after))")
        }
    }

    // MARK: What only the former release has

    @Test func whatOnlyTheFormerReleaseHadIsMeasuredToo() async throws {
        try await SimulatedLab.run { lab in
            let shared = ShopManifest.namespace + ShopManifest.deployment("web", image: "web:1")
            let one = try await lab.world.release(
                "1.0.0", extra: shared + ShopManifest.deployment("worker", image: "worker:1"))
            let two = try await lab.world.release(
                "2.0.0",
                extra: shared.replacing("web:1", with: "web:missing"))
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy && $0.health == .healthy }
                // It falls over by itself: nothing of its image runs any more.
                try await lab.fleet.setFaults(
                    FaultPlan(images: [FaultPlan.ImageFault(contains: "worker:1", behaviour: .crashLoop)]), in: "east-1"
                )
                let pods = ObjectSelection(type: GroupVersionKind(version: "v1", kind: "Pod"), namespace: "shop")
                for pod in try await lab.api.list(pods).objects where pod.labels["app"] == "worker" {
                    _ = try await lab.api.delete(pod.reference)
                }
                try await lab.waitFor("degraded since") { $0.health != .healthy }
                try await lab.world.coordinator.assign(two.assignment(2, fallback: one))
                try await lab.waitFor("back", within: .seconds(60)) {
                    $0.generation == 2 && ($0.phase == .reverted || $0.phase == .failed)
                }
                let report = await lab.report()
                #expect(report?.phase == .reverted, "\(String(describing: report))")
            }
        }
    }
}
