internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// What controllers say of their objects by other words than `Ready`.
@Suite struct ToldConditionTests {
    private static func thing(_ conditions: String..., generation: Int = 2, type: String = "x.io/v1 Thing") -> String {
        let parts = type.split(separator: " ")
        return """
            apiVersion: \(parts[0])
            kind: \(parts[1])
            metadata: {name: a, generation: \(generation)}
            spec: {}
            status: {conditions: [\(conditions.joined(separator: ", "))]}
            """
    }

    private static func told(_ type: String, _ status: String, _ generation: Int? = nil) -> String {
        let seen = generation.map { ", observedGeneration: \($0)" } ?? ""
        return "{type: \(type), status: \"\(status)\", reason: Why, message: so it is\(seen)}"
    }

    static let words: [HealthExample] =
        ["Available", "Accepted", "Programmed", "Synced", "Reconciled"].flatMap { word -> [HealthExample] in
            [
                .init("\(word) that is not so", .progressing, "not \(word): Why: so it is", thing(told(word, "False"))),
                .init("\(word) that nobody knows", .progressing, "not \(word)", thing(told(word, "Unknown"))),
                .init("\(word) that is so", .healthy, "", thing(told(word, "True", 2))),
                .init(
                    "\(word) of an earlier generation", .progressing, "\(word) is told of generation 1 of 2",
                    thing(told(word, "True", 1))),
                .init(
                    "\(word) of an earlier generation is no evidence against", .progressing,
                    "\(word) is told of generation 1 of 2", thing(told(word, "False", 1))),
                .init(
                    "\(word) that is not so, beside Ready", .progressing, "not \(word)",
                    thing(told("Ready", "True"), told(word, "False"))),
            ]
        }
        + [
            "Progressing", "Degraded", "Stalled", "Reconciling", "UpdateAvailable", "NoWarnings", "Paused",
            "Upgradeable",
        ].map { word in
            .init("\(word) is no word against it", .healthy, "", thing(told(word, "False")))
        } + [
            .init("what is not ready says so first", .progressing, "Why: so it is", thing(told("Ready", "False")))
        ]

    @Test(arguments: words) func wordsOfControllers(example: HealthExample) throws { try example.check() }

    private static func policy(_ ancestors: String) -> String {
        "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {name: b, generation: 2}\n"
            + "spec: {targetRefs: [{group: '', kind: Service, name: x}]}\nstatus: {ancestors: [\(ancestors)]}"
    }

    private static func ancestor(_ name: String, _ conditions: String...) -> String {
        "{ancestorRef: {name: \(name)}, controllerName: x/y, conditions: [\(conditions.joined(separator: ", "))]}"
    }

    static let ancestors: [HealthExample] = [
        .init(
            "a policy that is refused", .degraded, "gateway edge: not Accepted: Why",
            policy(ancestor("edge", told("Accepted", "False", 2)))),
        .init("a policy that is taken", .healthy, "", policy(ancestor("edge", told("Accepted", "True", 2)))),
        .init(
            "a policy that one of two refuses", .degraded, "gateway outer: not Accepted",
            policy(
                ancestor("inner", told("Accepted", "True", 2)) + ", " + ancestor("outer", told("Accepted", "False", 2))
            )),
        .init(
            "a policy whose references are not there", .degraded, "gateway edge: not ResolvedRefs",
            policy(ancestor("edge", told("Accepted", "True", 2), told("ResolvedRefs", "False", 2)))),
        .init(
            "a policy that was judged before it changed", .progressing, "gateway edge has seen generation 1 of 2",
            policy(ancestor("edge", told("Accepted", "False", 1)))),
        .init(
            "a gateway that it was on before says nothing", .healthy, "",
            policy(
                ancestor("edge", told("Accepted", "True", 2)) + ", " + ancestor("old", told("Accepted", "False", 1)))),
    ]

    @Test(arguments: ancestors) func policiesOfGateways(example: HealthExample) throws { try example.check() }

    private static func status(_ type: String, _ status: String, spec: String = "{}") -> String {
        let parts = type.split(separator: " ")
        return
            "apiVersion: \(parts[0])\nkind: \(parts[1])\nmetadata: {name: a, generation: 1}\nspec: \(spec)\nstatus: {\(status)}"
    }

    private static let elasticsearch = "elasticsearch.k8s.elastic.co/v1 Elasticsearch"
    private static let rabbit = "rabbitmq.com/v1beta1 RabbitmqCluster"
    private static let snapshot = "snapshot.storage.k8s.io/v1 VolumeSnapshot"

    static let kinds: [HealthExample] = [
        .init(
            "a cluster of which the operator takes nothing", .degraded, "Invalid",
            status(elasticsearch, "phase: Invalid")),
        .init(
            "a cluster without all of its data", .degraded, "red", status(elasticsearch, "phase: Ready, health: red")),
        .init(
            "a cluster that is made", .progressing, "ApplyingChanges",
            status(elasticsearch, "phase: ApplyingChanges, health: red")),
        .init("a cluster without copies", .healthy, "", status(elasticsearch, "phase: Ready, health: yellow")),
        .init("a cluster that is well", .healthy, "", status(elasticsearch, "phase: Ready, health: green")),
        .init(
            "a Kibana that is not there yet", .progressing, "health red",
            status("kibana.k8s.elastic.co/v1 Kibana", "health: red")),
        .init("a Kibana that is", .healthy, "", status("kibana.k8s.elastic.co/v1 Kibana", "health: green")),
        .init(
            "a broker that is not reconciled", .degraded, "not ReconcileSuccess: Why: so it is",
            thing(told("ClusterAvailable", "True"), told("ReconcileSuccess", "False"), type: rabbit)),
        .init(
            "a broker that is being formed", .progressing, "not ClusterAvailable",
            thing(told("ClusterAvailable", "False"), told("ReconcileSuccess", "True"), type: rabbit)),
        .init(
            "a broker of which not all are there", .progressing, "not AllReplicasReady",
            thing(
                told("ClusterAvailable", "True"), told("AllReplicasReady", "False"), told("ReconcileSuccess", "True"),
                type: rabbit)),
        .init(
            "a broker that is warned of", .healthy, "",
            thing(
                told("ClusterAvailable", "True"), told("AllReplicasReady", "True"), told("NoWarnings", "False"),
                told("ReconcileSuccess", "True"), type: rabbit)),
        .init(
            "a snapshot that cannot be taken", .degraded, "no such class",
            status(snapshot, "readyToUse: false, error: {message: no such class}")),
        .init(
            "a snapshot that is being taken", .progressing, "not ready to use", status(snapshot, "readyToUse: false")),
        .init("a snapshot that was taken", .healthy, "", status(snapshot, "readyToUse: true")),
        .init(
            "a Prometheus without pods", .progressing, "not Available: NoPodReady",
            status(
                "monitoring.coreos.com/v1 Prometheus",
                "conditions: [{type: Available, status: \"False\", reason: NoPodReady, observedGeneration: 1}]")),
        .init(
            "a Prometheus with some of its pods", .progressing, "not Available: SomePodsNotReady",
            status(
                "monitoring.coreos.com/v1 Prometheus",
                "conditions: [{type: Available, status: Degraded, reason: SomePodsNotReady, observedGeneration: 1}]")),
        .init(
            "a pipeline that runs", .progressing, "Why: so it is",
            thing(told("Succeeded", "Unknown"), type: "tekton.dev/v1 PipelineRun")),
        .init(
            "a pipeline that failed", .failed, "Why: so it is",
            thing(told("Succeeded", "False"), type: "tekton.dev/v1 TaskRun")),
        .init(
            "a pipeline that is through", .healthy, "",
            thing(told("Succeeded", "True"), type: "tekton.dev/v1 PipelineRun")),
    ]

    @Test(arguments: kinds) func kindsOfOthers(example: HealthExample) throws { try example.check() }

    // MARK: Pods that nobody waits for

    private static func pod(_ name: String, _ status: String) throws -> KubernetesObject {
        try KubernetesObject(
            json: YAMLReader.document(
                in:
                    "apiVersion: v1\nkind: Pod\nmetadata: {name: \(name), namespace: shop, labels: {app: web}}\nstatus: {\(status)}",
                file: "x"
            ).root.json)
    }

    private static func workload(_ kind: String, _ status: String) throws -> KubernetesObject {
        try KubernetesObject(
            json: YAMLReader.document(
                in: """
                    apiVersion: \(kind == "Job" ? "batch/v1" : "apps/v1")
                    kind: \(kind)
                    metadata: {name: web, namespace: shop, generation: 1}
                    spec: {replicas: 1, selector: {matchLabels: {app: web}}}
                    status: {observedGeneration: 1, \(status)}
                    """, file: "x"
            ).root.json)
    }

    private static let evicted = "phase: Failed, reason: Evicted, message: 'low on resource: memory'"
    private static let crashing =
        "phase: Running, containerStatuses: [{name: app, state: {waiting: {reason: CrashLoopBackOff}}}]"

    @Test(arguments: ["ReplicaSet", "StatefulSet", "DaemonSet"])
    func aPodThatHasEndedIsNoCulpritBesideOneThatRuns(kind: String) throws {
        let workload = try Self.workload(
            kind, "replicas: 1, readyReplicas: 0, desiredNumberScheduled: 1, numberReady: 0, updatedNumberScheduled: 1")
        let pods = [try Self.pod("web-a", Self.evicted), try Self.pod("web-b", Self.crashing)]
        let context = HealthContext(now: HealthExample.now)
        let both = HealthAssessment(of: workload, pods: pods, context: context)
        #expect(both.message.contains("pod web-b container app: CrashLoopBackOff"), "\(both.message)")
        #expect(!both.message.contains("Evicted"))
        // What is left of one that was replaced makes nothing worse.
        let starting = try Self.pod("web-b", "phase: Pending")
        let former = HealthAssessment(of: workload, pods: [pods[0], starting], context: context)
        #expect(former.value == .progressing, "\(former)")
        #expect(!former.message.contains("Evicted"), "\(former.message)")
        // Where no other is there, it says why.
        let alone = HealthAssessment(of: workload, pods: [pods[0]], context: context)
        #expect(alone.message.contains("pod web-a Evicted: low on resource"), "\(alone.message)")
    }

    @Test func ofAJobAllPodsCount() throws {
        let job = try Self.workload("Job", "active: 1")
        let pods = [try Self.pod("web-a", "phase: Failed, reason: Evicted"), try Self.pod("web-b", "phase: Pending")]
        let assessment = HealthAssessment(of: job, pods: pods, context: HealthContext(now: HealthExample.now))
        #expect(assessment.message.contains("pod web-a Evicted"), "\(assessment.message)")
    }
}
