internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// Pods at which an ordered update waits for ever, and since when pods have been seen as they are.
@Suite struct StuckPodTests {
    private static func read(_ yaml: String) throws -> KubernetesObject {
        try KubernetesObject(json: YAMLReader.document(in: yaml, file: "test").root.json)
    }

    private static func database(_ spec: String = "") throws -> KubernetesObject {
        try read(
            """
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: db, namespace: shop, generation: 3}
            spec: {replicas: 3, selector: {matchLabels: {app: db}}\(spec)}
            status: {observedGeneration: 3, replicas: 3, readyReplicas: 2, updatedReplicas: 2, currentRevision: db-bad, updateRevision: db-good}
            """)
    }

    private static func pod(_ name: String, _ revision: String, _ waiting: String? = nil) throws -> KubernetesObject {
        let state = waiting.map { "waiting: {reason: \($0), message: no such image}" } ?? "running: {}"
        return try read(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name), namespace: shop, labels: {app: db, controller-revision-hash: \(revision)}}
            status:
              phase: \(waiting == nil ? "Running" : "Pending")
              conditions: [{type: Ready, status: "\(waiting == nil ? "True" : "False")"}]
              containerStatuses: [{name: app, ready: \(waiting == nil), state: {\(state)}}]
            """)
    }

    private static func assess(_ workload: KubernetesObject, _ pods: [KubernetesObject]) -> HealthAssessment {
        HealthAssessment(
            of: workload, pods: WorkloadPods.select(from: pods, of: workload),
            context: HealthContext(now: HealthExample.now))
    }

    @Test func thePodToDeleteIsNamedWithTheCommand() throws {
        let pods = [
            try Self.pod("db-0", "db-good"), try Self.pod("db-1", "db-good"),
            try Self.pod("db-2", "db-bad", "ImagePullBackOff"),
        ]
        let assessment = Self.assess(try Self.database(), pods)
        #expect(assessment.value == .degraded)
        for words in [
            "2 of 3 replicas are ready", "pod db-2 of a former revision", "ImagePullBackOff: no such image",
            "kubectl -n shop delete pod db-2",
        ] {
            #expect(assessment.message.contains(words), "\(assessment.message)")
        }
    }

    @Test func whatKubernetesReplacesByItselfNeedsNobody() throws {
        let broken = [try Self.pod("db-0", "db-good"), try Self.pod("db-2", "db-bad", "ImagePullBackOff")]
        for spec in [", podManagementPolicy: Parallel", ", updateStrategy: {type: OnDelete}"] {
            #expect(!Self.assess(try Self.database(spec), broken).message.contains("delete pod"), "\(spec)")
        }
        let partition = ", updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 3}}"
        #expect(!Self.assess(try Self.database(partition), broken).message.contains("delete pod"))
        let starting = [try Self.pod("db-0", "db-good"), try Self.pod("db-2", "db-bad", "ContainerCreating")]
        #expect(!Self.assess(try Self.database(), starting).message.contains("delete pod"), "it may yet become ready")
        let ownRevision = [try Self.pod("db-0", "db-bad"), try Self.pod("db-2", "db-good", "ImagePullBackOff")]
        let assessment = Self.assess(try Self.database(), ownRevision)
        #expect(assessment.message.contains("pod db-2 container app: ImagePullBackOff"), "\(assessment.message)")
        #expect(!assessment.message.contains("delete pod"))
    }

    // MARK: One clock

    private static let pending = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web-1, namespace: shop, uid: u, creationTimestamp: "2020-01-01T00:00:00Z"}
        status:
          phase: Pending
          conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, lastTransitionTime: "2020-01-01T00:00:00Z"}]
        """

    @Test func aPodIsJudgedByTheClockOfWhoWatchesIt() throws {
        let selection = ObjectSelection(type: GroupVersionKind(version: "v1", kind: "Pod"), namespace: "shop")
        let pod = try Self.read(Self.pending)
        var watched = WatchedObjects()
        let start = HealthExample.now.seconds
        watched.take(.listed([pod]), of: selection, at: KubernetesTime(seconds: start))
        func value(after seconds: Double) -> HealthValue {
            watched.assess(pod, context: HealthContext(now: KubernetesTime(seconds: start + seconds))).value
        }
        #expect(value(after: 5) == .progressing, "whatever the cluster's clock says of it")
        watched.take(.listed([pod]), of: selection, at: KubernetesTime(seconds: start + 10))
        #expect(value(after: 16) == .degraded, "it has been so since it was first seen")
    }

    @Test func aCrashLoopIsSeenToGoOn() throws {
        func pod(restarts: Int) throws -> KubernetesObject {
            try Self.read(
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: web-1, namespace: shop, uid: u}
                status:
                  phase: Running
                  conditions: [{type: Ready, status: "True"}]
                  containerStatuses:
                  - name: app
                    ready: true
                    restartCount: \(restarts)
                    state: {running: {}}
                    lastState: {terminated: {exitCode: 1, reason: Error, finishedAt: "2020-01-01T00:00:00Z"}}
                """)
        }
        let first = PodSighting(try pod(restarts: 3), after: nil, at: KubernetesTime(seconds: 100))
        #expect(first.restartedAt == nil)
        let second = PodSighting(try pod(restarts: 4), after: first, at: KubernetesTime(seconds: 150))
        #expect(second.restartedAt == KubernetesTime(seconds: 150))
        #expect(second.since == KubernetesTime(seconds: 100))
        var context = HealthContext(now: KubernetesTime(seconds: 200))
        let live = try pod(restarts: 4)
        context.pods[live.reference.identity] = second
        #expect(PodHealth.worst(of: [live], context: context)?.message.contains("restarted 4 times") == true)
        context.pods[live.reference.identity] = first
        #expect(PodHealth.worst(of: [live], context: context) == nil)
    }
}
