internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// Rules beside the pod's own, found by comparing answers of the simulated server with those of a real one.
@Suite("Conformance: what kinds beside pods may not say")
struct KindValidationConformance {
    private static let core = "/api/v1/namespaces/default"
    private static let networking = "/apis/networking.k8s.io/v1"
    private static let rbac = "/apis/rbac.authorization.k8s.io/v1"
    private static let ipForm = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    private static let cidrForm = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"

    private static func rows(_ collection: String, _ prefix: String, _ pairs: [(String, String)]) -> [Mistake] {
        pairs.map {
            Mistake(collection, "{metadata: {name: x}, \(prefix)\($0.0)\(prefix.hasSuffix("{") ? "}" : "")}", $0.1)
        }
    }

    static let networkMistakes: [Mistake] =
        rows(
            "\(core)/services", "spec: {",
            [
                (
                    "ports: [{port: 1, appProtocol: a b}]",
                    "spec.ports[0].appProtocol: Invalid value: \"a b\": name part must consist of"
                ),
                ("ports: [{}]", "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive"),
                (
                    "ports: [{port: 1}], sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}",
                    "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400"
                ),
                (
                    "ports: [{port: 1}], type: LoadBalancer, loadBalancerSourceRanges: [' 10.0.0.0/33 ']",
                    "spec.LoadBalancerSourceRanges[0]: Invalid value: \"10.0.0.0/33\": \(cidrForm)"
                ),
                (
                    "ports: [{port: 1}], externalIPs: [127.0.0.1]",
                    "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)"
                ),
                (
                    "ports: [{port: 1}], externalTrafficPolicy: Local",
                    "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services"
                ),
                (
                    "ports: [{port: 1}], type: LoadBalancer, healthCheckNodePort: 30000",
                    "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
                ),
                (
                    "ports: [{port: 1}], type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: -1",
                    "spec.healthCheckNodePort: Invalid value: -1: must be between 1 and 65535, inclusive"
                ),
            ])
        + rows(
            "\(core)/endpoints", "subsets: ",
            [
                (
                    "[{ports: [{port: 1}]}]",
                    "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"
                ),
                ("[{addresses: [{ip: a}]}]", "subsets[0].addresses[0].ip: Invalid value: \"a\": \(ipForm)"),
                (
                    "[{notReadyAddresses: [{ip: 0.0.0.0}]}]",
                    "subsets[0].notReadyAddresses[0].ip: Invalid value: \"0.0.0.0\": may not be unspecified (0.0.0.0)"
                ),
                (
                    "[{addresses: [{ip: 1.2.3.4, nodeName: A_B}]}]",
                    "subsets[0].addresses[0].nodeName: Invalid value: \"A_B\": a lowercase RFC 1123 subdomain"
                ),
                (
                    "[{addresses: [{ip: 1.2.3.4, hostname: A_B}]}]",
                    "subsets[0].addresses[0].hostname: Invalid value: \"A_B\": a lowercase RFC 1123 label"
                ),
                (
                    "[{addresses: [{ip: 1.2.3.4}], ports: [{port: 1}, {port: 2}]}]",
                    "subsets[0].ports[0].name: Required value"
                ),
                (
                    "[{addresses: [{ip: 1.2.3.4}], ports: [{port: 1, protocol: IP}]}]",
                    "subsets[0].ports[0].protocol: Unsupported value: \"IP\": supported values: \"SCTP\", \"TCP\", \"UDP\""
                ),
            ])
        + rows(
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", "",
            [
                ("endpoints: []", "addressType: Required value"),
                (
                    "addressType: IPX",
                    "addressType: Unsupported value: \"IPX\": supported values: \"FQDN\", \"IPv4\", \"IPv6\""
                ),
                (
                    "addressType: IPv4, endpoints: [{}]",
                    "endpoints[0].addresses: Required value: must contain at least 1 address"
                ),
                (
                    "addressType: IPv4, endpoints: [{addresses: ['::1']}]",
                    "endpoints[0].addresses[0]: Invalid value: \"::1\": must be a valid IPv4 address"
                ),
                (
                    "addressType: FQDN, endpoints: [{addresses: [a]}]",
                    "endpoints[0].addresses[0]: Invalid value: \"a\": should be a domain with at least two segments"
                ),
                (
                    "addressType: IPv4, endpoints: [{addresses: [1.2.3.4], hostname: A_B}]",
                    "endpoints[0].hostname: Invalid value: \"A_B\": a lowercase RFC 1123 label"
                ),
                ("addressType: IPv4, ports: [{port: 1}, {port: 2}]", "ports[1].name: Duplicate value: \"\""),
                ("addressType: IPv4, ports: [{protocol: ''}]", "ports[0].protocol: Unsupported value: \"\""),
            ])
        + rows(
            "\(networking)/namespaces/default/ingresses", "spec: {",
            [
                (
                    "defaultBackend: {}",
                    "spec.defaultBackend: Invalid value: \"\": resource or service backend is required"
                ),
                (
                    "defaultBackend: {service: {name: a}}",
                    "spec.defaultBackend: Required value: port name or number is required"
                ),
                (
                    "defaultBackend: {resource: {apiGroup: '', kind: '', name: a}}",
                    "spec.defaultBackend.resource.kind: Required value"
                ),
                (
                    "rules: [{http: {paths: [{path: /a/.., pathType: Exact, backend: {resource: {kind: A, name: a}}}]}}]",
                    "spec.rules[0].http.paths[0].path: Invalid value: \"/a/..\": cannot end with '/..'"
                ),
            ])
        + [
            Mistake(
                "\(networking)/namespaces/default/ingresses",
                "{metadata: {name: x, annotations: {kubernetes.io/ingress.class: a}}, spec: {ingressClassName: b, defaultBackend: {service: {name: a, port: {number: 1}}}}}",
                "annotations.kubernetes.io/ingress.class: Invalid value: \"a\": must match `ingressClassName` when both are specified"
            )
        ]
        + rows(
            "\(networking)/ingressclasses", "spec: {",
            [
                ("", "spec.controller: Required value"),
                ("controller: a.b/c, parameters: {kind: A}", "spec.parameters.name: Required value"),
                (
                    "controller: a.b/c, parameters: {kind: A, name: a, scope: Galaxy}",
                    "spec.parameters.scope: Unsupported value: \"Galaxy\": supported values: \"Cluster\", \"Namespace\""
                ),
                (
                    "controller: a.b/c, parameters: {kind: A, name: a, namespace: other}",
                    "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"
                ),
                (
                    "controller: a.b/c, parameters: {kind: A, name: a, scope: Namespace}",
                    "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"
                ),
            ])
        + rows(
            "\(networking)/namespaces/default/networkpolicies", "spec: {",
            [
                ("podSelector: {}, policyTypes: ['']", "spec.policyTypes[0]: Unsupported value: \"\""),
                (
                    "podSelector: {}, ingress: [{ports: [{protocol: ''}]}]",
                    "spec.ingress[0].ports[0].protocol: Unsupported value: \"\""
                ),
                (
                    "podSelector: {}, ingress: [{ports: [{endPort: 9}]}]",
                    "spec.ingress[0].ports[0].endPort: Invalid value: 9: may not be specified when `port` is not specified"
                ),
                (
                    "podSelector: {}, ingress: [{ports: [{port: web, endPort: 9}]}]",
                    "spec.ingress[0].ports[0].endPort: Invalid value: 9: may not be specified when `port` is non-numeric"
                ),
                (
                    "podSelector: {}, ingress: [{ports: [{port: 1, endPort: 70000}]}]",
                    "spec.ingress[0].ports[0].endPort: Invalid value: 70000: must be between 1 and 65535, inclusive"
                ),
                (
                    "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]",
                    "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`"
                ),
            ])

    static let storageMistakes: [Mistake] =
        rows(
            "\(core)/persistentvolumeclaims", "spec: {",
            [
                ("accessModes: ['']", "spec.accessModes: Unsupported value: \"\""),
                ("volumeMode: ''", "spec.volumeMode: Unsupported value: \"\""),
                ("dataSource: {kind: PersistentVolumeClaim}", "spec.dataSource.name: Required value"),
                (
                    "dataSourceRef: {kind: Backup, name: a}",
                    "spec.dataSourceRef: Invalid value: \"Backup\": must be 'PersistentVolumeClaim' when referencing the default apiGroup"
                ),
            ])
        + rows(
            "/api/v1/persistentvolumes", "spec: {",
            [
                ("", "spec.capacity: Unsupported value: null: supported values: \"storage\""),
                (
                    "capacity: {storage: -1}",
                    "spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity"
                ),
                ("capacity: {storage: 0}", "spec.capacity[storage]: Invalid value: \"0\": must be greater than zero"),
                ("accessModes: ['']", "spec.accessModes: Unsupported value: \"\""),
                (
                    "storageClassName: A_B",
                    "spec.storageClassName: Invalid value: \"A_B\": a lowercase RFC 1123 subdomain"
                ),
                (
                    "volumeMode: Tape",
                    "spec.volumeMode: Unsupported value: \"Tape\": supported values: \"Block\", \"Filesystem\""
                ),
                (
                    "nodeAffinity: {}",
                    "spec.nodeAffinity.required: Required value: must specify required node constraints"
                ),
                (
                    "nodeAffinity: {required: {}}",
                    "spec.nodeAffinity.required.nodeSelectorTerms: Required value: must have at least one node selector term"
                ),
                (
                    "nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Gt}]}]}}",
                    "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified single value"
                ),
                (
                    "nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{}]}]}}",
                    "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].operator: Invalid value: \"\": not a valid selector operator"
                ),
                ("local: {}", "spec.local.path: Required value"),
                ("hostPath: {path: /a/../b}", "spec.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"),
                ("nfs: {server: a, path: b}", "spec.nfs.path: Invalid value: \"b\": must be an absolute path"),
                ("csi: {driver: a}", "spec.csi.volumeHandle: Required value"),
                ("csi: {volumeHandle: a}", "spec.csi.driver: Required value"),
            ])
        + rows(
            "/apis/storage.k8s.io/v1/storageclasses", "provisioner: a, ",
            [
                ("volumeBindingMode: ''", "volumeBindingMode: Unsupported value: \"\""),
                ("allowedTopologies: [{}]", "allowedTopologies[0].matchLabelExpressions: Duplicate value: \"\""),
                (
                    "allowedTopologies: [{matchLabelExpressions: [{key: a}]}]",
                    "allowedTopologies[0].matchLabelExpressions[0].values: Required value"
                ),
                (
                    "allowedTopologies: [{matchLabelExpressions: [{key: a, values: [b, b]}]}]",
                    "allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: \"b\""
                ),
                (
                    "allowedTopologies: [{matchLabelExpressions: [{key: a, values: [b]}, {key: a, values: [b]}]}]",
                    "allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: \"a\""
                ),
            ])
        + rows(
            "/apis/storage.k8s.io/v1/csidrivers", "spec: {",
            [
                (
                    "volumeLifecycleModes: [Brief]",
                    "spec.volumeLifecycleModes: Unsupported value: \"Brief\": supported values: \"Persistent\", \"Ephemeral\""
                ),
                ("fsGroupPolicy: Some", "spec.fsGroupPolicy: Unsupported value: \"Some\""),
            ])

    static let policyMistakes: [Mistake] =
        rows(
            "\(core)/resourcequotas", "spec: {",
            [
                ("hard: {pods: -1}", "spec.hard[pods]: Invalid value: \"-1\": must be greater than or equal to 0"),
                (
                    "hard: {apples: 1}",
                    "spec.hard[apples]: Invalid value: \"apples\": must be a standard resource for quota"
                ),
                ("scopes: [Some]", "spec.scopes: Invalid value: [\"Some\"]: unsupported scope"),
                (
                    "scopes: [BestEffort, NotBestEffort]",
                    "spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\"]: conflicting scopes"
                ),
                (
                    "scopeSelector: {matchExpressions: [{}]}",
                    "spec.scopeSelector.matchExpressions.scopeName: Invalid value: \"\": unsupported scope"
                ),
                (
                    "scopeSelector: {matchExpressions: [{scopeName: Terminating, operator: In, values: [a]}]}",
                    "spec.scopeSelector.matchExpressions.operator: Invalid value: \"In\": must be 'Exist' when scope is any of"
                ),
                (
                    "scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In}]}",
                    "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value"
                ),
                (
                    "scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: Exists, values: [a]}]}",
                    "spec.scopeSelector.matchExpressions.values: Invalid value: [\"a\"]: must be no value when"
                ),
            ])
        + rows(
            "\(core)/limitranges", "spec: {",
            [
                (
                    "limits: [{type: Box}]",
                    "spec.limits[0].type: Invalid value: \"Box\": must be a standard limit type or fully qualified"
                ),
                (
                    "limits: [{type: PersistentVolumeClaim}]",
                    "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided"
                ),
                (
                    "limits: [{type: Container, min: {cpu: 2}, max: {cpu: 1}}]",
                    "spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1"
                ),
                (
                    "limits: [{type: Container, defaultRequest: {cpu: 2}, default: {cpu: 1}}]",
                    "spec.limits[0].defaultRequest[cpu]: Invalid value: \"2\": default request value 2 is greater than default limit value 1"
                ),
                (
                    "limits: [{type: Container, default: {cpu: 2}, max: {cpu: 1}}]",
                    "spec.limits[0].default[cpu]: Invalid value: \"1\": default value 2 is greater than max value 1"
                ),
                (
                    "limits: [{type: Container, maxLimitRequestRatio: {cpu: 500m}}]",
                    "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"500m\": ratio 500m is less than 1"
                ),
                (
                    "limits: [{type: Container, maxLimitRequestRatio: {cpu: 3}, min: {cpu: 2}, max: {cpu: 3}}]",
                    "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"3\": ratio 3 is greater than max/min = 1.500000"
                ),
            ])
        + rows(
            "/api/v1/namespaces", "spec: {",
            [
                (
                    "finalizers: [mine]",
                    "spec.finalizers: Invalid value: \"mine\": name is neither a standard finalizer name nor is it fully qualified"
                )
            ])
        + rows(
            "/apis/scheduling.k8s.io/v1/priorityclasses", "",
            [
                ("value: 1, preemptionPolicy: ''", "preemptionPolicy: Required value"),
                (
                    "value: 1, preemptionPolicy: Odd",
                    "preemptionPolicy: Unsupported value: \"Odd\": supported values: \"PreemptLowerPriority\", \"Never\""
                ),
            ])
        + rows(
            "/apis/node.k8s.io/v1/runtimeclasses", "",
            [
                ("handler: ''", "handler: Invalid value: \"\": a lowercase RFC 1123 label"),
                ("handler: a, overhead: {podFixed: {cpu: -1}}", "overhead.limits[cpu]: Invalid value: \"-1\""),
                ("handler: a, scheduling: {nodeSelector: {a: b c}}", "scheduling.nodeSelector: Invalid value: \"b c\""),
                (
                    "handler: a, scheduling: {tolerations: [{}]}",
                    "scheduling.tolerations.tolerations[0].operator: Invalid value: \"\": operator must be Exists when `key` is empty"
                ),
                (
                    "handler: a, scheduling: {tolerations: [{key: b}, {key: b}]}",
                    "scheduling.tolerations[1]: Duplicate value: {\"Key\":\"b\",\"Operator\":\"\",\"Value\":\"\",\"Effect\":\"\",\"TolerationSeconds\":null}"
                ),
                (
                    "handler: a, scheduling: {tolerations: [{key: b, operator: Exists, tolerationSeconds: 1}]}",
                    "scheduling.tolerations.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute'"
                ),
            ])
        + rows(
            "/apis/coordination.k8s.io/v1/namespaces/default/leases", "spec: {",
            [
                ("leaseDurationSeconds: 0", "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"),
                (
                    "leaseTransitions: -1",
                    "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"
                ),
            ])
        + rows(
            "\(rbac)/clusterroles", "",
            [
                (
                    "aggregationRule: {}",
                    "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"
                ),
                (
                    "aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b c}}]}",
                    "aggregationRule.clusterRoleSelectors[0]: Invalid value: null: invalid label selector."
                ),
            ])
        + rows(
            "\(core)/secrets", "",
            [
                ("type: kubernetes.io/ssh-auth, data: {ssh-privatekey: ''}", "data[ssh-privatekey]: Required value"),
                (
                    "type: kubernetes.io/dockercfg, data: {.dockercfg: ''}",
                    "data[.dockercfg]: Invalid value: \"<secret contents redacted>\": unexpected end of JSON input"
                ),
                (
                    "type: kubernetes.io/dockercfg, data: {.dockercfg: YWI=}",
                    "data[.dockercfg]: Invalid value: \"<secret contents redacted>\": invalid character 'a' looking for"
                ),
            ])

    private static let scaled = "spec: {maxReplicas: 2, scaleTargetRef: {kind: Deployment, name: web}, "

    static let scaleMistakes: [Mistake] = [
        ("metrics: [{}]", "spec.metrics[0].type: Unsupported value: \"\""),
        (
            "metrics: [{type: Pods, pods: {target: {type: Value}}}]",
            "spec.metrics[0].pods.metric.name: Required value: must specify a metric name"
        ),
        (
            "metrics: [{type: Pods, pods: {}}]",
            "spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue"
        ),
        (
            "metrics: [{type: Resource, resource: {name: cpu, target: {type: Odd}}}]",
            "spec.metrics[0].resource.target.type: Invalid value: \"Odd\": must be either Utilization, Value, or AverageValue"
        ),
        (
            "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]",
            "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization"
        ),
        (
            "metrics: [{type: Object, object: {metric: {name: a}, target: {type: Value, value: -1}}}]",
            "spec.metrics[0].object.describedObject.kind: Required value"
        ),
        (
            "metrics: [{type: Object, object: {}}]",
            "spec.metrics[0].object.target.averageValue: Required value: must set either a target value or averageValue"
        ),
        (
            "metrics: [{type: External, external: {metric: {name: a}, target: {type: Value, value: -1}}}]",
            "spec.metrics[0].external.target.value: Invalid value: \"-1\": must be positive"
        ),
        (
            "metrics: [{type: External, external: {metric: {name: a}, target: {type: Value, value: 1, averageValue: 1}}}]",
            "spec.metrics[0].external.target.value: Forbidden: may not set both"
        ),
        (
            "metrics: [{type: Pods, pods: {}, external: {}}]",
            "spec.metrics[0].external: Forbidden: must populate the given metric source only"
        ),
        (
            "minReplicas: 0",
            "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas"
        ),
        ("behavior: {scaleUp: {selectPolicy: ''}}", "spec.behavior.scaleUp.selectPolicy: Unsupported value: \"\""),
        (
            "behavior: {scaleUp: {policies: [{value: 1, periodSeconds: 1}]}}",
            "spec.behavior.scaleUp.policies[0].type: Unsupported value: \"\": supported values: \"Percent\", \"Pods\""
        ),
        (
            "behavior: {scaleUp: {policies: [{type: Pods, periodSeconds: 1801}]}}",
            "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero"
        ),
        (
            "behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 1801}]}}",
            "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800"
        ),
    ].map {
        Mistake(
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            "{metadata: {name: x}, \(scaled)\($0.0)}}", $0.1)
    }

    @Test("new objects", arguments: networkMistakes + storageMistakes + policyMistakes + scaleMistakes)
    func create(mistake: Mistake) throws { try mistake.check() }
}
