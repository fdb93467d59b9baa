internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// Rules beside the pod's own, found by comparing answers of the simulated server with those of a real one.
@Suite("Conformance: what kinds beside pods may not say")
struct KindValidationConformance {
    static let core = "/api/v1/namespaces/default"
    static let networking = "/apis/networking.k8s.io/v1"
    static let rbac = "/apis/rbac.authorization.k8s.io/v1"
    static let ipForm = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    static let cidrForm = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"

    static func rows(_ collection: String, _ prefix: String, _ pairs: [(String, String)]) -> [Mistake] {
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

    @Test("new objects", arguments: networkMistakes + storageMistakes + policyMistakes + scaleMistakes)
    func create(mistake: Mistake) throws { try mistake.check() }
}
