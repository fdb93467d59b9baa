internal import KubernetesObjects

/// Which kinds an API server brings by itself. Their names do not tell: definitions of the Kubernetes project, such as those of
/// its gateways, are of groups that end in `k8s.io` too. Pure.
enum BuiltInGroups {
    private static let all: Set<String> = [
        "", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps",
        "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io",
        "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "extensions", "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "policy", "rbac.authorization.k8s.io",
        "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
    ]

    /// Whether a kind comes from a definition or an extension server.
    static func isCustom(_ type: GroupKind) -> Bool { !all.contains(type.group) }
}
