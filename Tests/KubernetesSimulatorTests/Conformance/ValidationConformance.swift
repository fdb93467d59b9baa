internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// A manifest with one thing wrong, and what the server says of it.
struct Mistake: Sendable, CustomTestStringConvertible {
    let collection: String
    let manifest: String
    /// The field and the message of the cause expected, as `field: message`; a message may be cut short.
    let finding: String

    init(_ collection: String, _ manifest: String, _ finding: String) {
        self.collection = collection
        self.manifest = manifest
        self.finding = finding
    }

    var testDescription: String { finding }

    /// Posts the manifest and checks that the answer names the mistake, both as text and as a cause.
    func check(sourceLocation: SourceLocation = #_sourceLocation) throws {
        var cluster = TestCluster()
        let body = try YAMLReader.document(in: manifest).root.json
        let (status, answer) = cluster.send("POST", collection, body)
        #expect(status == 422, "\(answer["message"]?.stringValue ?? "accepted")", sourceLocation: sourceLocation)
        #expect(answer["reason"] == "Invalid", sourceLocation: sourceLocation)
        let causes = (answer.at("details", "causes")?.arrayValue ?? []).map {
            "\($0["field"]?.stringValue ?? ""): \($0["message"]?.stringValue ?? "")"
        }
        #expect(
            causes.contains { $0.hasPrefix(finding) }, "\(causes.joined(separator: "\n"))",
            sourceLocation: sourceLocation)
    }
}

@Suite("Conformance: what objects may not say")
struct ValidationConformance {
    static let core = "/api/v1/namespaces/default"
    static let apps = "/apis/apps/v1/namespaces/default"

    // MARK: Pods

    /// A pod with these fields of its specification.
    private static func pod(_ container: String, _ spec: String = "") -> String {
        "{metadata: {name: x}, spec: {containers: [{name: a, image: b\(container.isEmpty ? "" : ", " + container)}]\(spec.isEmpty ? "" : ", " + spec)}}"
    }

    static let podMistakes: [Mistake] = [
        (
            "{metadata: {name: X_Y}, spec: {containers: [{name: a, image: b}]}}",
            "metadata.name: Invalid value: \"X_Y\": a lowercase RFC 1123 subdomain must consist of"
        ),
        (
            "{metadata: {name: x, labels: {'a b': c}}, spec: {containers: [{name: a, image: b}]}}",
            "metadata.labels: Invalid value: \"a b\": name part must consist of alphanumeric characters"
        ),
        (
            "{metadata: {name: x, labels: {a: 'c d'}}, spec: {containers: [{name: a, image: b}]}}",
            "metadata.labels: Invalid value: \"c d\": a valid label must be an empty string or consist of"
        ),
        ("{metadata: {name: x}, spec: {}}", "spec.containers: Required value"),
        ("{metadata: {name: x}, spec: {containers: [{name: a}]}}", "spec.containers[0].image: Required value"),
        ("{metadata: {name: x}, spec: {containers: [{image: b}]}}", "spec.containers[0].name: Required value"),
        (
            "{metadata: {name: x}, spec: {containers: [{name: A_B, image: b}]}}",
            "spec.containers[0].name: Invalid value: \"A_B\": a lowercase RFC 1123 label must consist of"
        ),
        (
            "{metadata: {name: x}, spec: {containers: [{name: a, image: b}, {name: a, image: c}]}}",
            "spec.containers[1].name: Duplicate value: \"a\""
        ),
        (
            pod("ports: [{containerPort: 70000}]"),
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"
        ),
        (
            pod("ports: [{name: h, containerPort: 1}, {name: h, containerPort: 2}]"),
            "spec.containers[0].ports[1].name: Duplicate value: \"h\""
        ),
        (
            pod("ports: [{name: HTTP, containerPort: 1}]"),
            "spec.containers[0].ports[0].name: Invalid value: \"HTTP\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
        ),
        (
            pod("ports: [{name: a-very-long-port-name, containerPort: 1}]"),
            "spec.containers[0].ports[0].name: Invalid value: \"a-very-long-port-name\": must be no more than 15 bytes"
        ),
        (
            pod("ports: [{containerPort: 1, protocol: HTTP}]"),
            "spec.containers[0].ports[0].protocol: Unsupported value: \"HTTP\": supported values: \"SCTP\", \"TCP\", \"UDP\""
        ),
        (
            pod("imagePullPolicy: Sometimes"),
            "spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\""
        ),
        (pod("env: [{name: ''}]"), "spec.containers[0].env[0].name: Required value"),
        (pod("env: [{name: A=B}]"), "spec.containers[0].env[0].name: Invalid value: \"A=B\""),
        (
            pod("env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"),
            "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty"
        ),
        (
            pod("env: [{name: A, valueFrom: {}}]"),
            "spec.containers[0].env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`"
        ),
        (
            pod("env: [{name: A, valueFrom: {configMapKeyRef: {name: m}}}]"),
            "spec.containers[0].env[0].valueFrom.configMapKeyRef.key: Required value"
        ),
        (
            pod("env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.phase}}}]"),
            "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: \"status.phase\""
        ),
        (pod("volumeMounts: [{name: v, mountPath: /v}]"), "spec.containers[0].volumeMounts[0].name: Not found: \"v\""),
        (
            pod("volumeMounts: [{name: v}]", "volumes: [{name: v, emptyDir: {}}]"),
            "spec.containers[0].volumeMounts[0].mountPath: Required value"
        ),
        (
            pod(
                "volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /v}]",
                "volumes: [{name: v, emptyDir: {}}]"),
            "spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/v\": must be unique"
        ),
        (
            pod("", "volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]"),
            "spec.volumes[1].name: Duplicate value: \"v\""
        ),
        (
            pod("", "volumes: [{name: v, emptyDir: {}, hostPath: {path: /x}}]"),
            "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"
        ),
        (pod("", "volumes: [{name: v, secret: {}}]"), "spec.volumes[0].secret.secretName: Required value"),
        (pod("", "volumes: [{name: v, configMap: {}}]"), "spec.volumes[0].configMap.name: Required value"),
        (pod("livenessProbe: {}"), "spec.containers[0].livenessProbe: Required value: must specify a handler type"),
        (
            pod("livenessProbe: {httpGet: {port: 80}, tcpSocket: {port: 80}}"),
            "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"
        ),
        (
            pod("livenessProbe: {tcpSocket: {port: 80}, successThreshold: 2}"),
            "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"
        ),
        (
            pod("readinessProbe: {httpGet: {port: 0}}"),
            "spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive"
        ),
        (pod("readinessProbe: {exec: {}}"), "spec.containers[0].readinessProbe.exec.command: Required value"),
        (
            pod("resources: {requests: {cpu: 2}, limits: {cpu: 1}}"),
            "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"
        ),
        (
            pod("resources: {requests: {cpu: -1}}"),
            "spec.containers[0].resources.requests[cpu]: Invalid value: \"-1\": must be greater than or equal to 0"
        ),
        (
            pod("securityContext: {privileged: true, allowPrivilegeEscalation: false}"),
            "spec.containers[0].securityContext: Invalid value: {"
        ),
        (
            pod("", "restartPolicy: Sometimes"),
            "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"Never\", \"OnFailure\""
        ),
        (
            pod("", "dnsPolicy: Mine"),
            "spec.dnsPolicy: Unsupported value: \"Mine\": supported values: \"ClusterFirst\", \"ClusterFirstWithHostNet\", \"Default\", \"None\""
        ),
        (pod("", "serviceAccountName: Bad_One"), "spec.serviceAccountName: Invalid value: \"Bad_One\""),
        (
            pod("", "tolerations: [{key: a, operator: Exists, value: x}]"),
            "spec.tolerations[0].operator: Invalid value: "
        ),
        (
            pod("", "activeDeadlineSeconds: 0"),
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"
        ),
        (pod("", "initContainers: [{name: a, image: b}]"), "spec.initContainers[0].name: Duplicate value: \"a\""),
        (
            pod("", "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{}]}}"),
            "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty"
        ),
    ].map { Mistake("\(core)/pods", $0.0, $0.1) }

    @Test("pods", arguments: podMistakes)
    func pods(mistake: Mistake) throws { try mistake.check() }

    // MARK: Workloads

    private static func workload(_ spec: String, labels: String = "{a: b}") -> String {
        "{metadata: {name: x}, spec: {\(spec), template: {metadata: {labels: \(labels)}, spec: {containers: [{name: c, image: i}]}}}}"
    }

    private static let selected = "selector: {matchLabels: {a: b}}"

    static let workloadMistakes: [Mistake] = [
        ("deployments", workload("replicas: 1"), "spec.selector: Required value"),
        (
            "deployments", workload("selector: {}"),
            "spec.selector: Invalid value: {}: empty selector is invalid for deployment"
        ),
        (
            "deployments", workload(selected, labels: "{a: c}"),
            "spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not match template `labels`"
        ),
        (
            "deployments", workload("\(selected), replicas: -1"),
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0"
        ),
        (
            "deployments", workload("\(selected), strategy: {type: Blue}"),
            "spec.strategy: Unsupported value: {\"Type\":\"Blue\",\"RollingUpdate\":null}: supported values: \"Recreate\", \"RollingUpdate\""
        ),
        (
            "deployments",
            workload("\(selected), strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 0}}"),
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"
        ),
        (
            "deployments",
            workload("\(selected), strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 120%}}"),
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"120%\": must not be greater than 100%"
        ),
        (
            "deployments", workload("\(selected), strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}"),
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"
        ),
        (
            "deployments", workload("\(selected), minReadySeconds: 10, progressDeadlineSeconds: 5"),
            "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"
        ),
        (
            "deployments", workload("selector: {matchExpressions: [{key: a, operator: In}]}"),
            "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
        ),
        ("statefulsets", workload("serviceName: s"), "spec.selector: Required value"),
        ("statefulsets", workload("\(selected), podManagementPolicy: Wild"), "spec.podManagementPolicy: "),
        (
            "statefulsets", workload("\(selected), updateStrategy: {type: Odd}"),
            "spec.updateStrategy: Invalid value: {\"Type\":\"Odd\",\"RollingUpdate\":null}: must be 'RollingUpdate' or 'OnDelete'"
        ),
        (
            "daemonsets", workload("selector: {}"),
            "spec.selector: Invalid value: {}: empty selector is invalid for daemonset"
        ),
        (
            "daemonsets",
            workload("\(selected), updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0}}"),
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"
        ),
        ("replicasets", workload("replicas: 1"), "spec.selector: Required value"),
        (
            "deployments",
            "{metadata: {name: x}, spec: {\(selected), template: {metadata: {labels: {a: b}}, spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}",
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\""
        ),
    ].map { Mistake("\(apps)/\($0.0)", $0.1, $0.2) }

    static let jobMistakes: [Mistake] = [
        (
            "jobs", "{metadata: {name: x}, spec: {template: {spec: {containers: [{name: c, image: i}]}}}}",
            "spec.template.spec.restartPolicy: Unsupported value: \"Always\": supported values: \"OnFailure\", \"Never\""
        ),
        (
            "jobs",
            "{metadata: {name: x}, spec: {backoffLimit: -1, template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}",
            "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0"
        ),
        (
            "cronjobs",
            "{metadata: {name: x}, spec: {schedule: 'every day', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}}",
            "spec.schedule: Invalid value: \"every day\": expected exactly 5 fields, found 2: [every day]"
        ),
        (
            "cronjobs",
            "{metadata: {name: x}, spec: {schedule: '61 * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}}",
            "spec.schedule: Invalid value: \"61 * * * *\": end of range (61) above maximum (59): 61"
        ),
        (
            "cronjobs",
            "{metadata: {name: x}, spec: {schedule: '* * * * *', concurrencyPolicy: Maybe, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}}",
            "spec.concurrencyPolicy: Unsupported value: \"Maybe\": supported values: \"Allow\", \"Forbid\", \"Replace\""
        ),
    ].map { Mistake("/apis/batch/v1/namespaces/default/\($0.0)", $0.1, $0.2) }

    @Test("workloads and jobs", arguments: workloadMistakes + jobMistakes)
    func workloads(mistake: Mistake) throws { try mistake.check() }
}
