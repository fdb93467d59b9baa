internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Conformance: the controllers")
struct ControllerConformance {
    private let web = "/apis/apps/v1/namespaces/default/deployments/web"
    private let sets = "/apis/apps/v1/namespaces/default/replicasets"
    private let pods = "/api/v1/namespaces/default/pods"
    private let revision = "metadata.annotations[\"deployment.kubernetes.io/revision\"]"

    @Test("a Deployment: available, rolled, stuck, and healthy again")
    func deployment() {
        var talk = Conversation()
        talk.tell("PATCH \(web)", deadline(Sample.deployment()))
        talk.pass(3)
        talk.ask(
            "GET \(web)",
            facts: [
                "\(revision) = \"1\"", "status.availableReplicas = 2", "status.updatedReplicas = 2",
                "status.unavailableReplicas !",
                "status.conditions[type=Available].reason = \"MinimumReplicasAvailable\"",
                "status.conditions[type=Progressing].reason = \"NewReplicaSetAvailable\"",
                "metadata.managedFields[subresource=status].manager = \"kube-controller-manager\"",
            ])
        talk.ask(
            "GET \(sets)",
            facts: [
                "items.# = 1", "items[0].metadata.ownerReferences[0].kind = \"Deployment\"",
                "items[0].metadata.labels.pod-template-hash ?",
                "items[0].spec.selector.matchLabels.pod-template-hash ?",
                "items[0].\(revision) = \"1\"",
            ])
        talk.tell("PATCH \(web)", deadline(Sample.deployment(image: "nginx:1.26")))
        talk.pass(5)
        talk.ask("GET \(web)", facts: ["\(revision) = \"2\"", "status.observedGeneration = 2", "status.replicas = 2"])
        talk.ask("GET \(sets)", facts: ["items.# = 2"])
        talk.tell("PATCH \(web)", deadline(Sample.deployment(image: "nginx:broken")))
        talk.pass(6)
        talk.ask(
            "GET \(web)",
            facts: [
                "status.conditions[type=Progressing].status = \"False\"",
                "status.conditions[type=Progressing].reason = \"ProgressDeadlineExceeded\"",
                "status.conditions[type=Available].status = \"True\"", "status.availableReplicas = 2",
            ])
        talk.tell("PATCH \(web)", deadline(Sample.deployment(image: "nginx:1.26")))
        talk.pass(5)
        talk.ask(
            "GET \(web)",
            facts: [
                "\(revision) = \"4\"", "status.conditions[type=Progressing].status = \"True\"",
                "status.updatedReplicas = 2",
            ])
        talk.tell("PATCH \(web)", deadline(Sample.deployment(image: "nginx:crash")))
        talk.pass(6)
        talk.ask("GET \(pods)", facts: ["200"])
        let waiting = (talk.answer["items"]?.arrayValue ?? []).compactMap {
            $0.at("status", "containerStatuses")?[0]?.at("state", "waiting", "reason")?.stringValue
        }
        #expect(waiting.contains("CrashLoopBackOff"))
    }

    private func deadline(_ manifest: String) -> String {
        manifest.replacing("  selector:", with: "  progressDeadlineSeconds: 3\n  selector:")
    }

    @Test("a paused Deployment rolls nothing, and Recreate has no two versions at once")
    func strategies() {
        var talk = Conversation()
        talk.tell("PATCH \(web)", Sample.deployment(strategy: "{type: Recreate}"))
        talk.pass(3)
        talk.tell("PATCH \(web)", Sample.deployment(image: "nginx:1.26", strategy: "{type: Recreate}"))
        for _ in 0..<30 {
            talk.pass(0.2)
            talk.ask("GET \(pods)", facts: ["200"])
            let images = Set(
                (talk.answer["items"]?.arrayValue ?? []).compactMap { $0.at("spec", "containers")?[0]?["image"] })
            #expect(images.count <= 1)
        }
        talk.tell("PATCH \(web)", "{spec: {paused: true}}", type: "application/merge-patch+json")
        talk.tell("PATCH \(web)?force=true", Sample.deployment(image: "nginx:1.27", strategy: "{type: Recreate}"))
        talk.pass(3)
        talk.ask("GET \(sets)", facts: ["items.# = 2"])
    }

    @Test("a ReplicaSet replaces what is deleted and lets go of what is too much")
    func replicaSet() {
        var talk = Conversation()
        talk.tell(
            "PATCH \(sets)/rs",
            "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: rs}, spec: {replicas: 3, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: nginx}]}}}}"
        )
        talk.pass(3)
        talk.ask("GET \(pods)", facts: ["items.# = 3"])
        let first = talk.answer["items"]?[0]?.name ?? ""
        talk.tell("DELETE \(pods)/\(first)")
        talk.pass(4)
        talk.ask("GET \(pods)", facts: ["items.# = 3"])
        talk.tell("PATCH \(sets)/rs/scale", "{spec: {replicas: 1}}", type: "application/merge-patch+json")
        talk.pass(4)
        talk.ask(
            "GET \(sets)/rs",
            facts: ["status.replicas = 1", "status.readyReplicas = 1", "status.fullyLabeledReplicas = 1"])
    }

    @Test("a StatefulSet has names that last, claims, and one pod at a time")
    func statefulSet() {
        var talk = Conversation()
        let path = "/apis/apps/v1/namespaces/default/statefulsets/db"
        func manifest(_ image: String) -> String {
            "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 2, serviceName: db, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: \(image), volumeMounts: [{name: data, mountPath: /data}]}], volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}}"
        }
        talk.tell("PATCH \(path)", manifest("'db:1'"))
        talk.pass(0.3)
        talk.ask("GET \(pods)", facts: ["items.# = 1", "items[0].metadata.name = \"db-0\""])
        talk.pass(5)
        talk.ask(
            "GET \(path)",
            facts: [
                "status.readyReplicas = 2", "status.currentReplicas = 2", "status.updatedReplicas = 2",
                "status.availableReplicas = 2",
            ])
        talk.ask(
            "GET \(pods)/db-1",
            facts: [
                "metadata.labels[\"statefulset.kubernetes.io/pod-name\"] = \"db-1\"", "spec.hostname = \"db-1\"",
                "spec.subdomain = \"db\"",
            ])
        talk.ask("GET /api/v1/namespaces/default/persistentvolumeclaims/data-db-1", facts: ["status.phase = \"Bound\""])
        talk.tell("PATCH \(path)", manifest("'db:2'"))
        talk.pass(10)
        talk.ask("GET \(path)", facts: ["status.updatedReplicas = 2", "status.readyReplicas = 2"])
        talk.ask("GET \(pods)/db-0", facts: ["spec.containers[0].image = \"db:2\""])
        talk.tell("DELETE \(path)")
        talk.pass(4)
        talk.ask("GET /api/v1/namespaces/default/persistentvolumeclaims", facts: ["items.# = 2"])
    }

    @Test("a DaemonSet has a pod on every node, and replaces them")
    func daemonSet() {
        var talk = Conversation()
        let path = "/apis/apps/v1/namespaces/default/daemonsets/agent"
        func manifest(_ image: String) -> String {
            "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: \(image)}]}}}}"
        }
        talk.tell("PATCH \(path)", manifest("'agent:1'"))
        talk.pass(3)
        talk.ask(
            "GET \(path)",
            facts: [
                "status.desiredNumberScheduled = 3", "status.numberReady = 3", "status.numberAvailable = 3",
                "status.updatedNumberScheduled = 3",
            ])
        talk.tell("PATCH \(path)", manifest("'agent:2'"))
        talk.pass(15)
        talk.ask(
            "GET \(path)",
            facts: ["status.observedGeneration = 2", "status.updatedNumberScheduled = 3", "status.numberReady = 3"])
    }

    @Test("a Job completes, and its template stays as it was made")
    func job() {
        var talk = Conversation()
        let path = "/apis/batch/v1/namespaces/default/jobs/migrate"
        func manifest(_ image: String) -> String {
            "{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {backoffLimit: 1, template: {spec: {restartPolicy: Never, containers: [{name: c, image: \(image)}]}}}}"
        }
        talk.ask(
            "PATCH \(path)", manifest("'tool:1'"),
            facts: [
                "201", "spec.completions = 1", "spec.parallelism = 1", "spec.completionMode = \"NonIndexed\"",
                "spec.suspend = false", "spec.selector.matchLabels[\"batch.kubernetes.io/controller-uid\"] ?",
                "spec.template.metadata.labels.job-name = \"migrate\"",
            ])
        talk.pass(3)
        talk.ask(
            "GET \(path)",
            facts: [
                "status.succeeded = 1", "status.conditions[type=Complete].status = \"True\"",
                "status.conditions[type=SuccessCriteriaMet].reason = \"CompletionsReached\"", "status.completionTime ?",
                "status.startTime ?", "status.ready = 0",
            ])
        talk.ask(
            "PATCH \(path)?force=true", manifest("'tool:2'"),
            facts: ["422", "details.causes[0].field = \"spec.template\"", "message ~ : field is immutable"])
        talk.tell("DELETE \(path)", "{propagationPolicy: Background}")
        talk.pass(3)
        talk.ask("GET \(pods)", facts: ["items.# = 0"])
        talk.tell("PATCH \(path)", manifest("'tool:crash'"))
        talk.pass(20)
        talk.ask(
            "GET \(path)",
            facts: ["status.failed = 2", "status.conditions[type=Failed].reason = \"BackoffLimitExceeded\""])
    }

    @Test("a Job without a number of completions is done with its first success")
    func workQueue() {
        var talk = Conversation()
        let path = "/apis/batch/v1/namespaces/default/jobs/queue"
        talk.ask(
            "PATCH \(path)",
            "{apiVersion: batch/v1, kind: Job, metadata: {name: queue}, spec: {parallelism: 3, template: {spec: {restartPolicy: Never, containers: [{name: c, image: tool}]}}}}",
            facts: ["201", "spec.completions !", "spec.parallelism = 3"])
        talk.pass(0.1)
        talk.ask("GET \(pods)", facts: ["items.# = 3"])
        talk.pass(4)
        talk.ask("GET \(path)", facts: ["status.succeeded = 3", "status.conditions[type=Complete].status = \"True\""])
    }

    @Test("the pods behind a Service are its endpoints, in both forms")
    func endpoints() {
        var talk = Conversation()
        talk.tell("PATCH \(web)", Sample.deployment())
        talk.tell(
            "PATCH /api/v1/namespaces/default/services/web",
            "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}}"
        )
        talk.pass(3)
        talk.ask(
            "GET /api/v1/namespaces/default/endpoints/web",
            facts: [
                "subsets[0].addresses.# = 2", "subsets[0].ports[0].port = 8080",
                "subsets[0].addresses[0].targetRef.kind = \"Pod\"",
            ])
        talk.ask(
            "GET /apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=web",
            facts: [
                "items.# = 1", "items[0].endpoints.# = 2", "items[0].endpoints[0].conditions.ready = true",
                "items[0].ports[0] = {\"name\":\"http\",\"port\":8080,\"protocol\":\"TCP\"}",
                "items[0].addressType = \"IPv4\"", "items[0].metadata.ownerReferences[0].kind = \"Service\"",
            ])
        talk.tell("DELETE /api/v1/namespaces/default/services/web")
        talk.pass(1)
        talk.ask("GET /apis/discovery.k8s.io/v1/namespaces/default/endpointslices", facts: ["items.# = 0"])
    }

    @Test("an APIService is available once its Service has somebody behind it")
    func apiService() {
        var talk = Conversation()
        let path = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.example.com"
        talk.tell(
            "PATCH \(path)",
            "{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1beta1.metrics.example.com}, spec: {group: metrics.example.com, version: v1beta1, groupPriorityMinimum: 100, versionPriority: 100, service: {name: web, namespace: default}}}"
        )
        talk.pass(1)
        talk.ask(
            "GET \(path)",
            facts: [
                "spec.service.port = 443", "status.conditions[type=Available].status = \"False\"",
                "status.conditions[type=Available].reason = \"ServiceNotFound\"",
            ])
        talk.tell("PATCH \(web)", Sample.deployment())
        talk.tell(
            "PATCH /api/v1/namespaces/default/services/web",
            "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}")
        talk.pass(3)
        talk.ask("GET \(path)", facts: ["status.conditions[type=Available].reason = \"Passed\""])
    }
}
