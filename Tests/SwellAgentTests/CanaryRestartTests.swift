internal import KubernetesObjects
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Synchronization
internal import Testing

@testable internal import KubernetesClient
@testable internal import SwellAgent

/// What a canary of Flagger's said before a release is known to the next process, too: it is neither taken for what it says of the
/// release, nor does it hold up a way back that has arrived.
@Suite(.serialized, .timeLimit(.minutes(3))) struct CanaryRestartTests {
    private static let canary = ObjectReference(
        type: GroupVersionKind(apiVersion: "flagger.app/v1beta1", kind: "Canary"), namespace: "shop", name: "web")

    private static let definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: canaries.flagger.app}
        spec:
          group: flagger.app
          scope: Namespaced
          names: {kind: Canary, listKind: CanaryList, plural: canaries, singular: canary}
          versions:
          - name: v1beta1
            served: true
            storage: true
            subresources: {status: {}}
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        ---
        apiVersion: flagger.app/v1beta1
        kind: Canary
        metadata: {name: web}
        spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
        ---

        """

    private static func cluster(_ lab: SimulatedLab) -> KubernetesCluster {
        KubernetesCluster(
            api: lab.api, namespace: "swell-system", now: { .wall }, logger: Logger(label: "test.canary"))
    }

    private static func release(_ generation: Int64, image: String, isReturn: Bool = false) throws -> ClusterRelease {
        let manifests = ShopManifest.namespace + ShopManifest.deployment("web", image: image, deadline: 60) + definition
        var release = ClusterRelease(
            application: Application(name: "shop", namespace: "shop"),
            release: ReleaseReference(version: image, digest: ContentDigest(of: Array(manifests.utf8))),
            generation: generation, epoch: 1,
            objects: try Manifest.objects(in: manifests).map { object in
                var placed = object
                if !["Namespace", "CustomResourceDefinition"].contains(object.kind) { placed.namespace = "shop" }
                return placed
            })
        release.isReturn = isReturn
        return release
    }

    private func says(_ phase: String, of revision: String, _ lab: SimulatedLab) async throws {
        _ = try await lab.api.patch(
            Self.canary,
            .merge([
                "status": [
                    "phase": .string(phase), "lastAppliedSpec": .string(revision), "lastPromotedSpec": "1",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                ]
            ]), subresource: "status")
    }

    /// Applies for as long as `body` runs, then ends as a process does.
    private func applying(
        _ release: ClusterRelease, on cluster: KubernetesCluster, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await cluster.apply(release) { _, _ in } } catch is CancellationError {}
            }
            try await body()
            group.cancelAll()
        }
    }

    /// Waits until a process tells so of health which watches what another one has applied.
    private func health(
        of release: ClusterRelease, by cluster: KubernetesCluster, is health: Health, _ words: String = ""
    ) async throws {
        let seen = Seen()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await cluster.watch(release, isApplying: false) {
                        seen.take($0)
                    } onChange: {
                    }
                } catch is CancellationError {}
            }
            try await eventually("\(health) is told, \(words)", within: .seconds(8)) {
                guard let last = seen.last else { return false }
                return last.health == health && (last.message ?? "").contains(words)
            }
            group.cancelAll()
        }
    }

    private final class Seen: Sendable {
        private let health = Mutex<ObservedHealth?>(nil)
        var last: ObservedHealth? { health.withLock { $0 } }
        func take(_ next: ObservedHealth) { health.withLock { $0 = next } }
    }

    private func isImage(_ image: String, _ lab: SimulatedLab) async throws -> Bool {
        let live = try await lab.object("apps/v1", "Deployment", "web")
        return live?.value(at: ["spec", "template", "spec"])?["containers"]?[0]?["image"]?.stringValue == image
    }

    /// The first release, promoted.
    private func begin(_ lab: SimulatedLab) async throws {
        let cluster = Self.cluster(lab)
        try await applying(try Self.release(1, image: "web:1"), on: cluster) {
            try await eventually("the canary is there") {
                (try? await lab.api.get(Self.canary)) ?? nil != nil
            }
            try await says("Succeeded", of: "1", lab)
            try await eventually("applied") { try await cluster.records.one("shop")?.release != nil }
        }
    }

    /// - Parameter isApplied: Whether the next process applies again, as it does unless all was sent.
    @Test(arguments: [false, true]) func whatACanarySaidBeforeIsKnownToTheNextProcess(isApplied: Bool) async throws {
        try await SimulatedLab.run { lab in
            try await begin(lab)
            let release = try Self.release(2, image: "web:2")
            try await applying(release, on: Self.cluster(lab)) {
                try await eventually("sent") { try await isImage("web:2", lab) }
            }
            let next = Self.cluster(lab)
            if isApplied {
                try await applying(release, on: next) {
                    try await eventually("it goes on") {
                        next.ledgers.ledger(of: "shop").kept.verdicts?.values.contains { $0.change == .pods } == true
                    }
                }
            }
            try await health(
                of: release, by: next, is: .progressing, "has not looked at the present revision of web yet")
            try await says("Succeeded", of: "2", lab)
            try await health(of: release, by: Self.cluster(lab), is: .healthy)
        }
    }

    @Test func aWayBackThatArrivedIsNoFailureToTheNextProcess() async throws {
        try await SimulatedLab.run { lab in
            try await begin(lab)
            let cluster = Self.cluster(lab)
            try await applying(try Self.release(2, image: "web:2"), on: cluster) {
                try await eventually("sent") { try await isImage("web:2", lab) }
                try await says("Failed", of: "2", lab)
            }
            var back = try Self.release(2, image: "web:1", isReturn: true)
            back.provenGeneration = 1
            try await cluster.apply(back) { _, _ in }
            try await health(of: back, by: cluster, is: .healthy)
            try await health(of: back, by: Self.cluster(lab), is: .healthy)
        }
    }

    @Test func ofWhatNobodyKeptNothingIsClaimed() async throws {
        try await SimulatedLab.run { lab in
            try await begin(lab)
            let release = try Self.release(2, image: "web:2")
            let cluster = Self.cluster(lab)
            try await applying(release, on: cluster) {
                try await eventually("sent") { try await isImage("web:2", lab) }
            }
            // As an earlier version leaves it.
            var record = try #require(try await cluster.records.one("shop"))
            record.kept = nil
            try await cluster.records.write(record)
            try await health(of: release, by: Self.cluster(lab), is: .unknown, "is not known")
            var proven = release
            proven.provenGeneration = 2
            try await health(of: proven, by: Self.cluster(lab), is: .healthy)
        }
    }
}
