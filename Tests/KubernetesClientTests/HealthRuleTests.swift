internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// The rules of health, sentence by sentence: what comes before a kind's own rule, and the kinds that run pods.
@Suite struct HealthRuleTests {
    // MARK: Before the rule of a kind

    static let order: [HealthExample] = [
        .init(
            "deletion comes before everything", .progressing, "terminating, waits for x.io/y",
            """
            apiVersion: x.io/v1
            kind: Thing
            metadata: {name: a, generation: 2, deletionTimestamp: "2026-11-21T08:00:00Z", finalizers: [x.io/y]}
            status: {observedGeneration: 1, conditions: [{type: Stalled, status: "True"}]}
            """),
        .init(
            "a stale status is no evidence of a failure", .progressing, "generation 1 of 2",
            """
            apiVersion: x.io/v1
            kind: Thing
            metadata: {name: a, generation: 2}
            status: {observedGeneration: 1, conditions: [{type: Stalled, status: "True", reason: Broken}]}
            """),
        .init(
            "nor of health", .progressing, "generation 1 of 2",
            """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: a, generation: 2}
            status: {observedGeneration: 1, conditions: [{type: Established, status: "True"}]}
            """),
        .init(
            "a status of a later generation is as strange", .progressing, "generation 3 of 2",
            """
            apiVersion: x.io/v1
            kind: Thing
            metadata: {name: a, generation: 2}
            status: {observedGeneration: 3, conditions: [{type: Ready, status: "True"}]}
            """),
        .init(
            "a condition of an earlier generation is evidence of nothing", .progressing, "generation 1 of 2",
            """
            apiVersion: x.io/v1
            kind: Thing
            metadata: {name: a, generation: 2}
            status: {conditions: [{type: Ready, status: "True", observedGeneration: 1}]}
            """),
        .init(
            "nor of failure", .healthy, "",
            """
            apiVersion: x.io/v1
            kind: Thing
            metadata: {name: a, generation: 2}
            status:
              conditions:
              - {type: Ready, status: "True", observedGeneration: 2}
              - {type: Stalled, status: "True", observedGeneration: 1}
              - {type: Reconciling, status: "True", observedGeneration: 1}
            """),
        .init(
            "a Job on its way out has come to what it came to", .failed, "BackoffLimitExceeded",
            """
            apiVersion: batch/v1
            kind: Job
            metadata: {name: a, deletionTimestamp: "2026-11-21T08:59:45Z", finalizers: [foregroundDeletion]}
            status: {conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded}]}
            """),
        .init(
            "stalled comes before reconciling and the kind", .failed, "NoImage: there is none",
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a, generation: 1}
            spec: {paused: true}
            status:
              observedGeneration: 1
              conditions:
              - {type: Reconciling, status: "True"}
              - {type: Stalled, status: "True", reason: NoImage, message: there is none}
            """),
        .init(
            "reconciling comes before the kind", .progressing, "Rolling: half way",
            """
            apiVersion: v1
            kind: Service
            metadata: {name: a}
            spec: {type: ClusterIP}
            status: {conditions: [{type: Reconciling, status: "True", reason: Rolling, message: half way}]}
            """),
        .init(
            "conditions that are false say nothing", .healthy, "",
            """
            apiVersion: x.io/v1
            kind: Thing
            metadata: {name: a}
            status:
              conditions:
              - {type: Reconciling, status: "False"}
              - {type: Stalled, status: "False"}
              - {type: Ready, status: "True"}
            """),
        .init(
            "ready that is false", .progressing, "Waiting: for a disk",
            """
            apiVersion: x.io/v1
            kind: Thing
            metadata: {name: a}
            status: {conditions: [{type: Ready, status: "False", reason: Waiting, message: for a disk}]}
            """),
        .init(
            "ready that nobody knows", .progressing, "Ready=Unknown",
            """
            apiVersion: x.io/v1
            kind: Thing
            metadata: {name: a}
            status: {conditions: [{type: Ready, status: Unknown}]}
            """),
        .init(
            "a custom resource without a status is unknown", .unknown, "no status",
            """
            apiVersion: x.io/v1
            kind: Thing
            metadata: {name: a, creationTimestamp: "2026-11-21T08:59:45Z"}
            spec: {size: 1}
            """),
        .init(
            "and stays so, however long it lasts", .unknown, "no status",
            """
            apiVersion: x.io/v1
            kind: Thing
            metadata: {name: a, creationTimestamp: "2026-11-20T08:59:00Z"}
            spec: {size: 1}
            """),
        .init(
            "a condition without the others is no word against it", .healthy, "",
            """
            apiVersion: x.io/v1
            kind: Thing
            metadata: {name: a}
            spec: {size: 1}
            status: {phase: Up}
            """),
        .init(
            "a built-in kind without a status is as it should be at once", .healthy, "",
            """
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: a, creationTimestamp: "2026-11-21T08:59:59Z"}
            spec: {podSelector: {}}
            """),
    ]

    @Test(arguments: order) func followsTheOrderOfEvaluation(example: HealthExample) throws { try example.check() }

    // MARK: Deployments and ReplicaSets

    private static func deployment(_ spec: String, _ status: String) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, generation: 1}
        spec: {\(spec)}
        status: {observedGeneration: 1, \(status)}
        """
    }

    private static let available = "{type: Available, status: \"True\"}"
    private static let rolled = "{type: Progressing, status: \"True\", reason: NewReplicaSetAvailable}"

    static let deployments: [HealthExample] = [
        .init(
            "paused is suspended whatever the counts", .suspended, "paused",
            deployment("paused: true, replicas: 3", "replicas: 0")),
        .init(
            "past its deadline is failed", .failed, "ProgressDeadlineExceeded: it took long",
            deployment(
                "replicas: 2",
                "conditions: [{type: Progressing, status: \"False\", reason: ProgressDeadlineExceeded, message: it took long}]"
            )),
        .init(
            "none wanted and none there", .healthy, "",
            deployment("replicas: 0, progressDeadlineSeconds: 600", "conditions: [\(available), \(rolled)]")),
        .init(
            "without a number one is wanted", .progressing, "0 of 1 replicas are there", deployment("", "replicas: 0")),
        .init(
            "fewer ready than wanted", .progressing, "1 of 2 replicas are ready",
            deployment(
                "replicas: 2", "replicas: 2, updatedReplicas: 2, availableReplicas: 2, readyReplicas: 1")),
        .init(
            "available is not said", .progressing, "not available yet",
            deployment(
                "replicas: 1",
                "replicas: 1, updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1, conditions: [\(rolled)]")),
        .init(
            "where a deadline is set the new replica set must be there", .progressing, "FoundNewReplicaSet",
            deployment(
                "replicas: 1, progressDeadlineSeconds: 600",
                "replicas: 1, updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1, conditions: [\(available), {type: Progressing, status: \"True\", reason: FoundNewReplicaSet}]"
            )),
        .init(
            "the largest deadline is none, and nothing is said of progress", .healthy, "",
            deployment(
                "replicas: 1, progressDeadlineSeconds: 2147483647",
                "replicas: 1, updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1, conditions: [\(available)]")),
        .init(
            "pods that are refused are told though there is no pod to tell of it", .progressing,
            "0 of 1 replicas are there; FailedCreate: pods \"web-\" is forbidden: violates PodSecurity",
            deployment(
                "replicas: 1",
                "conditions: [{type: ReplicaFailure, status: \"True\", reason: FailedCreate, message: 'pods \"web-\" is forbidden: violates PodSecurity'}]"
            )),
        .init(
            "a replica set that cannot create pods is degraded", .degraded, "FailedCreate: quota",
            """
            apiVersion: apps/v1
            kind: ReplicaSet
            metadata: {name: web, generation: 1}
            spec: {replicas: 1}
            status:
              observedGeneration: 1
              conditions: [{type: ReplicaFailure, status: "True", reason: FailedCreate, message: quota}]
            """),
        .init(
            "a replica set whose pods are not labelled", .progressing, "1 of 2 replicas are labelled",
            """
            apiVersion: apps/v1
            kind: ReplicaSet
            metadata: {name: web, generation: 1}
            spec: {replicas: 2}
            status: {observedGeneration: 1, fullyLabeledReplicas: 1, availableReplicas: 2, readyReplicas: 2}
            """),
        .init(
            "a replica set whose pods are not available", .progressing, "1 of 2 replicas are available",
            """
            apiVersion: apps/v1
            kind: ReplicaSet
            metadata: {name: web, generation: 1}
            spec: {replicas: 2}
            status: {observedGeneration: 1, fullyLabeledReplicas: 2, availableReplicas: 1, readyReplicas: 2}
            """),
        .init(
            "a replica set that is there", .healthy, "",
            """
            apiVersion: apps/v1
            kind: ReplicaSet
            metadata: {name: web, generation: 1}
            spec: {replicas: 2}
            status: {observedGeneration: 1, fullyLabeledReplicas: 2, availableReplicas: 2, readyReplicas: 2}
            """),
    ]

    @Test(arguments: deployments) func deploymentsAndReplicaSets(example: HealthExample) throws { try example.check() }

    // MARK: StatefulSets and DaemonSets

    private static func set(_ kind: String, _ spec: String, _ status: String) -> String {
        """
        apiVersion: apps/v1
        kind: \(kind)
        metadata: {name: db, generation: 1}
        spec: {\(spec)}
        status: {\(status)}
        """
    }

    static let sets: [HealthExample] = [
        .init(
            "an observed generation of 0 is stale", .progressing, "",
            set("StatefulSet", "replicas: 1", "observedGeneration: 0, readyReplicas: 1")),
        .init(
            "none at all is no better", .progressing, "not yet seen by its controller",
            set("StatefulSet", "replicas: 1", "readyReplicas: 1")),
        .init(
            "OnDelete is healthy once ready are as many as wanted", .healthy, "",
            set(
                "StatefulSet", "replicas: 2, updateStrategy: {type: OnDelete}",
                "observedGeneration: 1, readyReplicas: 2, currentRevision: a, updateRevision: b")),
        .init(
            "OnDelete with fewer ready", .progressing, "1 of 2 replicas are ready",
            set(
                "StatefulSet", "replicas: 2, updateStrategy: {type: OnDelete}",
                "observedGeneration: 1, readyReplicas: 1")),
        .init(
            "OnDelete with more ready", .progressing, "3 replicas are ready, 2 are wanted",
            set(
                "StatefulSet", "replicas: 2, updateStrategy: {type: OnDelete}",
                "observedGeneration: 1, readyReplicas: 3")),
        .init(
            "a partition is reached", .healthy, "2 of 5 replicas are updated, as the partition asks",
            set(
                "StatefulSet", "replicas: 5, updateStrategy: {rollingUpdate: {partition: 3}}",
                "observedGeneration: 1, readyReplicas: 5, updatedReplicas: 2, currentRevision: a, updateRevision: b")),
        .init(
            "a partition is not reached", .progressing, "1 of 2 replicas of the partition are updated",
            set(
                "StatefulSet", "replicas: 5, updateStrategy: {rollingUpdate: {partition: 3}}",
                "observedGeneration: 1, readyReplicas: 5, updatedReplicas: 1, currentRevision: a, updateRevision: b")),
        .init(
            "a partition beyond the replicas updates none", .healthy,
            "0 of 1 replicas are updated, as the partition asks",
            set(
                "StatefulSet", "replicas: 1, updateStrategy: {rollingUpdate: {partition: 3}}",
                "observedGeneration: 1, readyReplicas: 1, updatedReplicas: 0, currentRevision: a, updateRevision: b")
        ),
        .init(
            "revisions differ", .progressing, "1 of 2 replicas are updated",
            set(
                "StatefulSet", "replicas: 2, updateStrategy: {rollingUpdate: {partition: 0}}",
                "observedGeneration: 1, readyReplicas: 2, updatedReplicas: 1, currentRevision: a, updateRevision: b")),
        .init(
            "revisions are one", .healthy, "",
            set(
                "StatefulSet", "replicas: 2",
                "observedGeneration: 1, readyReplicas: 2, updatedReplicas: 2, currentRevision: b, updateRevision: b")),
        .init(
            "more ready than wanted", .progressing, "3 replicas are ready, 2 are wanted",
            set(
                "StatefulSet", "replicas: 2",
                "observedGeneration: 1, readyReplicas: 3, currentRevision: b, updateRevision: b")),
        .init(
            "a daemon set that was not seen", .progressing, "not yet seen by its controller",
            set("DaemonSet", "updateStrategy: {type: OnDelete}", "desiredNumberScheduled: 0")),
        .init(
            "a daemon set with OnDelete", .healthy, "",
            set(
                "DaemonSet", "updateStrategy: {type: OnDelete}",
                "observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 0")),
        .init(
            "a daemon set that is not updated everywhere", .progressing, "2 of 3 pods are updated",
            set(
                "DaemonSet", "",
                "observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 2, numberReady: 3, numberAvailable: 3"
            )),
        .init(
            "a daemon set that is not ready everywhere", .progressing, "2 of 3 pods are ready",
            set(
                "DaemonSet", "",
                "observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberReady: 2, numberAvailable: 2"
            )),
        .init(
            "a daemon set that is not available everywhere", .progressing, "2 of 3 pods are available",
            set(
                "DaemonSet", "",
                "observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberReady: 3, numberAvailable: 2"
            )),
        .init(
            "a daemon set of which no node wants one", .healthy, "",
            set("DaemonSet", "", "observedGeneration: 1, desiredNumberScheduled: 0")),
    ]

    @Test(arguments: sets) func statefulSetsAndDaemonSets(example: HealthExample) throws { try example.check() }
}
