internal import KubernetesObjects
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import KubernetesClient
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

    @Test func whatWasDownBeforeProvesNoRelease() async throws {
        try await SimulatedLab.run { lab in
            let broken = ShopManifest.namespace + ShopManifest.deployment("web", image: "web:missing")
            let one = try await lab.world.release("1.0.0", extra: ShopManifest.namespace)
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                for document in try YAMLReader.documents(in: broken, file: "test") where !document.root.json.isNull {
                    var object = try KubernetesObject(json: document.root.json)
                    if object.kind != "Namespace" { object.namespace = "shop" }
                    _ = try await lab.api.apply(object, ApplyOptions(fieldManager: "somebody"))
                }
                let two = try await lab.world.release("2.0.0", extra: broken + ShopManifest.configMap("settings"))
                try await lab.world.coordinator.assign(two.assignment(2, fallback: one, deadline: .seconds(2)))
                try await lab.waitFor("unknown") { report in
                    report.generation == 2 && report.phase == .verifying
                        && report.reason == ObservedHealth.nothingHealthy
                }
                let report = await lab.report()
                #expect(report?.health == .unknown)
                #expect(report?.message?.contains("Deployment shop/web") == true, "\(report?.message ?? "")")
            }
        }
    }

    // MARK: What has been healthy since

    private func setMetrics(_ isServed: Bool, _ lab: SimulatedLab) async throws {
        if !isServed { return try await takeMetricsAway(lab) }
        let type = GroupVersionKind(group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler")
        _ = try await lab.api.patch(
            ObjectReference(type: type, namespace: "shop", name: "web"), .merge(["status": ["conditions": []]]),
            subresource: "status")
    }

    private static func cluster(_ lab: SimulatedLab) -> KubernetesCluster {
        KubernetesCluster(
            api: lab.api, namespace: "swell-system", now: { .wall }, logger: Logger(label: "test.evidence"))
    }

    @Test func whatHasBeenHealthySinceIsKnownToTheNextProcess() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.release("web:1"))
            let two = try await lab.world.release("2.0.0", extra: Self.release("web:2"))
            let records = Self.cluster(lab).records
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy }
                try await takeMetricsAway(lab)
                try await lab.waitFor("degraded") { $0.health == .degraded }
                try await lab.world.coordinator.assign(two.assignment(2, fallback: one))
                try await lab.waitFor("healthy by leave") { $0.generation == 2 && $0.phase == .healthy }
                #expect(try await records.one("shop")?.before?.isEmpty == false)
                try await setMetrics(true, lab)
                try await eventually("it is written") { try await records.one("shop")?.before == nil }
                #expect(try await records.one("shop")?.release == two.reference, "nothing else of it is lost")
            }
            try await takeMetricsAway(lab)
            try await lab.withAgent {
                try await lab.waitFor("degraded") { $0.generation == 2 && $0.health == .degraded }
            }
        }
    }

    @Test func whatHasBeenHealthySinceIsKnownToTheNextRelease() async throws {
        try await SimulatedLab.run { lab in
            let cluster = Self.cluster(lab)
            let live = KubernetesObject(
                type: GroupVersionKind(group: "apps", version: "v1", kind: "Deployment"), namespace: "shop", name: "web"
            )
            var before = FormerTroubles()
            before.note(live, isUnspoken: false)
            var record = Self.record(4, begun: Self.other)
            record.before = before
            try await cluster.records.prepare()
            try await cluster.records.write(record)
            let ledger = EvidenceLedger()
            var release = Self.release(5)
            release.provenGeneration = 3
            #expect(try await cluster.start(release, ledger).before == before)
            ledger.begin("4 other", before: before)
            ledger.note(HealthAssessment(.healthy), of: live.reference.identity)
            #expect(try await cluster.start(release, ledger).before.isEmpty)
        }
    }

    // MARK: What an earlier version left

    @Test func silenceThatAnEarlierVersionProvedIsNoNews() async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: ShopManifest.namespace + Self.probe)
            let records = Self.cluster(lab).records
            try await lab.world.coordinator.assign(one.assignment(1, silent: .accept))
            try await lab.withAgent { try await lab.waitFor("proven") { $0.phase == .healthy } }
            // As an earlier version leaves it: it knew no policy, and neither measured nor said what it had begun.
            var record = try #require(try await records.one("shop"))
            record.begun = nil
            record.before = nil
            try await records.write(record)
            let path = lab.directory + "/state/journal.json"
            let bytes = try #require(try AtomicFile.read(path, limit: 1 << 20))
            let journal = String(decoding: bytes, as: UTF8.self)
            #expect(journal.contains("\"silentControllers\":\"accept\""))
            try AtomicFile.write(
                Array(
                    journal.replacing("\"silentControllers\":\"accept\"", with: "\"silentControllers\":\"wait\"").utf8),
                to: path, isDurable: false)
            try await lab.withAgent {
                try await lab.waitFor("healthy by leave") { report in
                    report.health == .healthy && report.message?.contains("as before the release") == true
                }
            }
            let kept = try await records.one("shop")
            #expect(kept?.begun == one.reference.digest && kept?.before?.isEmpty == false)
        }
    }

    // MARK: When the cluster is measured

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var record: InventoryRecord?
        /// The generation that was proven last.
        var proven: Int64? = 4
        var isMeasured: Bool
        var testDescription: String { name }
    }

    private static let running = ContentDigest(of: Array("running".utf8))
    private static let wanted = ContentDigest(of: Array("wanted".utf8))
    private static let other = ContentDigest(of: Array("other".utf8))

    private static func record(
        _ generation: Int64, begun: ContentDigest?, applied: ContentDigest? = nil, isRemoved: Bool = false
    ) -> InventoryRecord {
        InventoryRecord(
            application: "shop", generation: generation, epoch: 1,
            release: applied.map { ReleaseReference(version: "1", digest: $0) }, begun: begun, isRemoved: isRemoved)
    }

    private static func release(_ generation: Int64) -> ClusterRelease {
        ClusterRelease(
            application: Application(name: "shop", namespace: "shop"),
            release: ReleaseReference(version: "2", digest: wanted), generation: generation, epoch: 1, objects: [],
            proven: running)
    }

    static let cases: [Case] = [
        Case(name: "nothing was ever there", record: nil, isMeasured: true),
        Case(name: "what ran last was proven", record: record(4, begun: running, applied: running), isMeasured: true),
        Case(name: "a record of an earlier version", record: record(4, begun: nil, applied: running), isMeasured: true),
        Case(
            name: "what ran last was not proven", record: record(4, begun: other, applied: other), proven: 3,
            isMeasured: false),
        Case(name: "nor what was begun over it", record: record(4, begun: other), proven: 3, isMeasured: false),
        Case(
            name: "the same release tried again", record: record(4, begun: wanted, applied: wanted), proven: 3,
            isMeasured: false),
        Case(name: "begun by an earlier process", record: record(5, begun: wanted), isMeasured: false),
        Case(name: "begun by an earlier version", record: record(5, begun: nil), isMeasured: false),
        Case(
            name: "applied by an earlier version", record: record(5, begun: nil, applied: wanted), isMeasured: false),
        Case(
            name: "over what an earlier version began and nobody proved", record: record(4, begun: nil),
            proven: 3, isMeasured: false),
        Case(name: "its own way back", record: record(5, begun: running), isMeasured: false),
        Case(
            name: "after a way back that failed, to what was proven long ago",
            record: record(4, begun: running, applied: running), proven: 3, isMeasured: false),
        Case(
            name: "after a way back that arrived", record: record(4, begun: running, applied: running), isMeasured: true
        ),
        Case(name: "nothing is known to be proven", record: record(4, begun: running), proven: nil, isMeasured: false),
        Case(name: "after a removal", record: record(4, begun: nil, isRemoved: true), proven: 3, isMeasured: true),
    ]

    @Test(arguments: cases) func isMeasuredOnlyAfterWhatWasProven(example: Case) {
        var release = Self.release(5)
        release.provenGeneration = example.proven
        #expect(KubernetesCluster.isMeasured(before: release, example.record) == example.isMeasured)
    }
}
