internal import KubernetesClient
internal import KubernetesObjects
internal import Testing

/// The moment at which the tests judge.
private let now = KubernetesTime(parsing: "2026-11-21T09:00:00Z") ?? KubernetesTime(seconds: 0)

private func assess(
    _ json: JSONValue, pods: [JSONValue] = [], context: HealthContext = HealthContext(now: now)
) throws -> HealthAssessment {
    HealthAssessment(
        of: try KubernetesObject(json: json), pods: try pods.map { try KubernetesObject(json: $0) }, context: context)
}

private func object(
    _ apiVersion: String, _ kind: String, generation: Int64? = nil, spec: JSONValue = [:], status: JSONValue = [:],
    metadata: JSONValue = [:]
) -> JSONValue {
    var meta: JSONValue = metadata
    meta["name"] = "web"
    meta["generation"] = generation.map { .integer($0) }
    return ["apiVersion": .string(apiVersion), "kind": .string(kind), "metadata": meta, "spec": spec, "status": status]
}

private func condition(_ type: String, _ status: String, _ reason: String = "", _ message: String = "") -> JSONValue {
    ["type": .string(type), "status": .string(status), "reason": .string(reason), "message": .string(message)]
}

private func deployment(
    replicas: Int64 = 3, updated: Int64 = 3, ready: Int64 = 3, available: Int64 = 3, observed: Int64 = 2,
    conditions: [JSONValue] = [
        condition("Available", "True"), condition("Progressing", "True", "NewReplicaSetAvailable"),
    ]
) -> JSONValue {
    object(
        "apps/v1", "Deployment", generation: 2, spec: ["replicas": 3, "progressDeadlineSeconds": 600],
        status: [
            "observedGeneration": .integer(observed), "replicas": .integer(replicas),
            "updatedReplicas": .integer(updated),
            "readyReplicas": .integer(ready), "availableReplicas": .integer(available),
            "conditions": .array(conditions),
        ])
}

private func pod(_ name: String, status: JSONValue, metadata: JSONValue = [:]) -> JSONValue {
    var meta: JSONValue = metadata
    meta["name"] = .string(name)
    return ["apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": status]
}

@Suite struct DeploymentHealthTests {
    struct Example: Sendable {
        var value: HealthValue
        var message: String
        var json: JSONValue
    }

    static let examples: [Example] = [
        Example(value: .healthy, message: "", json: deployment()),
        Example(value: .progressing, message: "generation 1 of 2", json: deployment(observed: 1)),
        Example(value: .progressing, message: "2 of 3 replicas are there", json: deployment(replicas: 2, updated: 2)),
        Example(value: .progressing, message: "1 of 3 replicas are updated", json: deployment(updated: 1)),
        Example(value: .progressing, message: "1 old replicas are pending termination", json: deployment(replicas: 4)),
        Example(value: .progressing, message: "2 of 3 updated replicas are available", json: deployment(available: 2)),
        Example(value: .progressing, message: "2 of 3 replicas are ready", json: deployment(ready: 2)),
        Example(
            value: .failed, message: "ProgressDeadlineExceeded: timed out",
            json: deployment(
                updated: 1, conditions: [condition("Progressing", "False", "ProgressDeadlineExceeded", "timed out")])),
        Example(
            value: .progressing, message: "MinimumReplicasUnavailable",
            json: deployment(conditions: [
                condition("Available", "False", "MinimumReplicasUnavailable"),
                condition("Progressing", "True", "NewReplicaSetAvailable"),
            ])),
        Example(
            value: .progressing, message: "ReplicaSetUpdated",
            json: deployment(conditions: [
                condition("Available", "True"), condition("Progressing", "True", "ReplicaSetUpdated"),
            ])),
        Example(
            value: .suspended, message: "paused",
            json: object(
                "apps/v1", "Deployment", generation: 1, spec: ["paused": true], status: ["observedGeneration": 1])),
        Example(
            value: .progressing, message: "not yet seen",
            json: object("apps/v1", "Deployment", generation: 1, spec: ["replicas": 1])),
        Example(
            value: .progressing, message: "terminating, waits for foregroundDeletion",
            json: object(
                "apps/v1", "Deployment", generation: 1,
                metadata: ["deletionTimestamp": "2026-11-21T08:00:00Z", "finalizers": ["foregroundDeletion"]])),
    ]

    @Test(arguments: examples) func readsDeployments(example: Example) throws {
        let assessment = try assess(example.json)
        #expect(assessment.value == example.value)
        #expect(assessment.message.contains(example.message), "\(assessment.message)")
    }
}

@Suite struct KindHealthTests {
    struct Example: Sendable {
        var value: HealthValue
        var json: JSONValue
    }

    private static func statefulSet(_ status: JSONValue, strategy: JSONValue = [:]) -> JSONValue {
        var full = status
        full["observedGeneration"] = full["observedGeneration"] ?? 1
        return object(
            "apps/v1", "StatefulSet", generation: 1, spec: ["replicas": 3, "updateStrategy": strategy], status: full)
    }

    static let workloads: [Example] = [
        Example(
            value: .healthy,
            json: statefulSet(["readyReplicas": 3, "updatedReplicas": 3, "currentRevision": "a", "updateRevision": "a"])
        ),
        Example(
            value: .progressing, json: statefulSet(["readyReplicas": 3, "currentRevision": "a", "updateRevision": "b"])),
        Example(
            value: .progressing, json: statefulSet(["readyReplicas": 2, "currentRevision": "a", "updateRevision": "a"])),
        Example(value: .progressing, json: statefulSet(["readyReplicas": 3, "observedGeneration": 0])),
        Example(
            value: .healthy,
            json: statefulSet(
                ["readyReplicas": 3, "currentRevision": "a", "updateRevision": "b"], strategy: ["type": "OnDelete"])),
        Example(
            value: .healthy,
            json: statefulSet(
                ["readyReplicas": 3, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"],
                strategy: ["rollingUpdate": ["partition": 2]])),
        Example(
            value: .progressing,
            json: statefulSet(
                ["readyReplicas": 3, "updatedReplicas": 0], strategy: ["rollingUpdate": ["partition": 2]])),
        Example(
            value: .healthy,
            json: object(
                "apps/v1", "DaemonSet", generation: 1,
                status: [
                    "observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberReady": 2,
                    "numberAvailable": 2,
                ])),
        Example(
            value: .progressing,
            json: object(
                "apps/v1", "DaemonSet", generation: 1,
                status: [
                    "observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberReady": 2,
                ])),
        Example(value: .progressing, json: object("apps/v1", "DaemonSet", generation: 1)),
        Example(
            value: .degraded,
            json: object(
                "apps/v1", "ReplicaSet", generation: 1,
                status: ["observedGeneration": 1, "conditions": [condition("ReplicaFailure", "True", "FailedCreate")]])),
        Example(value: .failed, json: object("batch/v1", "Job", status: ["conditions": [condition("Failed", "True")]])),
        Example(
            value: .progressing,
            json: object("batch/v1", "Job", status: ["active": 1, "conditions": [condition("Failed", "False")]])),
        Example(
            value: .healthy, json: object("batch/v1", "Job", status: ["conditions": [condition("Complete", "True")]])),
        Example(value: .suspended, json: object("batch/v1", "Job", spec: ["suspend": true])),
        Example(value: .healthy, json: object("batch/v1", "CronJob", spec: ["suspend": true])),
    ]

    static let others: [Example] = [
        Example(value: .healthy, json: object("v1", "PersistentVolumeClaim", status: ["phase": "Bound"])),
        Example(value: .failed, json: object("v1", "PersistentVolumeClaim", status: ["phase": "Lost"])),
        Example(value: .progressing, json: object("v1", "PersistentVolumeClaim", status: ["phase": "Pending"])),
        Example(value: .healthy, json: object("v1", "Service", spec: ["type": "ClusterIP"])),
        Example(value: .progressing, json: object("v1", "Service", spec: ["type": "LoadBalancer"])),
        Example(
            value: .healthy,
            json: object(
                "v1", "Service", spec: ["type": "LoadBalancer"],
                status: ["loadBalancer": ["ingress": [["ip": "192.0.2.1"]]]])),
        Example(value: .healthy, json: object("networking.k8s.io/v1", "Ingress")),
        Example(
            value: .degraded,
            json: object(
                "autoscaling/v2", "HorizontalPodAutoscaler",
                status: ["conditions": [condition("ScalingActive", "False", "FailedGetResourceMetric")]])),
        Example(
            value: .healthy,
            json: object(
                "autoscaling/v2", "HorizontalPodAutoscaler",
                status: ["conditions": [condition("ScalingActive", "False", "ScalingDisabled")]])),
        Example(
            value: .healthy,
            json: object(
                "policy/v1", "PodDisruptionBudget",
                status: ["conditions": [condition("DisruptionAllowed", "False", "InsufficientPods")]])),
        Example(
            value: .degraded,
            json: object(
                "policy/v1", "PodDisruptionBudget",
                status: ["conditions": [condition("DisruptionAllowed", "False", "SyncFailed")]])),
        Example(
            value: .failed,
            json: object(
                "apiextensions.k8s.io/v1", "CustomResourceDefinition",
                status: ["conditions": [condition("Established", "True"), condition("NamesAccepted", "False")]])),
        Example(value: .progressing, json: object("apiextensions.k8s.io/v1", "CustomResourceDefinition")),
        Example(value: .healthy, json: object("v1", "Namespace", status: ["phase": "Active"])),
        Example(value: .progressing, json: object("v1", "Namespace", status: ["phase": "Terminating"])),
        Example(
            value: .progressing,
            json: object(
                "apiregistration.k8s.io/v1", "APIService", status: ["conditions": [condition("Available", "False")]])),
        Example(
            value: .degraded,
            json: object(
                "gateway.networking.k8s.io/v1", "HTTPRoute", generation: 1, spec: ["parentRefs": [["name": "gw"]]],
                status: [
                    "parents": [["parentRef": ["name": "gw"], "conditions": [condition("ResolvedRefs", "False")]]]
                ])),
        Example(
            value: .suspended,
            json: object(
                "argoproj.io/v1alpha1", "Rollout", generation: 2,
                status: ["observedGeneration": "2", "phase": "Paused"])),
        Example(
            value: .progressing,
            json: object(
                "argoproj.io/v1alpha1", "Rollout", generation: 2,
                status: ["observedGeneration": "1", "phase": "Healthy"])),
        Example(value: .degraded, json: object("flagger.app/v1beta1", "Canary", status: ["phase": "Failed"])),
        Example(value: .progressing, json: object("argoproj.io/v1alpha1", "Workflow", status: ["phase": "Running"])),
        Example(value: .healthy, json: object("argoproj.io/v1alpha1", "Workflow", status: ["phase": "Succeeded"])),
        Example(value: .failed, json: object("argoproj.io/v1alpha1", "Workflow", status: ["phase": "Error"])),
        Example(
            value: .suspended, json: object("flagger.app/v1beta1", "Canary", status: ["phase": "WaitingPromotion"])),
        Example(
            value: .failed,
            json: object(
                "example.com/v1", "Widget",
                status: ["conditions": [condition("Stalled", "True"), condition("Ready", "True")]])),
        Example(
            value: .progressing,
            json: object("example.com/v1", "Widget", status: ["conditions": [condition("Ready", "Unknown")]])),
        Example(
            value: .unknown,
            json: object("example.com/v1", "Widget", metadata: ["creationTimestamp": "2026-11-21T08:59:50Z"])),
        Example(
            value: .unknown,
            json: object("example.com/v1", "Widget", metadata: ["creationTimestamp": "2026-11-21T08:00:00Z"])),
        Example(value: .healthy, json: object("v1", "ConfigMap")),
    ]

    @Test(arguments: workloads) func readsWorkloads(example: Example) throws {
        #expect(try assess(example.json).value == example.value)
    }

    @Test(arguments: others) func readsOtherKinds(example: Example) throws {
        #expect(try assess(example.json).value == example.value)
    }

    @Test func takesLateBindingAndAddressesAsTold() throws {
        let claim = object(
            "v1", "PersistentVolumeClaim", spec: ["storageClassName": "local"], status: ["phase": "Pending"])
        #expect(try assess(claim, context: HealthContext(now: now, lateBindingClasses: ["local"])).value == .healthy)
        let ingress = object("networking.k8s.io/v1", "Ingress")
        #expect(try assess(ingress, context: HealthContext(now: now, ingressNeedsAddress: true)).value == .progressing)
    }
}

@Suite struct PodHealthTests {
    private static let imagePull: JSONValue = [
        "phase": "Pending",
        "containerStatuses": [
            ["name": "app", "state": ["waiting": ["reason": "ImagePullBackOff", "message": "Back-off pulling image"]]]
        ],
    ]

    @Test func namesTheCulpritOfAWorkload() throws {
        let running: JSONValue = ["phase": "Running", "conditions": [condition("Ready", "True")]]
        let assessment = try assess(
            deployment(updated: 1),
            pods: [pod("web-a", status: running), pod("web-7d4b", status: PodHealthTests.imagePull)])
        #expect(assessment.value == .degraded)
        #expect(
            assessment.message
                == "1 of 3 replicas are updated; pod web-7d4b container app: ImagePullBackOff: Back-off pulling image")
    }

    @Test func namesAPodThatTakesLongToBecomeReady() throws {
        func starting(since: String) -> JSONValue {
            [
                "phase": "Running",
                "conditions": [["type": "Ready", "status": "False", "lastTransitionTime": .string(since)]],
                "containerStatuses": [["name": "app", "ready": false, "state": ["running": [:]]]],
            ]
        }
        let early = try assess(
            deployment(updated: 1), pods: [pod("web-a", status: starting(since: "2026-11-21T08:59:55Z"))])
        #expect(early == HealthAssessment(.progressing, "1 of 3 replicas are updated"))
        let late = try assess(
            deployment(updated: 1), pods: [pod("web-a", status: starting(since: "2026-11-21T08:59:45Z"))])
        #expect(
            late
                == HealthAssessment(
                    .progressing, "1 of 3 replicas are updated; pod web-a container app: running, not ready"))
    }

    @Test func looksAtInitContainersAndExitCodes() throws {
        let status: JSONValue = [
            "phase": "Pending",
            "initContainerStatuses": [
                [
                    "name": "migrate", "restartCount": 4, "state": ["waiting": ["reason": "CrashLoopBackOff"]],
                    "lastState": ["terminated": ["exitCode": 1, "reason": "Error"]],
                ]
            ],
        ]
        let assessment = try assess(pod("a", status: status))
        #expect(assessment.value == .degraded)
        #expect(assessment.message == "init container migrate: CrashLoopBackOff (last Error, exit code 1)")
    }

    @Test func namesAPodBetweenTwoCrashes() throws {
        let status: JSONValue = [
            "phase": "Running", "conditions": [condition("Ready", "True")],
            "containerStatuses": [
                [
                    "name": "app", "ready": true, "restartCount": 3, "state": ["running": [:]],
                    "lastState": [
                        "terminated": ["exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-21T08:59:00Z"]
                    ],
                ]
            ],
        ]
        let assessment = try assess(deployment(available: 2), pods: [pod("web-x", status: status)])
        #expect(assessment.value == .degraded)
        #expect(
            assessment.message.hasSuffix("pod web-x container app: restarted 3 times, last OOMKilled, exit code 137"))
    }

    @Test func givesTheSchedulerAMoment() throws {
        func unschedulable(since: String) -> JSONValue {
            [
                "phase": "Pending",
                "conditions": [
                    [
                        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node fits",
                        "lastTransitionTime": .string(since),
                    ]
                ],
            ]
        }
        #expect(try assess(pod("a", status: unschedulable(since: "2026-11-21T08:59:50Z"))).value == .progressing)
        let late = try assess(pod("a", status: unschedulable(since: "2026-11-21T08:59:30Z")))
        #expect(late == HealthAssessment(.degraded, "Unschedulable: no node fits"))
    }

    @Test func readsPhases() throws {
        #expect(try assess(pod("a", status: ["phase": "Succeeded"])).value == .healthy)
        let evicted = try assess(pod("a", status: ["phase": "Failed", "reason": "Evicted", "message": "disk"]))
        #expect(evicted == HealthAssessment(.failed, "Evicted: disk"))
        #expect(try assess(pod("a", status: ["phase": "Pending"])).value == .progressing)
    }

    @Test func podsDoNotMakeAHealthyWorkloadWorse() throws {
        #expect(try assess(deployment(), pods: [pod("old", status: PodHealthTests.imagePull)]).value == .healthy)
    }
}

@Suite struct CustomCheckTests {
    @Test func judgesAKindAsItsUserSays() throws {
        let check = CustomHealthCheck(
            type: GroupKind(group: "example.com", kind: "Widget"),
            cases: [
                .init(
                    .failed, when: try FieldExpression(parsing: "status.phase == 'Broken'"),
                    messagePath: ["status", "why"]),
                .init(.healthy, when: try FieldExpression(parsing: "status.phase == 'Up'")),
            ])
        let context = HealthContext(now: now, checks: [check])
        func widget(_ status: JSONValue) -> JSONValue { object("example.com/v1", "Widget", status: status) }
        #expect(try assess(widget(["phase": "Up"]), context: context) == HealthAssessment(.healthy))
        #expect(
            try assess(widget(["phase": "Broken", "why": "no fuel"]), context: context)
                == HealthAssessment(.failed, "no fuel"))
        #expect(
            try assess(widget(["phase": "Off"]), context: context)
                == HealthAssessment(.progressing, "waits for status.phase == 'Up'"))
        #expect(
            try assess(widget([:]), context: context)
                == HealthAssessment(.progressing, "waits for status.phase == 'Up'; status.phase is not there yet"))
    }
}
