internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// The rules of health, sentence by sentence: kinds that run no pods, those of others, and what is told of a set.
@Suite struct OtherHealthRuleTests {
    // MARK: Volumes, services and the like

    private static func claim(_ phase: String, class name: String = "slow") -> String {
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec: {storageClassName: \(name)}\nstatus: {phase: \(phase)}"
    }

    private static func withCondition(
        _ apiVersion: String, _ kind: String, _ type: String, _ status: String, _ reason: String
    ) -> String {
        """
        apiVersion: \(apiVersion)
        kind: \(kind)
        metadata: {name: a}
        status: {conditions: [{type: \(type), status: "\(status)", reason: \(reason), message: so it is}]}
        """
    }

    private static let late = HealthContext(now: HealthExample.now, lateBindingClasses: ["local"])
    private static let unseen = HealthContext(
        now: HealthExample.now, classesRefusal: "may not list storageclasses.storage.k8s.io")

    static let others: [HealthExample] = [
        .init("a claim that is bound", .healthy, "", claim("Bound")),
        .init("a claim whose volume is lost", .failed, "lost", claim("Lost"), context: late),
        .init("a claim that waits", .progressing, "waits for a volume", claim("Pending"), context: late),
        .init(
            "a claim that binds on first use", .healthy, "binds once a pod uses it", claim("Pending", class: "local"),
            context: late),
        .init(
            "a claim whose class may not be read says so", .progressing,
            "cannot be told: may not list storageclasses.storage.k8s.io", claim("Pending", class: "local"),
            context: unseen),
        .init(
            "a load balancer without an address", .progressing, "waits for the load balancer's address",
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: LoadBalancer}\nstatus: {loadBalancer: {ingress: []}}"
        ),
        .init(
            "a load balancer with one", .healthy, "",
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: LoadBalancer}\nstatus: {loadBalancer: {ingress: [{hostname: x}]}}"
        ),
        .init(
            "any other service", .healthy, "",
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: NodePort}\nstatus: {loadBalancer: {}}"),
        .init(
            "an ingress, which some controllers never give an address", .healthy, "",
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nstatus: {loadBalancer: {}}"),
        .init(
            "an ingress of which one is wanted", .progressing, "waits for an address",
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nstatus: {loadBalancer: {}}",
            context: HealthContext(now: HealthExample.now, ingressNeedsAddress: true)),
        .init(
            "an autoscaler that cannot read its target", .degraded, "FailedGetScale: so it is",
            withCondition("autoscaling/v2", "HorizontalPodAutoscaler", "AbleToScale", "False", "FailedGetScale")),
        .init(
            "an autoscaler with wrong metrics", .degraded, "InvalidMetricSourceType",
            withCondition(
                "autoscaling/v2", "HorizontalPodAutoscaler", "ScalingActive", "False", "InvalidMetricSourceType")),
        .init(
            "an autoscaler that was told to rest", .healthy, "",
            withCondition("autoscaling/v2", "HorizontalPodAutoscaler", "ScalingActive", "False", "ScalingDisabled")),
        .init(
            "an autoscaler at its limit", .healthy, "",
            withCondition("autoscaling/v2", "HorizontalPodAutoscaler", "ScalingLimited", "True", "TooManyReplicas")),
        .init(
            "a budget that lacks pods", .healthy, "",
            withCondition("policy/v1", "PodDisruptionBudget", "DisruptionAllowed", "False", "InsufficientPods")),
        .init(
            "a budget that cannot be counted", .degraded, "SyncFailed",
            withCondition("policy/v1", "PodDisruptionBudget", "DisruptionAllowed", "False", "SyncFailed")),
        .init(
            "a definition whose names are taken", .failed, "PluralConflict",
            """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: a}
            status:
              conditions:
              - {type: Established, status: "True"}
              - {type: NamesAccepted, status: "False", reason: PluralConflict}
            """),
        .init(
            "a definition that is established", .healthy, "",
            withCondition(
                "apiextensions.k8s.io/v1", "CustomResourceDefinition", "Established", "True", "InitialNamesAccepted")),
        .init(
            "a definition that is being installed", .progressing, "not established yet",
            withCondition(
                "apiextensions.k8s.io/v1", "CustomResourceDefinition", "Established", "False", "Installing")),
        .init(
            "an active namespace", .healthy, "",
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\nstatus: {phase: Active}"),
        .init(
            "a namespace on its way out", .progressing, "terminating",
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\nstatus: {phase: Terminating}"),
        .init(
            "an extension server that answers", .healthy, "",
            withCondition("apiregistration.k8s.io/v1", "APIService", "Available", "True", "Passed")),
        .init(
            "an extension server that does not", .progressing, "FailedDiscoveryCheck: so it is",
            withCondition("apiregistration.k8s.io/v1", "APIService", "Available", "False", "FailedDiscoveryCheck")),
    ]

    @Test(arguments: others) func volumesServicesAndOthers(example: HealthExample) throws { try example.check() }

    // MARK: Kinds of others

    private static func route(_ parents: String, refs: String = "{name: gw}") -> String {
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, generation: 2}\n"
            + "spec: {parentRefs: [\(refs)]}\nstatus: {parents: [\(parents)]}"
    }

    private static func rollout(_ status: String, annotations: String = "{}") -> String {
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r, generation: 2, annotations: \(annotations)}\nstatus: {\(status)}"
    }

    private static func canary(_ phase: String) -> String {
        "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: c}\nspec: {}\nstatus: {phase: \(phase)}"
    }

    private static let accepted = "{type: Accepted, status: \"True\", observedGeneration: 2}"

    static let custom: [HealthExample] = [
        .init(
            "a route that one of its gateways refuses", .degraded, "gateway outer: not Accepted: NoMatchingParent: so",
            route(
                "{parentRef: {name: inner}, conditions: [\(accepted)]}, {parentRef: {name: outer}, conditions: [{type: Accepted, status: \"False\", reason: NoMatchingParent, message: so, observedGeneration: 2}]}",
                refs: "{name: inner}, {name: outer}")),
        .init(
            "a route whose backends are not there", .degraded, "gateway gw: not ResolvedRefs: BackendNotFound",
            route(
                "{parentRef: {name: gw}, conditions: [\(accepted), {type: ResolvedRefs, status: \"False\", reason: BackendNotFound}]}"
            )),
        .init(
            "a route that was judged before it changed", .progressing, "gateway gw has seen generation 1 of 2",
            route(
                "{parentRef: {name: gw}, conditions: [{type: Accepted, status: \"False\", observedGeneration: 1}]}")),
        .init("a route that is taken up", .healthy, "", route("{parentRef: {name: gw}, conditions: [\(accepted)]}")),
        .init("a rollout that is out", .healthy, "", rollout("observedGeneration: \"2\", phase: Healthy")),
        .init(
            "a rollout that was not seen", .progressing, "generation 1 of 2",
            rollout("observedGeneration: \"1\", phase: Degraded")),
        .init(
            "a rollout whose workload was not seen", .progressing, "workload generation 4 of 5",
            rollout(
                "observedGeneration: \"2\", workloadObservedGeneration: \"4\", phase: Healthy",
                annotations: "{rollout.argoproj.io/workload-generation: \"5\"}")),
        .init("a rollout that goes on", .progressing, "", rollout("observedGeneration: \"2\", phase: Progressing")),
        .init(
            "a rollout that waits for somebody", .suspended, "CanaryPauseStep",
            rollout("observedGeneration: \"2\", phase: Paused, message: CanaryPauseStep")),
        .init(
            "a rollout that was aborted", .degraded, "RolloutAborted",
            rollout("observedGeneration: \"2\", phase: Degraded, message: RolloutAborted")),
        .init("a canary that failed", .degraded, "Failed", canary("Failed")),
        .init("a canary that succeeded", .healthy, "", canary("Succeeded")),
        .init("a canary that is set up", .healthy, "", canary("Initialized")),
        .init("a canary that goes on", .progressing, "Progressing", canary("Progressing")),
        .init("a canary that is promoted", .progressing, "Promoting", canary("Promoting")),
        .init("a canary that is tidied up", .progressing, "Finalising", canary("Finalising")),
        .init("a canary that waits for a word", .suspended, "WaitingPromotion", canary("WaitingPromotion")),
        .init("a canary that may not begin", .suspended, "Waiting", canary("Waiting")),
    ]

    @Test(arguments: custom) func kindsOfOthers(example: HealthExample) throws { try example.check() }

    // MARK: What is told of a set

    @Test func aCustomCheckStandsInForAllRules() throws {
        let check = CustomHealthCheck(
            type: GroupKind(group: "argoproj.io", kind: "Application"),
            cases: [
                .init(.degraded, when: try FieldExpression(parsing: "status.health.status == 'Degraded'")),
                .init(.healthy, when: try FieldExpression(parsing: "status.health.status == 'Healthy'")),
            ])
        let context = HealthContext(now: HealthExample.now, checks: [check])
        func value(_ status: JSONValue, generation: Int64 = 1) throws -> HealthValue {
            let object = try KubernetesObject(json: [
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                "metadata": ["name": "a", "generation": .integer(generation)], "status": status,
            ])
            return HealthAssessment(of: object, context: context).value
        }
        #expect(
            try value(["health": ["status": "Healthy"], "conditions": [["type": "Ready", "status": "False"]]])
                == .healthy)
        #expect(try value(["health": ["status": "Degraded"]]) == .degraded)
        #expect(try value(["observedGeneration": 1, "health": ["status": "Healthy"]], generation: 2) == .healthy)
        #expect(
            try value(["health": ["status": "Healthy"], "conditions": [["type": "Stalled", "status": "True"]]])
                == .healthy)
    }

    @Test func theWorstPodIsTheCulpritOfItsWorkload() throws {
        func pod(_ name: String, _ reason: String, restarts: Int64 = 0) throws -> KubernetesObject {
            try KubernetesObject(json: [
                "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name)],
                "status": [
                    "phase": "Pending",
                    "containerStatuses": [
                        [
                            "name": "app", "restartCount": .integer(restarts),
                            "state": ["waiting": ["reason": .string(reason)]],
                        ]
                    ],
                ],
            ])
        }
        let workload = try KubernetesObject(
            json: YAMLReader.document(
                in: """
                    apiVersion: apps/v1
                    kind: StatefulSet
                    metadata: {name: db, generation: 1}
                    spec: {replicas: 3}
                    status: {observedGeneration: 1, readyReplicas: 0}
                    """, file: "x"
            ).root.json)
        let pods = [
            try pod("db-0", "ContainerCreating"), try pod("db-1", "CrashLoopBackOff", restarts: 2),
            try pod("db-2", "CrashLoopBackOff", restarts: 9),
        ]
        let assessment = HealthAssessment(of: workload, pods: pods, context: HealthContext(now: HealthExample.now))
        #expect(assessment.value == .degraded)
        #expect(assessment.message == "0 of 3 replicas are ready; pod db-2 container app: CrashLoopBackOff")
    }
}
