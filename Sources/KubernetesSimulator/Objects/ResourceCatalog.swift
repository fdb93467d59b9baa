internal import KubernetesObjects

/// The kinds that every simulated server serves from the start.
enum ResourceCatalog {
    static let builtIn: [ResourceType] = core + apps + others

    private static let core: [ResourceType] = [
        .builtIn("", "v1", "configmaps", "ConfigMap", short: ["cm"], hash: "qFsyl6wFWjQ="),
        .builtIn(
            "", "v1", "endpoints", "Endpoints", short: ["ep"], hash: "fWeeMqaN/OA=", type: "api.core.v1.Endpoints"),
        .builtIn("", "v1", "events", "Event", short: ["ev"], hash: "r2yiGXH7wu8=", type: "core.v1.Event"),
        .builtIn("", "v1", "limitranges", "LimitRange", short: ["limits"], hash: "EBKMFVe6cwo="),
        .builtIn(
            "", "v1", "namespaces", "Namespace", namespaced: false, short: ["ns"], hash: "Q3oi5N2YM8M=",
            subresources: ["status", "finalize"]),
        .builtIn(
            "", "v1", "nodes", "Node", namespaced: false, short: ["no"], hash: "XwShjMxG9Fs=",
            subresources: ["status", "proxy"]),
        .builtIn(
            "", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", short: ["pvc"], hash: "QWTyNDq0dC4=",
            subresources: ["status"]),
        .builtIn(
            "", "v1", "persistentvolumes", "PersistentVolume", namespaced: false, short: ["pv"], hash: "HN/zwEC+JgM=",
            subresources: ["status"]),
        .builtIn(
            "", "v1", "pods", "Pod", short: ["po"], categories: ["all"], hash: "xPOwRZ+Yhw8=",
            subresources: [
                "attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy",
                "resize", "status",
            ]),
        .builtIn("", "v1", "podtemplates", "PodTemplate", hash: "LIXB2x4IFpk="),
        .builtIn(
            "", "v1", "replicationcontrollers", "ReplicationController", short: ["rc"], categories: ["all"],
            hash: "Jond2If31h0=", subresources: ["scale", "status"]),
        .builtIn(
            "", "v1", "resourcequotas", "ResourceQuota", short: ["quota"], hash: "8uhSgffRX6w=",
            subresources: ["status"]),
        .builtIn("", "v1", "secrets", "Secret", hash: "S6u1pOWzb84="),
        .builtIn(
            "", "v1", "serviceaccounts", "ServiceAccount", short: ["sa"], hash: "pbx9ZvyFpBE=",
            subresources: ["token"], type: "api.core.v1.ServiceAccount"),
        .builtIn(
            "", "v1", "services", "Service", short: ["svc"], categories: ["all"], hash: "0/CO1lhkEBI=",
            subresources: ["proxy", "status"]),
    ]

    private static let apps: [ResourceType] = [
        .builtIn("apps", "v1", "controllerrevisions", "ControllerRevision", hash: "85nkx63pcBU="),
        .builtIn(
            "apps", "v1", "daemonsets", "DaemonSet", short: ["ds"], categories: ["all"], hash: "dd7pWHUlMKQ=",
            subresources: ["status"]),
        .builtIn(
            "apps", "v1", "deployments", "Deployment", short: ["deploy"], categories: ["all"], hash: "8aSe+NMegvE=",
            subresources: ["scale", "status"]),
        .builtIn(
            "apps", "v1", "replicasets", "ReplicaSet", short: ["rs"], categories: ["all"], hash: "P1RzHs8/mWQ=",
            subresources: ["scale", "status"]),
        .builtIn(
            "apps", "v1", "statefulsets", "StatefulSet", short: ["sts"], categories: ["all"], hash: "H+vl74LkKdo=",
            subresources: ["scale", "status"]),
        .builtIn(
            "batch", "v1", "cronjobs", "CronJob", short: ["cj"], categories: ["all"], hash: "sd5LIXh4Fjs=",
            subresources: ["status"]),
        .builtIn(
            "batch", "v1", "jobs", "Job", categories: ["all"], hash: "mudhfqk/qZY=", subresources: ["status"]),
    ]

    private static let others: [ResourceType] = [
        .builtIn(
            "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration",
            namespaced: false, categories: ["api-extensions"],
            type: "api.admissionregistration.v1.MutatingWebhookConfiguration"),
        .builtIn(
            "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration",
            namespaced: false, categories: ["api-extensions"],
            type: "api.admissionregistration.v1.ValidatingWebhookConfiguration"),
        .builtIn(
            "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced: false,
            short: ["crd", "crds"], categories: ["api-extensions"], hash: "jfWCUB31mvA=", subresources: ["status"]),
        .builtIn(
            "apiregistration.k8s.io", "v1", "apiservices", "APIService", namespaced: false,
            categories: ["api-extensions"], subresources: ["status"]),
        .builtIn(
            "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", short: ["hpa"],
            categories: ["all"], hash: "oQlkt7f5j/A=", subresources: ["status"], type: "V2HorizontalPodAutoscaler"),
        .builtIn("coordination.k8s.io", "v1", "leases", "Lease", hash: "gqkMMb/YqFM="),
        .builtIn(
            "discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", hash: "Nx3SIv6I0mE=",
            type: "api.discovery.v1.EndpointSlice"),
        .builtIn(
            "networking.k8s.io", "v1", "ingressclasses", "IngressClass", namespaced: false, hash: "l/iqIbDgFyQ="),
        .builtIn(
            "networking.k8s.io", "v1", "ingresses", "Ingress", short: ["ing"], hash: "39NQlfNR+bo=",
            subresources: ["status"]),
        .builtIn(
            "networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", short: ["netpol"], hash: "YpfwF18m1G8="),
        .builtIn(
            "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", short: ["pdb"], hash: "EVWiDmWqyJw=",
            subresources: ["status"]),
        .builtIn(
            "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced: false,
            hash: "48tpQ8gZHFc=", type: "api.rbac.v1.ClusterRoleBinding"),
        .builtIn(
            "rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced: false, hash: "bYE5ZWDrJ44=",
            type: "api.rbac.v1.ClusterRole"),
        .builtIn(
            "rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", hash: "eGsCzGH6b1g=",
            type: "api.rbac.v1.RoleBinding"),
        .builtIn("rbac.authorization.k8s.io", "v1", "roles", "Role", hash: "7FuwZcIIItM=", type: "api.rbac.v1.Role"),
        .builtIn(
            "scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced: false, short: ["pc"],
            hash: "1QwjyaZjj3Y="),
        .builtIn(
            "storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced: false, short: ["sc"],
            hash: "K+m6uJwbjGY=", type: "api.storage.v1.StorageClass"),
    ]

    /// What discovery lists beside the stored kinds: endpoints that only answer.
    static let virtual: [String: [JSONValue]] = [
        "v1": [
            [
                "name": "bindings", "singularName": "binding", "namespaced": true, "kind": "Binding",
                "verbs": ["create"],
            ],
            [
                "name": "componentstatuses", "singularName": "componentstatus", "namespaced": false,
                "kind": "ComponentStatus", "verbs": ["get", "list"], "shortNames": ["cs"],
            ],
        ],
        "authorization.k8s.io/v1": [
            [
                "name": "selfsubjectaccessreviews", "singularName": "selfsubjectaccessreview", "namespaced": false,
                "kind": "SelfSubjectAccessReview", "verbs": ["create"],
            ],
            [
                "name": "selfsubjectrulesreviews", "singularName": "selfsubjectrulesreview", "namespaced": false,
                "kind": "SelfSubjectRulesReview", "verbs": ["create"],
            ],
        ],
        "authentication.k8s.io/v1": [
            [
                "name": "selfsubjectreviews", "singularName": "selfsubjectreview", "namespaced": false,
                "kind": "SelfSubjectReview", "verbs": ["create"],
            ]
        ],
    ]
}
