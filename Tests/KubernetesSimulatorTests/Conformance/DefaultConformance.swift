internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Conformance: what the server makes of zeros, and what it adds of its own")
struct DefaultConformance {
    private static let core = "/api/v1/namespaces/default"
    private static let apps = "/apis/apps/v1/namespaces/default"
    private static let rbac = "/apis/rbac.authorization.k8s.io/v1"
    private static let workload =
        "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}"

    /// A collection, an object and a fact of what becomes of it.
    static let made: [(String, String, String)] = [
        ("\(apps)/deployments", "spec: {strategy: {type: ''}, \(workload)}", "spec.strategy.type = \"RollingUpdate\""),
        (
            "\(apps)/statefulsets", "spec: {podManagementPolicy: '', \(workload)}",
            "spec.podManagementPolicy = \"OrderedReady\""
        ),
        (
            "\(apps)/statefulsets", "spec: {persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}, \(workload)}",
            "spec.persistentVolumeClaimRetentionPolicy = {\"whenDeleted\": \"Retain\", \"whenScaled\": \"Delete\"}"
        ),
        ("\(apps)/statefulsets", "spec: {serviceName: '', \(workload)}", "spec.serviceName !"),
        (
            "\(apps)/daemonsets", "spec: {updateStrategy: {type: ''}, \(workload)}",
            "spec.updateStrategy.type = \"RollingUpdate\""
        ),
        (
            "\(apps)/daemonsets", "spec: {\(workload)}",
            "metadata.annotations[\"deprecated.daemonset.template.generation\"] = \"1\""
        ),
        (
            "/apis/batch/v1/namespaces/default/cronjobs",
            "spec: {schedule: '* * * * *', concurrencyPolicy: '', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}",
            "spec.concurrencyPolicy = \"Allow\""
        ),
        (
            "/apis/batch/v1/namespaces/default/jobs",
            "spec: {template: {metadata: {labels: {l: v}}, spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}",
            "metadata.labels.l = \"v\""
        ),
        ("\(core)/services", "spec: {ports: [{port: 1}], type: ''}", "spec.type = \"ClusterIP\""),
        ("\(core)/services", "spec: {ports: [{port: 1, protocol: ''}]}", "spec.ports[0].protocol = \"TCP\""),
        ("\(core)/services", "spec: {ports: [{port: 1, targetPort: ''}]}", "spec.ports[0].targetPort = 1"),
        ("\(core)/services", "spec: {ports: [{port: 1, targetPort: 0}]}", "spec.ports[0].targetPort = 1"),
        ("\(core)/services", "spec: {ports: [{port: 1, nodePort: 0}]}", "spec.ports[0].nodePort !"),
        ("\(core)/services", "spec: {ports: [{port: 1}], sessionAffinity: ''}", "spec.sessionAffinity = \"None\""),
        (
            "\(core)/services", "spec: {ports: [{port: 1}], sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}}",
            "spec.sessionAffinityConfig !"
        ),
        (
            "\(core)/services", "spec: {ports: [{port: 1}], externalIPs: [1.2.3.4]}",
            "spec.externalTrafficPolicy = \"Cluster\""
        ),
        (
            "\(core)/services", "spec: {ports: [{port: 1}], type: LoadBalancer, externalTrafficPolicy: Local}",
            "spec.healthCheckNodePort ?"
        ),
        ("\(core)/secrets", "type: ''", "type = \"Opaque\""),
        (
            "\(core)/endpoints", "subsets: [{addresses: [{ip: 1.2.3.4}], ports: [{port: 1}]}]",
            "subsets[0].ports[0].protocol = \"TCP\""
        ),
        (
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", "addressType: IPv4\nports: [{port: 1}]",
            "ports[0] = {\"name\": \"\", \"port\": 1, \"protocol\": \"TCP\"}"
        ),
        (
            "/api/v1/persistentvolumes",
            "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a}, persistentVolumeReclaimPolicy: ''}",
            "spec.persistentVolumeReclaimPolicy = \"Retain\""
        ),
        (
            "/api/v1/persistentvolumes",
            "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a}}",
            "status.phase = \"Pending\""
        ),
        (
            "/api/v1/persistentvolumes",
            "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a}}",
            "metadata.finalizers = [\"kubernetes.io/pv-protection\"]"
        ),
        (
            "\(core)/persistentvolumeclaims",
            "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, dataSource: {kind: PersistentVolumeClaim, name: a}}",
            "spec.dataSourceRef.name = \"a\""
        ),
        (
            "\(core)/persistentvolumeclaims",
            "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, dataSource: {apiGroup: a.b, kind: Backup, name: a}}",
            "spec.dataSource !"
        ),
        (
            "\(core)/replicationcontrollers",
            "spec: {replicas: 0, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}",
            "status = {\"replicas\": 0}"
        ),
        ("/api/v1/namespaces", "spec: {finalizers: [a.b/c]}", "spec.finalizers = [\"a.b/c\", \"kubernetes\"]"),
        ("/api/v1/nodes", "status: {capacity: {cpu: 4}}", "status.allocatable.cpu = \"4\""),
        ("/api/v1/nodes", "status: {phase: Running}", "status.phase = \"Running\""),
        ("/apis/scheduling.k8s.io/v1/priorityclasses", "globalDefault: false", "globalDefault !"),
        ("/apis/scheduling.k8s.io/v1/priorityclasses", "globalDefault: false", "value = 0"),
        (
            "\(rbac)/clusterrolebindings", "roleRef: {apiGroup: '', kind: ClusterRole, name: a}",
            "roleRef.apiGroup = \"rbac.authorization.k8s.io\""
        ),
        (
            "\(rbac)/clusterrolebindings",
            "roleRef: {kind: ClusterRole, name: a}\nsubjects: [{kind: User, name: u, apiGroup: ''}]",
            "subjects[0].apiGroup = \"rbac.authorization.k8s.io\""
        ),
        (
            "\(rbac)/namespaces/default/rolebindings",
            "roleRef: {kind: Role, name: a}\nsubjects: [{kind: ServiceAccount, name: s}]", "subjects[0].namespace !"
        ),
    ]

    @Test("new objects", arguments: made)
    func create(collection: String, object: String, fact: String) {
        var talk = Conversation()
        talk.ask("POST \(collection)", "metadata: {name: x}\n\(object)", facts: ["201", fact])
    }

    /// A collection, an object whose fields cannot be read, and what the server says.
    static let unreadable: [(String, String, String)] = [
        (
            "secrets", "data: {a: Bad_Name!}",
            "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 3"
        ),
        ("secrets", "data: {a: QUI}", "illegal base64 data at input byte 0"),
        ("secrets", "data: {a: QUJD=}", "illegal base64 data at input byte 4"),
        ("configmaps", "binaryData: {a: '-1'}", "illegal base64 data at input byte 0"),
        (
            "leases", "spec: {renewTime: '2026-01-01T00:00:00Z'}",
            "parsing time \"2026-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"Z\" as \".000000\""
        ),
        (
            "leases", "spec: {acquireTime: ''}",
            "parsing time \"\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"\" as \"2006\""
        ),
    ]

    @Test("bytes and times that cannot be read", arguments: unreadable)
    func refuse(kind: String, object: String, message: String) {
        var talk = Conversation()
        let root = kind == "leases" ? "/apis/coordination.k8s.io/v1/namespaces/default" : Self.core
        talk.ask("POST \(root)/\(kind)", "metadata: {name: x}\n\(object)", facts: ["400", "message ~ \(message)"])
    }

    @Test("bytes and times that can be read are taken")
    func take() {
        var talk = Conversation()
        talk.tell("POST \(Self.core)/secrets", "{metadata: {name: x}, data: {a: QUI=, b: QQ==, c: QUJD, d: ''}}")
        talk.tell(
            "POST /apis/coordination.k8s.io/v1/namespaces/default/leases",
            "{metadata: {name: x}, spec: {renewTime: '2026-01-01T00:00:00.000000Z'}}")
    }

    @Test("a daemon set counts its templates, and a volume is let go when it is deleted")
    func lifecycles() {
        var talk = Conversation()
        let set = "\(Self.apps)/daemonsets/x"
        let count = "metadata.annotations[\"deprecated.daemonset.template.generation\"]"
        talk.tell("POST \(Self.apps)/daemonsets", "metadata: {name: x}\nspec: {\(Self.workload)}")
        talk.ask(
            "PATCH \(set)", "{spec: {minReadySeconds: 5}}", type: "application/merge-patch+json",
            facts: ["200", "\(count) = \"1\""])
        talk.ask(
            "PATCH \(set)", "{spec: {template: {metadata: {labels: {c: d}}}}}", type: "application/merge-patch+json",
            facts: ["200", "\(count) = \"2\""])
        talk.tell(
            "POST /api/v1/persistentvolumes",
            "metadata: {name: x}\nspec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a}}")
        talk.pass(1)
        talk.ask("GET /api/v1/persistentvolumes/x", facts: ["200", "status.phase = \"Available\""])
        talk.tell("DELETE /api/v1/persistentvolumes/x")
        talk.pass(1)
        talk.ask("GET /api/v1/persistentvolumes/x", facts: ["404"])
    }

    @Test("a job's own labels are not added to")
    func jobLabels() {
        var talk = Conversation()
        talk.ask(
            "POST /apis/batch/v1/namespaces/default/jobs",
            "{metadata: {name: x, labels: {l: v}}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}",
            facts: ["201", "metadata.labels = {\"l\": \"v\"}", "spec.template.metadata.labels.job-name = \"x\""])
    }
}
