internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Conformance: what services, configuration, storage and policy may not say")
struct ObjectValidationConformance {
    private static let core = "/api/v1/namespaces/default"
    private static let networking = "/apis/networking.k8s.io/v1/namespaces/default"
    private static let rbac = "/apis/rbac.authorization.k8s.io/v1"

    private static func service(_ spec: String) -> (String, String) {
        ("\(core)/services", "{metadata: {name: x}, spec: {\(spec)}}")
    }

    private static func ingress(_ path: String) -> (String, String) {
        ("\(networking)/ingresses", "{metadata: {name: x}, spec: {rules: [{http: {paths: [\(path)]}}]}}")
    }

    private static func autoscaler(_ spec: String) -> (String, String) {
        (
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            "{metadata: {name: x}, spec: {scaleTargetRef: {kind: Deployment, name: web}, \(spec)}}"
        )
    }

    static let mistakes: [Mistake] = [
        (service("selector: {a: b}"), "spec.ports: Required value"),
        (service("ports: [{port: 0}]"), "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"),
        (service("ports: [{port: 1}, {port: 2}]"), "spec.ports[0].name: Required value"),
        (service("ports: [{name: a, port: 1}, {name: a, port: 2}]"), "spec.ports[1].name: Duplicate value: \"a\""),
        (
            service("ports: [{name: a, port: 1}, {name: b, port: 1}]"),
            "spec.ports[1]: Duplicate value: {\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,\"Port\":1"
        ),
        (
            service("type: Magic, ports: [{port: 1}]"),
            "spec.type: Unsupported value: \"Magic\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\""
        ),
        (
            service("type: NodePort, ports: [{port: 1, nodePort: 80}]"),
            "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767"
        ),
        (
            service("ports: [{port: 1, nodePort: 30080}]"),
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"
        ),
        (service("type: ExternalName"), "spec.externalName: Required value"),
        (
            service("clusterIP: not-an-ip, ports: [{port: 1}]"),
            "spec.clusterIPs[0]: Invalid value: \"not-an-ip\": must be a valid IP address"
        ),
        (
            service("sessionAffinity: Sticky, ports: [{port: 1}]"),
            "spec.sessionAffinity: Unsupported value: \"Sticky\": supported values: \"ClientIP\", \"None\""
        ),
        (
            ("\(core)/services", "{metadata: {name: a.b}, spec: {ports: [{port: 1}]}}"),
            "metadata.name: Invalid value: \"a.b\": a lowercase RFC 1123 label"
        ),
        (
            ("\(core)/configmaps", "{metadata: {name: x}, data: {'a/b': c}}"),
            "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of"
        ),
        (("\(core)/configmaps", "{data: {a: b}}"), "metadata.name: Required value: name or generateName is required"),
        (("\(core)/secrets", "{metadata: {name: x}, type: kubernetes.io/tls}"), "data[tls.crt]: Required value"),
        (
            ("\(core)/secrets", "{metadata: {name: x}, type: kubernetes.io/dockerconfigjson}"),
            "data[.dockerconfigjson]: Required value"
        ),
        (
            ("\(core)/persistentvolumeclaims", "{metadata: {name: x}, spec: {resources: {requests: {storage: 1Gi}}}}"),
            "spec.accessModes: Required value: at least 1 access mode is required"
        ),
        (
            ("\(core)/persistentvolumeclaims", "{metadata: {name: x}, spec: {accessModes: [ReadWriteOnce]}}"),
            "spec.resources[storage]: Required value"
        ),
        (
            (
                "\(core)/persistentvolumeclaims",
                "{metadata: {name: x}, spec: {accessModes: [ReadSometimes], resources: {requests: {storage: 1Gi}}}}"
            ), "spec.accessModes: Unsupported value: \"ReadSometimes\""
        ),
        (
            (
                "/api/v1/persistentvolumes",
                "{metadata: {name: x}, spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}}}"
            ), "spec: Required value: must specify a volume type"
        ),
        (
            ingress("{path: /, backend: {service: {name: a, port: {number: 80}}}}"),
            "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"
        ),
        (
            ingress("{path: a, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}"),
            "spec.rules[0].http.paths[0].path: Invalid value: \"a\": must be an absolute path"
        ),
        (
            ingress("{path: /, pathType: Regex, backend: {service: {name: a, port: {number: 80}}}}"),
            "spec.rules[0].http.paths[0].pathType: Unsupported value: \"Regex\": supported values: \"Exact\", \"ImplementationSpecific\", \"Prefix\""
        ),
        (
            ingress("{path: /, pathType: Exact, backend: {service: {name: a}}}"),
            "spec.rules[0].http.paths[0].backend: Required value: port name or number is required"
        ),
        (
            ("\(networking)/ingresses", "{metadata: {name: x}, spec: {}}"),
            "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"
        ),
        (
            (
                "\(networking)/networkpolicies",
                "{metadata: {name: x}, spec: {podSelector: {}, ingress: [{from: [{}]}]}}"
            ), "spec.ingress[0].from[0]: Required value: must specify a peer"
        ),
        (
            (
                "\(networking)/networkpolicies",
                "{metadata: {name: x}, spec: {podSelector: {}, egress: [{to: [{ipBlock: {cidr: nope}}]}]}}"
            ), "spec.egress[0].to[0].ipBlock.cidr: Invalid value: \"nope\""
        ),
        (
            ("\(networking)/networkpolicies", "{metadata: {name: x}, spec: {podSelector: {}, policyTypes: [Both]}}"),
            "spec.policyTypes[0]: Unsupported value: \"Both\": supported values: \"Ingress\", \"Egress\""
        ),
        (
            ("\(rbac)/namespaces/default/rolebindings", "{metadata: {name: x}, roleRef: {kind: Group, name: other}}"),
            "roleRef.kind: Unsupported value: \"Group\": supported values: \"Role\", \"ClusterRole\""
        ),
        (
            ("\(rbac)/clusterrolebindings", "{metadata: {name: x}, roleRef: {kind: ClusterRole}}"),
            "roleRef.name: Required value"
        ),
        (
            (
                "\(rbac)/clusterrolebindings",
                "{metadata: {name: x}, roleRef: {kind: ClusterRole, name: other}, subjects: [{kind: ServiceAccount, name: s}]}"
            ), "subjects[0].namespace: Required value"
        ),
        (
            ("\(rbac)/clusterroles", "{metadata: {name: x}, rules: [{apiGroups: [''], resources: [pods]}]}"),
            "rules[0].verbs: Required value: verbs must contain at least one value"
        ),
        (
            (
                "\(rbac)/namespaces/default/roles",
                "{metadata: {name: x}, rules: [{verbs: [get], nonResourceURLs: [/healthz]}]}"
            ),
            "rules[0].nonResourceURLs: Invalid value: [\"/healthz\"]: namespaced rules cannot apply to non-resource URLs"
        ),
        (
            autoscaler("minReplicas: 5, maxReplicas: 2"),
            "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`"
        ),
        (autoscaler("minReplicas: 1"), "spec.maxReplicas: Invalid value: 0: must be greater than 0"),
        (
            autoscaler("maxReplicas: 2, metrics: [{type: Resource}]"),
            "spec.metrics[0].resource: Required value: must populate information for the given metric source"
        ),
        (
            (
                "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
                "{metadata: {name: x}, spec: {minAvailable: 1, maxUnavailable: 1}}"
            ), "spec: Invalid value: "
        ),
        (
            (
                "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
                "{metadata: {name: x}, spec: {minAvailable: 101%}}"
            ), "spec.minAvailable: Invalid value: \"101%\": must not be greater than 100%"
        ),
        (
            ("/apis/scheduling.k8s.io/v1/priorityclasses", "{metadata: {name: system-mine}, value: 1}"),
            "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved"
        ),
        (
            (
                "/apis/storage.k8s.io/v1/storageclasses",
                "{metadata: {name: x}, volumeBindingMode: Later, provisioner: a}"
            ),
            "volumeBindingMode: Unsupported value: \"Later\": supported values: \"Immediate\", \"WaitForFirstConsumer\""
        ),
        (
            (
                "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
                "{metadata: {name: x}, webhooks: [{name: a.b.c, clientConfig: {url: 'https://x'}, admissionReviewVersions: [v1]}]}"
            ), "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun"
        ),
        (
            (
                "/apis/apiregistration.k8s.io/v1/apiservices",
                "{metadata: {name: x}, spec: {group: g.example.com, version: v1, groupPriorityMinimum: 1, versionPriority: 1}}"
            ), "metadata.name: Invalid value: \"x\": must be `spec.version+\".\"+spec.group`: \"v1.g.example.com\""
        ),
    ].map { Mistake($0.0.0, $0.0.1, $0.1) }

    private static let crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

    /// A definition with one version of these fields, and a schema whose `spec` has these properties.
    private static func definition(_ properties: String, version: String = "", spec: String = "") -> String {
        "{metadata: {name: widgets.example.com}, spec: {group: example.com, scope: Namespaced, \(spec) names: {plural: widgets, kind: Widget}, versions: [{name: v1, served: true, storage: true, \(version) schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {\(properties)}}}}}}]}}"
    }

    private static let schema = "spec.validation.openAPIV3Schema.properties[spec].properties"

    static let others: [Mistake] = [
        (
            crd, definition("a: {type: text}"),
            "\(schema)[a].type: Unsupported value: \"text\": supported values: \"array\","
        ),
        (
            crd, definition("a: {type: integer, maximum: 3, default: 4}"),
            "\(schema)[a].default: Invalid value: 4:  in body should be less than or equal to 3"
        ),
        (
            crd, definition("a: {type: string, pattern: '('}"),
            "\(schema)[a].pattern: Invalid value: \"(\": must be a valid regular expression"
        ),
        (
            crd, definition("a: {type: array, items: {type: string}, x-kubernetes-list-map-keys: [k]}"),
            "\(schema)[a].x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty"
        ),
        (
            crd,
            definition(
                "a: {type: array, items: {type: string}, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k]}"),
            "\(schema)[a].items.type: Invalid value: \"string\": must be object if parent array's x-kubernetes-list-type is map"
        ),
        (
            "\(core)/resourcequotas", "{metadata: {name: x}, spec: {hard: {fun: '1'}}}",
            "spec.hard[fun]: Invalid value: \"fun\": must be a standard resource type or fully qualified"
        ),
        (
            "\(core)/endpoints", "{metadata: {name: x}, subsets: [{addresses: [{ip: 127.0.0.1}]}]}",
            "subsets[0].addresses[0].ip: Invalid value: \"127.0.0.1\": may not be in the loopback range"
        ),
        autoscaler(
            "maxReplicas: 2, behavior: {scaleDown: {policies: [{type: Pods, value: 0, periodSeconds: 10}]}}",
            "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero"),
        (
            "/apis/batch/v1/namespaces/default/jobs",
            "{metadata: {name: x}, spec: {manualSelector: true, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: c}}, spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}",
            "spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not match template `labels`"
        ),
        (
            "/apis/batch/v1/namespaces/default/jobs",
            "{metadata: {name: x}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}",
            "spec.selector: Invalid value: "
        ),
        (
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            "{metadata: {name: 'Upper_Case%'}, spec: {maxUnavailable: 1, selector: {}}}",
            "metadata.name: Invalid value: \"Upper_Case%\": may not contain '%'"
        ),
    ].map { Mistake($0.0, $0.1, $0.2) }

    private static func autoscaler(_ spec: String, _ finding: String) -> (String, String, String) {
        let (collection, manifest) = autoscaler(spec)
        return (collection, manifest, finding)
    }

    @Test("what else new objects may not say", arguments: others)
    func createOthers(mistake: Mistake) throws { try mistake.check() }

    @Test("bytes that are none, and objects without a name, are no requests")
    func badRequests() throws {
        var cluster = TestCluster()
        let secret: JSONValue = ["metadata": ["name": "s"], "data": ["a": "Bad!"]]
        let (status, answer) = cluster.send("POST", "\(Self.core)/secrets", secret)
        #expect(status == 400)
        #expect(
            answer["message"]
                == "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 3")
        cluster.send("POST", "\(Self.core)/configmaps", ["metadata": ["name": "c"]])
        let (code, nameless) = cluster.send("PUT", "\(Self.core)/configmaps/c", ["data": ["a": "b"]])
        #expect(code == 400)
        #expect(
            nameless["message"]
                == "the name of the object (c based on URL) was undeterminable: name must be provided")
    }

    @Test("bindings are to roles of the group that has them, also where it is named by an empty text")
    func bindingDefaults() throws {
        var cluster = TestCluster()
        let (status, binding) = cluster.send(
            "POST", "\(Self.rbac)/clusterrolebindings",
            [
                "metadata": ["name": "x"], "roleRef": ["apiGroup": "", "kind": "ClusterRole", "name": "r"],
                "subjects": [["kind": "User", "name": "u", "apiGroup": ""]],
            ])
        #expect(status == 201)
        #expect(binding.at("roleRef", "apiGroup") == "rbac.authorization.k8s.io")
        #expect(binding["subjects"]?.arrayValue?.first?["apiGroup"] == "rbac.authorization.k8s.io")
    }

    @Test("new objects", arguments: mistakes)
    func create(mistake: Mistake) throws { try mistake.check() }

    /// An object, a merge patch on it, and what the server says of the change.
    static let changes: [(String, String, String, String)] = [
        (
            "\(core)/services", "spec: {ports: [{port: 1}]}", "{spec: {clusterIP: 10.96.1.1}}",
            "spec.clusterIPs[0]: Invalid value: [\"10.96.1.1\"]: may not change once set"
        ),
        (
            "\(core)/configmaps", "immutable: true\ndata: {a: b}", "{data: {a: c}}",
            "data: Forbidden: field is immutable when `immutable` is set"
        ),
        (
            "\(core)/secrets", "type: Opaque", "{type: example.com/other}",
            "type: Invalid value: \"example.com/other\": field is immutable"
        ),
        (
            "\(core)/persistentvolumeclaims",
            "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
            "{spec: {accessModes: [ReadWriteMany]}}",
            "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        ),
        (
            "\(rbac)/namespaces/default/rolebindings", "roleRef: {kind: Role, name: a}", "{roleRef: {name: b}}",
            "roleRef: Invalid value: {\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Role\",\"name\":\"b\"}: cannot change roleRef"
        ),
        (
            "\(core)/pods", "spec: {containers: [{name: a, image: b}]}", "{spec: {restartPolicy: Never}}",
            "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`"
        ),
        (
            "/apis/apps/v1/namespaces/default/statefulsets",
            "spec: {serviceName: a, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}",
            "{spec: {serviceName: other}}",
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template'"
        ),
        (
            "/apis/apps/v1/namespaces/default/daemonsets",
            "spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, c: d}}, spec: {containers: [{name: c, image: i}]}}}",
            "{spec: {selector: {matchLabels: {c: d}}}}",
            "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\",\"c\":\"d\"}}: field is immutable"
        ),
        (
            "/apis/storage.k8s.io/v1/storageclasses", "provisioner: a", "{parameters: {type: fast}}",
            "parameters: Forbidden: updates to parameters are forbidden."
        ),
        (
            "/apis/scheduling.k8s.io/v1/priorityclasses", "value: 1", "{value: 2}",
            "value: Forbidden: may not be changed in an update."
        ),
    ]

    @Test("changes", arguments: changes)
    func change(collection: String, object: String, patch: String, finding: String) throws {
        var talk = Conversation()
        talk.tell("POST \(collection)", "metadata: {name: x}\n\(object)")
        talk.ask(
            "PATCH \(collection)/x", patch, type: "application/merge-patch+json",
            facts: ["422", "reason = \"Invalid\""])
        let causes = (talk.answer.at("details", "causes")?.arrayValue ?? []).map {
            "\($0["field"]?.stringValue ?? ""): \($0["message"]?.stringValue ?? "")"
        }
        #expect(causes.contains { $0.hasPrefix(finding) }, "\(causes.joined(separator: "\n"))")
    }

    @Test("a pod's image, its tolerations and its deadline may change")
    func podUpdates() {
        var talk = Conversation()
        let pod = "\(Self.core)/pods/x"
        talk.tell("POST \(Self.core)/pods", "metadata: {name: x}\nspec: {containers: [{name: a, image: b}]}")
        talk.pass(2)
        talk.ask(
            "PATCH \(pod)", "{spec: {activeDeadlineSeconds: 60, containers: [{name: a, image: 'b:2'}]}}",
            type: "application/strategic-merge-patch+json", facts: ["200", "spec.containers[0].image = \"b:2\""])
    }

    @Test(
        "quantities are written as the server does",
        arguments: [
            ("1000m", "1"), ("0.5", "500m"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("0.1", "100m"), ("1e3", "1e3"),
            ("0", "0"), ("2000", "2k"), ("1Ki", "1Ki"), ("100M", "100M"), ("0.5Ki", "512"),
        ])
    func quantities(given: String, written: String) { #expect(Quantity.canonical(given) == written) }
}
