/// A field that somebody else owns, in the way of an apply without force.
public struct ApplyConflict: Sendable, Hashable {
    /// The other manager: `kubectl-edit`, `helm` …
    public var manager: String
    /// The API version that it used, when the server names it.
    public var apiVersion: String?
    /// The field, as the server writes it: `.spec.replicas`.
    public var field: String

    /// Creates a conflict.
    public init(manager: String, apiVersion: String? = nil, field: String) {
        self.manager = manager
        self.apiVersion = apiVersion
        self.field = field
    }

    /// The conflicts that a server's answer lists; empty for any other error.
    public static func list(in error: KubernetesError) -> [ApplyConflict] {
        guard error.status == 409 else { return [] }
        return error.causes.compactMap { cause in
            guard cause.reason == "FieldManagerConflict" else { return nil }
            // conflict with "kubectl-edit" using v1 at 2026-01-01T00:00:00Z
            let parts = cause.message.split(separator: "\"", omittingEmptySubsequences: false)
            let manager = parts.count >= 3 ? String(parts[1]) : "another manager"
            var words = parts.count >= 3 ? parts[2].split(separator: " ")[...] : []
            var version: String?
            if let using = words.firstIndex(of: "using") {
                words = words[(using + 1)...]
                version = words.first.map { String($0) }
            }
            return ApplyConflict(manager: manager, apiVersion: version, field: cause.field ?? "?")
        }
    }

    /// Conflicts in words, by manager: `kubectl-edit owns .data.a, .data.b; helm owns .spec.replicas`.
    public static func summary(_ conflicts: [ApplyConflict]) -> String {
        let byManager = Dictionary(grouping: conflicts) { $0.manager }
        return byManager.keys.sorted().map { manager in
            let fields = (byManager[manager] ?? []).map(\.field).sorted().joined(separator: ", ")
            return "\(manager) owns \(fields)"
        }.joined(separator: "; ")
    }

    /// The managers under which `kubectl apply` without `--server-side` writes.
    ///
    /// What they own was written from a manifest, as ours is: taking it over loses nothing that anybody set by hand.
    public static let clientSideManagers: Set<String> = [
        "kubectl-client-side-apply", "kubectl-last-applied", "before-first-apply",
    ]

    /// The managers of tools that write what a manifest has, as ours is. Taking over by force takes all that they own, and not alone what
    /// conflicts: otherwise fields that they have alone would stay for ever. People and controllers are not among them.
    static let manifestManagers: Set<String> = [
        "kubectl", "kubectl-create", "kubectl-replace", "helm", "Helm", "helm-controller", "kustomize-controller",
        "argocd-controller", "argocd-application-controller", "Terraform", "HashiCorp", "pulumi-kubernetes",
    ]

    /// Whether force is safe: all conflicts are with kubectl's client-side apply, or with what the applier itself wrote
    /// other than by applying.
    ///
    /// - Parameter applier: The applier's own manager.
    public static func areSafeToForce(_ conflicts: [ApplyConflict], applier: String) -> Bool {
        !conflicts.isEmpty
            && conflicts.allSatisfy { clientSideManagers.contains($0.manager) || $0.manager == applier }
    }
}

/// Changes that a server refuses because a field cannot change once it is set.
public enum ImmutableFields {
    /// The fields that an answer names as immutable; empty for any other error.
    public static func fields(in error: KubernetesError) -> [String] {
        guard error.status == 422 else { return [] }
        return error.causes.filter { cause in texts.contains { cause.message.contains($0) } }.map { $0.field ?? "?" }
    }

    /// How the validations of Kubernetes' kinds, and rules of custom resources after their example, put it.
    private static let texts = [
        "immutable", "may not be changed once set", "may not change once set", "may not be changed in an update",
        "updates to statefulset spec for fields other than", "pod updates may not change fields other than",
        "cannot change roleRef", "updates to parameters are forbidden", "updates to provisioner are forbidden",
        "updates to reclaimPolicy are forbidden",
    ]
}
