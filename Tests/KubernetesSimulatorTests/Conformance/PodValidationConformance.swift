internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Conformance: where pods may run, what they mount, and what they may know")
struct PodValidationConformance {
    private static let podCollection = "/api/v1/namespaces/default/pods"
    private static let deployments = "/apis/apps/v1/namespaces/default/deployments"

    private static func pod(_ spec: String) -> String {
        "{metadata: {name: x}, spec: {containers: [{name: a, image: b}], \(spec)}}"
    }

    private static func container(_ fields: String) -> String {
        "{metadata: {name: x}, spec: {containers: [{name: a, image: b, \(fields)}]}}"
    }

    private static func volume(_ source: String) -> String { pod("volumes: [{name: v, \(source)}]") }

    private static func nodeTerm(_ term: String) -> String {
        pod(
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{\(term)}]}}}"
        )
    }

    private static let node =
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"

    static let placement: [(String, String)] = [
        (nodeTerm("matchExpressions: [{operator: Exists}]"), "\(node).matchExpressions[0].key: Invalid value: \"\""),
        (
            nodeTerm("matchExpressions: [{key: a, operator: Near}]"),
            "\(node).matchExpressions[0].operator: Invalid value: \"Near\": not a valid selector operator"
        ),
        (
            nodeTerm("matchExpressions: [{key: a, operator: In}]"),
            "\(node).matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
        ),
        (
            nodeTerm("matchExpressions: [{key: a, operator: Exists, values: [b]}]"),
            "\(node).matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        ),
        (
            nodeTerm("matchExpressions: [{key: a, operator: Gt, values: ['1', '2']}]"),
            "\(node).matchExpressions[0].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'"
        ),
        (
            nodeTerm("matchExpressions: [{key: a, operator: In, values: ['b c']}]"),
            "\(node).matchExpressions[0].values[0]: Invalid value: \"b c\": a valid label must be"
        ),
        (
            nodeTerm("matchFields: [{key: metadata.labels, operator: In, values: [node-1]}]"),
            "\(node).matchFields[0].key: Invalid value: \"metadata.labels\": not a valid field selector key"
        ),
        (
            nodeTerm("matchFields: [{key: metadata.name, operator: In, values: [node-1, node-2]}]"),
            "\(node).matchFields[0].values: Required value: must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        ),
        (
            pod(
                "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 0, preference: {}}]}}"
            ),
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100"
        ),
        (
            pod(
                "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: z, namespaces: [A]}]}}"
            ),
            "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].namespace: Invalid value: \"A\": a lowercase RFC 1123 label"
        ),
        (
            pod("tolerations: [{key: a, operator: Equal, value: 'b c'}]"),
            "spec.tolerations[0].operator: Invalid value: \"b c\": a valid label must be"
        ),
        (
            pod(
                "topologySpreadConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: DoNotSchedule}, {maxSkew: 2, topologyKey: z, whenUnsatisfiable: DoNotSchedule}]"
            ),
            "spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: {z, DoNotSchedule}"
        ),
        (
            pod("readinessGates: [{conditionType: 'a b'}]"),
            "spec.readinessGates[0].conditionType: Invalid value: \"a b\""
        ),
    ]

    static let snapshot: [(String, String)] = [
        (
            pod("dnsConfig: {nameservers: [dns.example]}"),
            "spec.dnsConfig.nameservers[0]: Invalid value: \"dns.example\": must be a valid IP address"
        ),
        (
            pod("dnsConfig: {searches: [A]}"),
            "spec.dnsConfig.searches[0]: Invalid value: \"A\": a lowercase RFC 1123 subdomain"
        ),
        (pod("dnsConfig: {options: [{value: '1'}]}"), "spec.dnsConfig.options[0]: Required value: must not be empty"),
        (
            pod("hostAliases: [{ip: host}]"),
            "spec.hostAliases[0].ip: Invalid value: \"host\": must be a valid IP address"
        ),
        (
            pod("hostAliases: [{ip: 1.2.3.4, hostnames: [A]}]"),
            "spec.hostAliases[0].hostnames[0]: Invalid value: \"A\": a lowercase RFC 1123 subdomain"
        ),
        (
            pod("securityContext: {supplementalGroups: [-1]}"),
            "spec.securityContext.supplementalGroups[0]: Invalid value: -1: must be between 0 and 2147483647, inclusive"
        ),
        (pod("securityContext: {sysctls: [{value: '1'}]}"), "spec.securityContext.sysctls[0].name: Required value"),
        (
            pod("securityContext: {sysctls: [{name: kernel.x, value: '1'}, {name: kernel.x, value: '2'}]}"),
            "spec.securityContext.sysctls[1].name: Duplicate value: \"kernel.x\""
        ),
        (
            pod("securityContext: {sysctls: [{name: Kernel, value: '1'}]}"),
            "spec.securityContext.sysctls[0].name: Invalid value: \"Kernel\": must have at most 253 characters"
        ),
        (
            container("securityContext: {runAsUser: -1}"),
            "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive"
        ),
    ]

    static let mounted: [(String, String)] = [
        (
            volume("configMap: {name: c, items: [{key: a, path: b, mode: 4096}]}"),
            "spec.volumes[0].configMap.items[0].mode: Invalid value: 4096: must be a number between 0 and 0777 (octal), both inclusive"
        ),
        (
            volume("secret: {secretName: s, items: [{key: a, path: ..b}]}"),
            "spec.volumes[0].secret.items[0].path: Invalid value: \"..b\": must not start with '..'"
        ),
        (
            volume("nfs: {server: s, path: x}"),
            "spec.volumes[0].nfs.path: Invalid value: \"x\": must be an absolute path"
        ),
        (volume("csi: {driver: 'a b'}"), "spec.volumes[0].csi.driver: Invalid value: \"a b\": a lowercase RFC 1123"),
        (
            volume("csi: {driver: d, nodePublishSecretRef: {}}"),
            "spec.volumes[0].csi.nodePublishSecretRef .name: Required value"
        ),
        (volume("downwardAPI: {items: [{fieldRef: {fieldPath: metadata.name}}]}"), "spec.volumes[0].downwardAPI.path:"),
        (
            volume("downwardAPI: {items: [{path: a}]}"),
            "spec.volumes[0].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required"
        ),
        (
            volume("downwardAPI: {items: [{path: a, fieldRef: {fieldPath: spec.nodeName}}]}"),
            "spec.volumes[0].downwardAPI.fieldRef.fieldPath: Unsupported value: \"spec.nodeName\": supported values: \"metadata.annotations\","
        ),
        (
            volume("downwardAPI: {items: [{path: a, resourceFieldRef: {resource: limits.cpu}}]}"),
            "spec.volumes[0].downwardAPI.resourceFieldRef.containerName: Required value"
        ),
        (
            volume("projected: {sources: [{secret: {}}]}"),
            "spec.volumes[0].projected.sources[0].secret.name: Required value"
        ),
        (
            volume("projected: {sources: [{serviceAccountToken: {path: t, expirationSeconds: 60}}]}"),
            "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes"
        ),
        (
            volume(
                "projected: {sources: [{secret: {name: s, items: [{key: a, path: p}]}}, {configMap: {name: c, items: [{key: a, path: p}]}}]}"
            ),
            "spec.volumes[0].projected: Invalid value: \"c\": conflicting duplicate paths"
        ),
        (
            "{metadata: {name: x}, spec: {containers: [{name: a, image: b, volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v, nfs: {path: /x}}]}}",
            "spec.containers[0].volumeMounts[0].name: Not found: \"v\""
        ),
    ]

    static let inside: [(String, String)] = [
        (
            container("env: [{name: A, valueFrom: {configMapKeyRef: {name: 'B C', key: k}}}]"),
            "spec.containers[0].env[0].valueFrom.configMapKeyRef.name: Invalid value: \"B C\": a lowercase RFC 1123"
        ),
        (
            container("env: [{name: A, valueFrom: {fieldRef: {apiVersion: v2, fieldPath: metadata.name}}}]"),
            "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"metadata.name\": error converting fieldPath: unsupported pod version: v2"
        ),
        (
            container("env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.fun}}}]"),
            "spec.containers[0].env[0].valueFrom.resourceFieldRef.resource: Unsupported value: \"limits.fun\": supported values: \"limits.cpu\","
        ),
        (
            container("env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: '2'}}}]"),
            "spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: \"limits.cpu\": only divisor's values 1m and 1 are supported with the cpu resource"
        ),
        (
            container("envFrom: [{prefix: A}]"),
            "spec.containers[0].envFrom: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`"
        ),
        (container("envFrom: [{secretRef: {}}]"), "spec.containers[0].envFrom[0].secretRef.name: Required value"),
        (
            container("livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: 'a b'}]}}"),
            "spec.containers[0].livenessProbe.httpGet.httpHeaders: Invalid value: \"a b\": a valid HTTP header must consist of"
        ),
        (
            container("volumeMounts: [{name: v, mountPath: /v, mountPropagation: Sideways}]"),
            "spec.containers[0].volumeMounts.mountPropagation: Unsupported value: \"Sideways\": supported values: \"Bidirectional\", \"HostToContainer\", \"None\""
        ),
        (
            "{metadata: {name: x, finalizers: [mine]}, spec: {containers: [{name: a, image: b}]}}",
            "metadata.finalizers[0]: Invalid value: \"mine\": name is neither a standard finalizer name nor is it fully qualified"
        ),
    ]

    private static let all = (placement + snapshot + mounted + inside).map {
        Mistake(podCollection, $0.0, $0.1)
    }

    @Test("pods", arguments: all)
    func pods(mistake: Mistake) throws { try mistake.check() }

    @Test("a workload whose selector is none is not held against its template")
    func selectors() throws {
        let mistake = Mistake(
            Self.deployments,
            "{metadata: {name: x}, spec: {selector: {matchLabels: {a: 'b c'}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}}",
            "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b c\"}}: invalid label selector")
        try mistake.check()
    }

    @Test("an empty text says nothing, a volume without a source is an empty directory")
    func emptiness() throws {
        var cluster = TestCluster()
        let body = try YAMLReader.document(
            in: """
                {metadata: {name: x}, spec: {restartPolicy: '', terminationGracePeriodSeconds: -1, imagePullSecrets: [{}],
                volumes: [{name: v}], containers: [{name: a, image: b, ports: [{containerPort: 1, protocol: ''}],
                livenessProbe: {httpGet: {port: 1, path: ''}, successThreshold: 0},
                resources: {limits: {cpu: '1'}}}]}}
                """
        ).root.json
        let (status, pod) = cluster.send("POST", Self.podCollection, body)
        #expect(status == 201, "\(pod["message"]?.stringValue ?? "")")
        #expect(pod.at("spec", "restartPolicy") == "Always")
        #expect(pod.at("spec", "volumes") == [["name": "v", "emptyDir": [:]]])
        let container = pod.at("spec", "containers")?.arrayValue?.first
        #expect(container?["ports"]?.arrayValue?.first?["protocol"] == "TCP")
        #expect(container?.at("livenessProbe", "httpGet", "path") == "/")
        #expect(container?.at("livenessProbe", "successThreshold") == 1)
        #expect(container?.at("resources", "requests", "cpu") == "1")

        // What a template allows its pods is not what it requests for them.
        let template = try YAMLReader.document(
            in:
                "{metadata: {name: x}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i, resources: {limits: {cpu: '1'}}}]}}}}"
        ).root.json
        let (_, deployment) = cluster.send("POST", Self.deployments, template)
        let limited = deployment.at("spec", "template", "spec", "containers")?.arrayValue?.first
        #expect(limited?["resources"] == ["limits": ["cpu": "1"]])
    }
}
