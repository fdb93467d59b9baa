internal import KubernetesClient
internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// What counts for and against a release: what was sent with it, and nothing that was so before (invariant 24).
@Suite(.serialized, .timeLimit(.minutes(3))) struct HealthEvidenceTests {
    private static let autoscaler = """
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: web}
        spec:
          scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: other}
          maxReplicas: 3
          metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
        ---

        """

    private static func release(_ image: String) -> String {
        ShopManifest.namespace + ShopManifest.deployment("web", image: image) + autoscaler
    }

    private static let probe = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: probes.t.example.com}
        spec:
          group: t.example.com
          scope: Namespaced
          names: {kind: Probe, listKind: ProbeList, plural: probes, singular: probe}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        ---
        apiVersion: t.example.com/v1
        kind: Probe
        metadata: {name: kafka}
        spec: {size: 1}
        ---

        """

    /// Writes what an autoscaler says where nobody serves metrics.
    private func takeMetricsAway(_ lab: SimulatedLab) async throws {
        let type = GroupVersionKind(group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler")
        let status: JSONValue = [
            "status": [
                "currentReplicas": 1, "desiredReplicas": 1,
                "conditions": [
                    [
                        "type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric",
                        "message": "no metrics", "lastTransitionTime": "2026-01-01T00:00:00Z",
                    ]
                ],
            ]
        ]
        _ = try await lab.api.patch(
            ObjectReference(type: type, namespace: "shop", name: "web"), .merge(status), subresource: "status")
    }

    @Test func anAutoscalerWithoutMetricsTakesNeitherAReleaseNorItsWayBackDown() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.release("web:1"))
            let two = try await lab.world.release("2.0.0", extra: Self.release("web:2"))
            let bad = try await lab.world.release("3.0.0", extra: Self.release("web:missing"))
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy && $0.health == .healthy }
                try await takeMetricsAway(lab)
                try await lab.waitFor("degraded since") { $0.health == .degraded }
                try await lab.world.coordinator.assign(two.assignment(2, fallback: one))
                try await lab.waitFor("healthy by leave") { $0.generation == 2 && $0.phase == .healthy }
                let told = await lab.report()?.message ?? ""
                #expect(told.contains("HorizontalPodAutoscaler shop/web"), "\(told)")
                #expect(told.contains("FailedGetResourceMetric: no metrics"), "\(told)")
            }
            // What was so before is known to the next process, too.
            try await lab.withAgent(state: "another") {
                try await lab.waitFor("healthy by leave") { $0.generation == 2 && $0.health == .healthy }
                try await lab.world.coordinator.assign(bad.assignment(3, fallback: two))
                try await lab.waitFor("back") { $0.generation == 3 && $0.phase == .reverted }
            }
        }
    }

    @Test func aReleaseIsNotExcusedByTheHarmItDidTheFirstTime() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.release("web:1"))
            let bad = try await lab.world.release("2.0.0", extra: Self.release("web:missing"))
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                try await lab.world.coordinator.assign(bad.assignment(2, selfRollback: false))
                try await lab.waitFor("failed") { $0.generation == 2 && $0.phase == .failed }
                try await lab.world.coordinator.assign(
                    bad.assignment(3, selfRollback: false, deadline: .seconds(5)))
                try await lab.waitFor("failed again") { $0.generation == 3 && $0.phase == .failed }
                // Nor one that leaves what the former broke as it is.
                let more = try await lab.world.release(
                    "2.0.1", extra: Self.release("web:missing") + ShopManifest.configMap("more"))
                try await lab.world.coordinator.assign(
                    more.assignment(4, selfRollback: false, deadline: .seconds(5)))
                try await lab.waitFor("failed too") { $0.generation == 4 && $0.phase == .failed }
            }
        }
    }

    @Test func aControllerThatSaysNothingIsWaitedForByNameOrAccepted() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: ShopManifest.namespace + Self.probe)
            try await lab.world.coordinator.assign(one.assignment(1, deadline: .seconds(3)))
            try await lab.withAgent {
                try await lab.waitFor("waited for") { $0.health == .unknown }
                let told = await lab.report()?.message ?? ""
                #expect(told.contains("Probe shop/kafka: its controller has written no status"), "\(told)")
                try await lab.world.coordinator.assign(one.assignment(2, silent: .accept))
                try await lab.waitFor("accepted") { $0.generation == 2 && $0.phase == .healthy }
                let accepted = await lab.report()?.message ?? ""
                #expect(accepted.contains("Probe shop/kafka"), "\(accepted)")
            }
        }
    }

    // MARK: When the cluster is measured

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var record: InventoryRecord?
        var isMeasured: Bool
        var testDescription: String { name }
    }

    private static let running = ContentDigest(of: Array("running".utf8))
    private static let wanted = ContentDigest(of: Array("wanted".utf8))
    private static let other = ContentDigest(of: Array("other".utf8))

    private static func record(_ generation: Int64, begun: ContentDigest?, applied: ContentDigest? = nil)
        -> InventoryRecord
    {
        InventoryRecord(
            application: "shop", generation: generation, epoch: 1,
            release: applied.map { ReleaseReference(version: "1", digest: $0) }, begun: begun)
    }

    static let cases: [Case] = [
        Case(name: "nothing was ever there", record: nil, isMeasured: true),
        Case(name: "what ran last was proven", record: record(4, begun: running, applied: running), isMeasured: true),
        Case(name: "a record of an earlier version", record: record(4, begun: nil, applied: running), isMeasured: true),
        Case(name: "what ran last was not proven", record: record(4, begun: other, applied: other), isMeasured: false),
        Case(name: "nor what was begun over it", record: record(4, begun: other), isMeasured: false),
        Case(
            name: "the same release tried again", record: record(4, begun: wanted, applied: wanted), isMeasured: false),
        Case(name: "begun by an earlier process", record: record(5, begun: wanted), isMeasured: false),
        Case(name: "its own way back", record: record(5, begun: running), isMeasured: false),
        Case(name: "after a removal", record: record(4, begun: nil), isMeasured: true),
    ]

    @Test(arguments: cases) func isMeasuredOnlyAfterWhatWasProven(example: Case) {
        let release = ClusterRelease(
            application: Application(name: "shop", namespace: "shop"),
            release: ReleaseReference(version: "2", digest: Self.wanted), generation: 5, epoch: 1, objects: [],
            proven: Self.running)
        #expect(KubernetesCluster.isMeasured(before: release, example.record) == example.isMeasured)
    }
}
