internal import KubernetesClient
internal import KubernetesObjects
internal import KubernetesSimulator
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import Testing

@testable internal import SwellAgent

/// The whole agent against a simulated API server with its controllers, and a scripted coordinator over TLS.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SimulatedClusterTests {
    struct Lab: Sendable {
        let fleet: SimulatedFleet
        let world: AgentWorld
        let cluster: KubernetesCluster

        func object(_ apiVersion: String, _ kind: String, _ name: String) async throws -> KubernetesObject? {
            let type = GroupVersionKind(apiVersion: apiVersion, kind: kind)
            return try await cluster.api.get(ObjectReference(type: type, namespace: "shop", name: name))
        }

        func phase() async -> AgentPhase? { await world.coordinator.last("shop")?.phase }
    }

    private func lab(_ body: @escaping @Sendable (Lab) async throws -> Void) async throws {
        try await withDirectory { directory in
            let fleet = try SimulatedFleet(clusters: [.init(name: "east-1")], pace: .quick)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await fleet.run() }
                try await fleet.ready()
                let kubeconfig = try Kubeconfig(text: try await fleet.kubeconfig(for: "east-1"), file: "simulated")
                var options = KubernetesAPI.Options()
                options.retry = RetryPolicy(maximumAttempts: 3, base: .milliseconds(50))
                let api = try KubernetesAPI(connection: try kubeconfig.connection(), options: options)
                var logger = Logger(label: "test.agent")
                logger.logLevel = .error
                let cluster = KubernetesCluster(api: api, namespace: "swell-system", now: { .wall }, logger: logger)
                let world = try await AgentWorld(directory: directory, cluster: cluster)
                do {
                    try await world.coordinator.serve {
                        try await body(Lab(fleet: fleet, world: world, cluster: cluster))
                    }
                } catch {
                    await api.shutdown()
                    group.cancelAll()
                    throw error
                }
                await api.shutdown()
                group.cancelAll()
            }
        }
    }

    private static let namespace = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop}
        ---
        """

    private static func deployment(_ name: String, image: String) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: \(name)}
        spec:
          replicas: 2
          progressDeadlineSeconds: 2
          selector: {matchLabels: {app: \(name)}}
          template:
            metadata: {labels: {app: \(name)}}
            spec: {containers: [{name: app, image: "\(image)"}]}
        ---

        """
    }

    private static func first() -> String { namespace + "\n" + deployment("web", image: "web:1.0.0") }

    @Test func aReleaseIsAppliedAndProven() async throws {
        try await lab { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.first())
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("healthy") { await lab.phase() == .healthy }
                let web = try await lab.object("apps/v1", "Deployment", "web")
                #expect(web?.status?["availableReplicas"]?.intValue == 2)
                let settings = try await lab.object("v1", "ConfigMap", "shop-settings")
                #expect(settings?.json["data"]?["region"]?.stringValue == "us-east-1")
                let records = try await lab.cluster.inventories()
                #expect(
                    records == [
                        InventoryRecord(
                            application: "shop", generation: 1, epoch: 1, release: one.reference,
                            begun: one.reference.digest)
                    ])
            }
        }
    }

    @Test func aReleaseNeedNotBringItsNamespace() async throws {
        try await lab { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.deployment("web", image: "web:1.0.0"))
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("healthy") { await lab.phase() == .healthy }
                #expect(try await lab.object("apps/v1", "Deployment", "web") != nil)
            }
        }
    }

    @Test func hooksThatAreGoneOrNeverRanHoldNoReleaseUp() async throws {
        @Sendable func hook(_ moment: String, delete: String) -> String {
            """
            apiVersion: batch/v1
            kind: Job
            metadata:
              name: \(moment)
              annotations: {swell.dev/hook: \(moment), swell.dev/hook-timeout: 30s, swell.dev/hook-delete: \(delete)}
            spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: "m:1"}]}}}
            ---

            """
        }
        try await lab { lab in
            let one = try await lab.world.release(
                "1.0.0",
                extra: Self.first() + hook("before", delete: "always") + hook("after", delete: "never")
                    + hook("on-failure", delete: "never"))
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("healthy") { await lab.phase() == .healthy }
                #expect(try await lab.object("batch/v1", "Job", "before") == nil)
                #expect(try await lab.object("batch/v1", "Job", "after") != nil)
                #expect(try await lab.object("batch/v1", "Job", "on-failure") == nil)
            }
        }
    }

    @Test func aBadReleaseIsTakenBackWholly() async throws {
        try await lab { lab in
            let extra = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: only-in-one}\ndata: {a: b}\n"
            let one = try await lab.world.release("1.0.0", extra: Self.first() + extra)
            let added = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: only-in-two}\ndata: {a: b}\n"
            let bad = Self.namespace + "\n" + Self.deployment("web", image: "web:missing") + added
            let two = try await lab.world.release("2.0.0", extra: bad)
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("healthy") { await lab.phase() == .healthy }
                try await lab.world.coordinator.assign(two.assignment(2, fallback: one))
                try await eventually("added") { try await lab.object("v1", "ConfigMap", "only-in-two") != nil }
                try await eventually("reverted") { await lab.phase() == .reverted }
                let early = await lab.world.coordinator.reports.first {
                    $0.phase == .applying && $0.message?.contains("Pull") == true
                }
                #expect(early?.generation == 2, "the culprit is named before its deadline has passed")
                #expect(early?.health == .progressing)
                let report = await lab.world.coordinator.last("shop")
                #expect(report?.generation == 2)
                #expect(report?.digest == one.reference.digest)
                #expect(report?.message?.contains("web") == true)
                let web = try await lab.object("apps/v1", "Deployment", "web")
                let image = web?.spec?["template"]?["spec"]?["containers"]?.arrayValue?.first?["image"]
                #expect(image?.stringValue == "web:1.0.0")
                #expect(try await lab.object("v1", "ConfigMap", "only-in-one") != nil)
                #expect(try await lab.object("v1", "ConfigMap", "only-in-two") == nil)
                let records = try await lab.cluster.inventories()
                #expect(records.first?.generation == 2)
                #expect(records.first?.release == one.reference)
            }
        }
    }

    @Test func whatTheNextReleaseLeavesOutIsRemovedAndRemovalTakesTheRest() async throws {
        try await lab { lab in
            let extra = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: only-in-one}\ndata: {a: b}\n"
            let one = try await lab.world.release("1.0.0", extra: Self.first() + extra)
            let two = try await lab.world.release("2.0.0", extra: Self.first())
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("healthy") { await lab.phase() == .healthy }
                try await lab.world.coordinator.assign(two.assignment(2, fallback: one))
                try await eventually("second is healthy") {
                    let report = await lab.world.coordinator.last("shop")
                    return report?.phase == .healthy && report?.generation == 2
                }
                #expect(try await lab.object("v1", "ConfigMap", "only-in-one") == nil)
                var removal = two.assignment(3)
                removal.goal = .remove
                try await lab.world.coordinator.assign(removal)
                try await eventually("removed") { await lab.phase() == .removed }
                try await eventually("gone") { try await lab.object("apps/v1", "Deployment", "web") == nil }
                #expect(try await lab.cluster.inventories().first?.generation == 3)
            }
        }
    }

    @Test func driftIsCorrectedSoonAfterItHappens() async throws {
        try await lab { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.first())
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("healthy") { await lab.phase() == .healthy }
                let type = GroupVersionKind(apiVersion: "v1", kind: "ConfigMap")
                let reference = ObjectReference(type: type, namespace: "shop", name: "shop-settings")
                _ = try await lab.cluster.api.patch(reference, .merge(["data": ["version": "tampered"]]))
                try await eventually("corrected") {
                    let live = try await lab.object("v1", "ConfigMap", "shop-settings")
                    return live?.json["data"]?["version"]?.stringValue == "1.0.0"
                }
                try await eventually("told") {
                    await lab.world.coordinator.reports.contains { $0.driftCount > 0 }
                }
            }
        }
    }

    @Test func aDeletedServiceIsPutBackWithinSecondsAndToldAsDeleted() async throws {
        try await lab { lab in
            let service = """
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec: {selector: {app: web}, ports: [{port: 80}]}
                ---

                """
            let one = try await lab.world.release("1.0.0", extra: Self.first() + service)
            try await lab.world.coordinator.assign(one.assignment(1))
            var settings = try await lab.world.settings()
            // As in production.
            settings.driftInterval = .seconds(60)
            try await lab.world.withAgent(settings) {
                try await eventually("healthy") { await lab.phase() == .healthy }
                let first = try #require(try await lab.object("v1", "Service", "web"))
                _ = try await lab.cluster.api.delete(first.reference)
                try await eventually("it is back", within: .seconds(5)) {
                    let live = try await lab.object("v1", "Service", "web")
                    return live != nil && live?.uid != first.uid
                }
                try await eventually("told") {
                    await lab.world.coordinator.reports.contains { report in
                        report.drift?.objects.contains { $0.title == "Service shop/web" && $0.action == .delete }
                            == true
                    }
                }
                #expect(await lab.phase() == .healthy)
            }
        }
    }

    @Test func whoKeepsWritingAgainstTheAgentIsNamed() async throws {
        try await lab { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.first())
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("healthy") { await lab.phase() == .healthy }
                let type = GroupVersionKind(apiVersion: "v1", kind: "ConfigMap")
                var written = KubernetesObject(type: type, namespace: "shop", name: "shop-settings")
                try written.set("tampered", at: ["data", "version"])
                let tampered = written
                try await eventually("told") {
                    _ = try await lab.cluster.api.apply(
                        tampered, ApplyOptions(fieldManager: "other-controller", force: true))
                    return await lab.world.coordinator.reports.contains { report in
                        report.drift?.contention?.hasPrefix("'other-controller' keeps writing data.version of ") == true
                    }
                }
                #expect(await lab.phase() == .healthy)
            }
        }
    }

    @Test func aPreviewTellsOfSecretsThatTheyChangeAndNotTheirValues() async throws {
        try await lab { lab in
            func secret(_ value: String) -> String {
                "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: \(value)}\n---\n"
            }
            let one = try await lab.world.release("1.0.0", extra: Self.first() + secret("before-hunter2"))
            let two = try await lab.world.release(
                "2.0.0",
                extra: Self.namespace + "\n" + Self.deployment("web", image: "web:2.0.0") + secret("after-hunter2"))
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("healthy") { await lab.phase() == .healthy }
                try await lab.world.coordinator.ask(
                    PreviewQuestion(id: 1, application: "shop", release: two.reference, timeLimit: .seconds(20)))
                try await eventually("answered") { await lab.world.coordinator.previews[1] != nil }
                let answer = try #require(await lab.world.coordinator.previews[1]?.first)
                #expect(answer.failure == nil)
                #expect(
                    answer.objects.map { "\($0.title) \($0.action)" } == [
                        "ConfigMap shop/shop-settings update", "Secret shop/login update", "Deployment shop/web update",
                    ], "\(answer)")
                #expect(answer.unchanged == 1)
                let told = "\(answer)"
                for value in ["hunter2", "YmVmb3Jl", "YWZ0ZXIt"] { #expect(!told.contains(value), "\(told)") }
                let live = try await lab.object("apps/v1", "Deployment", "web")
                #expect(live?.generation == 1, "nothing was changed")
            }
        }
    }

    @Test func driftIsOnlyToldWhereThePolicySaysSo() async throws {
        try await lab { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.first())
            try await lab.world.coordinator.assign(one.assignment(1, drift: .report))
            try await lab.world.withAgent {
                try await eventually("healthy") { await lab.phase() == .healthy }
                let type = GroupVersionKind(apiVersion: "v1", kind: "ConfigMap")
                let reference = ObjectReference(type: type, namespace: "shop", name: "shop-settings")
                _ = try await lab.cluster.api.patch(reference, .merge(["data": ["version": "tampered"]]))
                try await eventually("told") {
                    await lab.world.coordinator.reports.contains { $0.driftCount > 0 }
                }
                let live = try await lab.object("v1", "ConfigMap", "shop-settings")
                #expect(live?.json["data"]?["version"]?.stringValue == "tampered")
            }
        }
    }

    @Test func anAPIServerThatIsAwayIsNoFailureOfTheRelease() async throws {
        try await lab { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.first())
            let two = try await lab.world.release(
                "2.0.0", extra: Self.namespace + "\n" + Self.deployment("web", image: "web:2.0.0"))
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("healthy") { await lab.phase() == .healthy }
                try await lab.fleet.setFaults(FaultPlan(outage: .refuse), in: "east-1")
                try await lab.world.coordinator.assign(two.assignment(2, fallback: one))
                try await eventually("it waits, and says why") {
                    let report = await lab.world.coordinator.last("shop")
                    return report?.generation == 2 && report?.phase == .applying && report?.message != nil
                }
                try await lab.fleet.setFaults(.none, in: "east-1")
                try await eventually("healthy again") {
                    let report = await lab.world.coordinator.last("shop")
                    return report?.generation == 2 && report?.phase == .healthy
                }
            }
        }
    }

    @Test func aDegradationAfterHealthIsTold() async throws {
        try await lab { lab in
            let one = try await lab.world.release("1.0.0", extra: Self.first())
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("healthy") { await lab.phase() == .healthy }
                try await lab.fleet.setFaults(
                    FaultPlan(images: [FaultPlan.ImageFault(contains: "web:1.0.0", behaviour: .crashLoop)]),
                    in: "east-1")
                let pods = try await lab.cluster.api.list(
                    ObjectSelection(type: GroupVersionKind(version: "v1", kind: "Pod"), namespace: "shop"))
                for pod in pods.objects { _ = try await lab.cluster.api.delete(pod.reference) }
                try await eventually("told") {
                    let report = await lab.world.coordinator.last("shop")
                    return report?.phase == .healthy && (report?.health ?? .healthy) < .progressing
                }
            }
        }
    }

    @Test(arguments: [
        ("ProgressDeadlineExceeded: timed out; pod web-1 container app: ImagePullBackOff: no", "ImagePullBackOff"),
        ("apps/v1 Deployment shop/web: ProgressDeadlineExceeded: timed out", "ProgressDeadlineExceeded"),
        ("pod web-1: ErrImagePull", "ErrImagePull"), ("ConfigMap StatefulSet ReplicaSet", nil), ("", nil),
    ])
    func theWordForWhatIsWrongIsFound(_ text: String, _ word: String?) {
        #expect(ReasonWord.find(in: text) == word)
    }
}
