internal import KubernetesObjects

/// Kinds that no server has as they are written: a built-in one in lower case, of another group, or of a version that Kubernetes has
/// taken away. Of custom kinds nothing is known.
enum KindDoubts {
    /// Versions that are gone: by `group/version`, and kind where only some are; with the Kubernetes that lacks them, and what to write.
    private static let removed: [String: (since: String, instead: String)] = [
        "apps/v1beta1": ("1.16", "apps/v1"), "apps/v1beta2": ("1.16", "apps/v1"),
        "extensions/v1beta1:Deployment": ("1.16", "apps/v1"), "extensions/v1beta1:DaemonSet": ("1.16", "apps/v1"),
        "extensions/v1beta1:ReplicaSet": ("1.16", "apps/v1"),
        "extensions/v1beta1:NetworkPolicy": ("1.16", "networking.k8s.io/v1"),
        "extensions/v1beta1:Ingress": ("1.22", "networking.k8s.io/v1"),
        "networking.k8s.io/v1beta1:Ingress": ("1.22", "networking.k8s.io/v1"),
        "networking.k8s.io/v1beta1:IngressClass": ("1.22", "networking.k8s.io/v1"),
        "autoscaling/v2beta1": ("1.25", "autoscaling/v2"), "autoscaling/v2beta2": ("1.26", "autoscaling/v2"),
        "batch/v1beta1": ("1.25", "batch/v1"), "batch/v2alpha1": ("1.21", "batch/v1"),
        "policy/v1beta1:PodDisruptionBudget": ("1.25", "policy/v1"),
        "rbac.authorization.k8s.io/v1beta1": ("1.22", "rbac.authorization.k8s.io/v1"),
        "apiextensions.k8s.io/v1beta1": ("1.22", "apiextensions.k8s.io/v1"),
        "apiregistration.k8s.io/v1beta1": ("1.22", "apiregistration.k8s.io/v1"),
        "admissionregistration.k8s.io/v1beta1:MutatingWebhookConfiguration": (
            "1.22", "admissionregistration.k8s.io/v1"
        ),
        "admissionregistration.k8s.io/v1beta1:ValidatingWebhookConfiguration": (
            "1.22", "admissionregistration.k8s.io/v1"
        ),
        "scheduling.k8s.io/v1beta1": ("1.22", "scheduling.k8s.io/v1"),
        "storage.k8s.io/v1beta1:StorageClass": ("1.22", "storage.k8s.io/v1"),
        "storage.k8s.io/v1beta1:CSIDriver": ("1.22", "storage.k8s.io/v1"),
        "storage.k8s.io/v1beta1:CSINode": ("1.22", "storage.k8s.io/v1"),
        "storage.k8s.io/v1beta1:VolumeAttachment": ("1.22", "storage.k8s.io/v1"),
        "storage.k8s.io/v1beta1:CSIStorageCapacity": ("1.27", "storage.k8s.io/v1"),
        "events.k8s.io/v1beta1": ("1.25", "events.k8s.io/v1"),
        "coordination.k8s.io/v1beta1:Lease": ("1.22", "coordination.k8s.io/v1"),
        "certificates.k8s.io/v1beta1:CertificateSigningRequest": ("1.22", "certificates.k8s.io/v1"),
        "discovery.k8s.io/v1beta1": ("1.25", "discovery.k8s.io/v1"),
        "node.k8s.io/v1beta1": ("1.25", "node.k8s.io/v1"),
        "flowcontrol.apiserver.k8s.io/v1beta1": ("1.26", "flowcontrol.apiserver.k8s.io/v1"),
        "flowcontrol.apiserver.k8s.io/v1beta2": ("1.29", "flowcontrol.apiserver.k8s.io/v1"),
        "flowcontrol.apiserver.k8s.io/v1beta3": ("1.32", "flowcontrol.apiserver.k8s.io/v1"),
    ]

    /// Kinds that are asked of an object and are none of their own; the table has no word of them.
    private static let asked: Set<String> = [
        "Binding", "DeleteOptions", "Eviction", "PodStatusResult", "Scale", "Status", "TokenRequest",
    ]

    /// What is doubtful about a kind; nil for nothing.
    static func doubt(about type: GroupVersionKind) -> String? {
        let (written, kind) = (type.apiVersion, type.kind)
        guard !FieldTypes.isKnown(apiVersion: written, kind: kind), !written.contains("${"), !kind.contains("${"),
            !asked.contains(kind)
        else { return nil }
        if written == "policy/v1beta1", kind == "PodSecurityPolicy" {
            return "Kubernetes 1.25 took PodSecurityPolicy away, and nothing is in its place: leave it out"
        }
        if let gone = removed["\(written):\(kind)"] ?? removed[written],
            FieldTypes.isKnown(apiVersion: gone.instead, kind: kind)
        {
            return "Kubernetes \(gone.since) took \(written) \(kind) away; write \(gone.instead)"
        }
        let all = FieldTypes.knownKinds
        let sameKind = all.filter { $0.kind == kind }
        // Where the kind is of this group in another version, a server may well have this one, too.
        guard !sameKind.contains(where: { $0.group == type.group }) else { return nil }
        let versions = Set(all.map(\.apiVersion))
        if versions.contains(written) {
            if let home = sameKind.last { return "\(written) has no kind \(kind): it is of \(home.apiVersion)" }
            let own = all.filter { $0.apiVersion == written }.map(\.kind)
            if let nearest = Spelling.nearest(to: kind, among: own) {
                return "\(written) has no kind \(kind); did you mean \(nearest)?"
            }
            guard let other = all.last(where: { $0.kind.lowercased() == kind.lowercased() }) else { return nil }
            return "\(written) has no kind \(kind); did you mean \(other.kind), of \(other.apiVersion)?"
        }
        // A group that is nearly one of Kubernetes' own.
        guard let home = sameKind.last, mayBeMisspelt(type.group), !home.group.isEmpty,
            Spelling.nearest(to: type.group, among: [home.group]) != nil
        else { return nil }
        return "no server has \(kind) of \(written); did you mean \(home.apiVersion)?"
    }

    /// Whether a group is nobody else's: short names, and those below `k8s.io`, are Kubernetes' own, those below `x-k8s.io` its projects'.
    private static func mayBeMisspelt(_ group: String) -> Bool {
        !group.isEmpty && (!group.contains(".") || group.contains("k8") && !group.contains("x-k8"))
    }
}
