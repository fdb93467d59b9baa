internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// Pods of a revision that is on its way out say nothing of the one that was sent: none of them is named as the culprit.
@Suite struct FormerRevisionTests {
    private static func read(_ yaml: String) throws -> KubernetesObject {
        try KubernetesObject(json: YAMLReader.document(in: yaml, file: "test").root.json)
    }

    private static func workload(_ kind: String, _ metadata: String, _ status: String, spec: String = "") throws
        -> KubernetesObject
    {
        try read(
            """
            apiVersion: apps/v1
            kind: \(kind)
            metadata: {name: web, namespace: shop, uid: w, generation: 2\(metadata)}
            spec: {replicas: 3, selector: {matchLabels: {app: web}}\(spec)}
            status: {\(status)}
            """)
    }

    private static func pod(_ name: String, _ labels: String, isWell: Bool = false) throws -> KubernetesObject {
        let state = isWell ? "running: {}" : "waiting: {reason: ImagePullBackOff, message: no such image}"
        return try read(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name), namespace: shop, labels: {app: web, \(labels)}}
            status:
              phase: \(isWell ? "Running" : "Pending")
              conditions: [{type: Ready, status: "\(isWell ? "True" : "False")"}]
              containerStatuses: [{name: app, ready: \(isWell), state: {\(state)}}]
            """)
    }

    private static func replicaSet(_ name: String, revision: Int) throws -> KubernetesObject {
        try read(
            """
            apiVersion: apps/v1
            kind: ReplicaSet
            metadata:
              name: web-\(name)
              namespace: shop
              labels: {app: web, pod-template-hash: \(name)}
              annotations: {deployment.kubernetes.io/revision: "\(revision)"}
              ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: w, controller: true}]
            """)
    }

    private static func message(
        _ workload: KubernetesObject, _ pods: [KubernetesObject], _ sets: [KubernetesObject] = [],
        evidence: SentEvidence? = nil
    ) -> String {
        var context = HealthContext(now: HealthExample.now)
        context.evidence = evidence
        return HealthAssessment(
            of: workload, pods: WorkloadPods.select(from: pods, of: workload, replicaSets: sets), context: context
        ).message
    }

    // MARK: Deployments

    private static func revision(_ number: Int) -> String {
        ", annotations: {deployment.kubernetes.io/revision: \"\(number)\"}"
    }

    @Test func aDeploymentWhoseControllerHasNotLookedNamesNoPod() throws {
        let old = [try Self.pod("web-old", "pod-template-hash: old")]
        let sets = [try Self.replicaSet("old", revision: 1)]
        for status in ["observedGeneration: 1, replicas: 3", ""] {
            let message = Self.message(try Self.workload("Deployment", Self.revision(1), status), old, sets)
            #expect(!message.contains("web-old"), "\(message)")
        }
        // It is the same where what was read is older than what was sent.
        let before = try Self.workload("Deployment", Self.revision(1), "observedGeneration: 2, replicas: 3")
        var evidence = SentEvidence()
        var answer = before
        answer.setMetadata("generation", 3)
        evidence.marks[before.reference.identity] = SentMark(answer)
        let message = Self.message(before, old, sets, evidence: evidence)
        #expect(message.contains("not been read since") && !message.contains("web-old"), "\(message)")
    }

    @Test func aReplicaSetThatIsNotThereYetIsNotStoodInForByTheFormerOne() throws {
        let deployment = try Self.workload(
            "Deployment", Self.revision(2), "observedGeneration: 2, replicas: 3, updatedReplicas: 0")
        let pods = [
            try Self.pod("web-old", "pod-template-hash: old"), try Self.pod("web-new", "pod-template-hash: new"),
        ]
        let message = Self.message(deployment, pods, [try Self.replicaSet("old", revision: 1)])
        #expect(message.contains("web-new") && !message.contains("web-old"), "\(message)")
        // Without any there is nothing to tell them by.
        #expect(Self.message(deployment, pods).contains("ImagePullBackOff"))
    }

    // MARK: DaemonSets

    private static func daemonSet(_ generation: Int?, updated: Int, seen: Int = 2) throws -> KubernetesObject {
        try workload(
            "DaemonSet",
            generation.map { ", annotations: {deprecated.daemonset.template.generation: \"\($0)\"}" } ?? "",
            "observedGeneration: \(seen), desiredNumberScheduled: 3, updatedNumberScheduled: \(updated), numberReady: 1"
        )
    }

    private static func daemonPod(_ name: String, _ hash: String, _ generation: Int? = nil, isWell: Bool = false) throws
        -> KubernetesObject
    {
        let label = generation.map { ", pod-template-generation: \"\($0)\"" } ?? ""
        return try pod(name, "controller-revision-hash: \(hash)\(label)", isWell: isWell)
    }

    @Test func aDaemonSetNamesPodsOfItsPresentRevisionOnly() throws {
        let pods = [
            try Self.daemonPod("old-1", "a", 1), try Self.daemonPod("old-2", "a", 1),
            try Self.daemonPod("new", "b", 2),
        ]
        let told = Self.message(try Self.daemonSet(2, updated: 1), pods)
        #expect(told.contains("pod new ") && !told.contains("pod old"), "\(told)")
        // The counts tell it, too.
        let counted = Self.message(try Self.daemonSet(nil, updated: 1), pods)
        #expect(counted.contains("pod new ") && !counted.contains("pod old"), "\(counted)")
        let none = Self.message(try Self.daemonSet(2, updated: 0), Array(pods.prefix(2)))
        #expect(!none.contains("pod old"), "\(none)")
        let unseen = Self.message(try Self.daemonSet(1, updated: 3, seen: 1), pods)
        #expect(!unseen.contains("pod "), "\(unseen)")
    }

    /// Back at a former revision, its pods that are still there carry a former generation, and the present content.
    @Test func podsThatADaemonSetComesBackToAreOfItsPresentRevision() throws {
        let pods = [
            try Self.daemonPod("kept", "a", 1), try Self.daemonPod("back", "a", 3, isWell: true),
            try Self.daemonPod("bad", "b", 2),
        ]
        let told = Self.message(try Self.daemonSet(3, updated: 2), pods)
        #expect(told.contains("pod kept ") && !told.contains("pod bad"), "\(told)")
    }

    // MARK: StatefulSets

    private static func statefulSet(_ spec: String = "", updated: Int = 0) throws -> KubernetesObject {
        try workload(
            "StatefulSet", "",
            "observedGeneration: 2, replicas: 3, readyReplicas: 1, updatedReplicas: \(updated), currentRevision: a, updateRevision: b",
            spec: spec)
    }

    @Test func aStatefulSetNamesFormerPodsOnlyWhereTheyStayOrHoldItUp() throws {
        let old = [
            try Self.pod("web-0", "controller-revision-hash: a", isWell: true),
            try Self.pod("web-1", "controller-revision-hash: a"),
        ]
        let parallel = Self.message(try Self.statefulSet(", podManagementPolicy: Parallel"), old)
        #expect(!parallel.contains("pod web-"), "it replaces them by itself: \(parallel)")
        let ordered = Self.message(try Self.statefulSet(), old)
        #expect(ordered.contains("pod web-1 of a former revision blocks it"), "\(ordered)")
        let onDelete = Self.message(try Self.statefulSet(", updateStrategy: {type: OnDelete}"), old)
        #expect(onDelete.contains("pod web-1 "), "it stays until somebody deletes it: \(onDelete)")
        let partition =
            ", podManagementPolicy: Parallel, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}"
        let kept = Self.message(
            try Self.statefulSet(partition, updated: 1),
            old + [try Self.pod("web-2", "controller-revision-hash: b", isWell: true)])
        #expect(kept.contains("pod web-1 "), "it stays by the partition: \(kept)")
    }

    // MARK: Jobs

    @Test func aJobThatWasRunningWhenItWasLastSeenHasNotFinished() throws {
        let job = try Self.read(
            "{apiVersion: batch/v1, kind: Job, metadata: {name: seed, namespace: shop}, spec: {ttlSecondsAfterFinished: 60}}"
        )
        var running = job
        running.status = ["active": 1]
        let selection = ObjectSelection(type: job.type, namespace: "shop")
        let context = HealthContext(now: HealthExample.now)
        var seen = WatchedObjects()
        seen.take(.listed([running]), of: selection)
        // A watch was cut, and the next list lacks it.
        seen.take(.listed([]), of: selection)
        let assessment = seen.assess(job, context: context)
        #expect(assessment.value == .progressing, "\(assessment.message)")
        #expect(assessment.message.contains("running when it was last seen"), "\(assessment.message)")
        // One that nobody has seen went by its time to live before anybody looked.
        var unseen = WatchedObjects()
        unseen.take(.listed([]), of: selection)
        #expect(unseen.assess(job, context: context).value == .healthy)
    }
}
