internal import KubernetesObjects

/// One kind of object that a server serves, and how.
struct ResourceType: Sendable {
    var group: String
    var version: String
    var plural: String
    var singular: String
    var kind: String
    var listKind: String
    var isNamespaced: Bool
    var shortNames: [String] = []
    var categories: [String] = []
    var storageVersionHash: String?
    /// Names of subresources that are served: `status`, `scale` …
    var subresources: Set<String> = []
    /// Verbs of the main resource.
    var verbs: [String] = ResourceType.allVerbs
    var shape: Shape
    /// Whether this comes from a CustomResourceDefinition.
    var isCustom = false
    /// The schema that custom resources are defaulted, pruned and validated by.
    var schema: JSONValue?
    /// Paths of the scale subresource of a custom resource.
    var scalePaths: ScalePaths?
    /// Columns of a custom resource's table.
    var printerColumns: [JSONValue] = []

    struct ScalePaths: Sendable {
        var spec: String
        var status: String
        var selector: String?
    }

    static let allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

    /// `apps/v1`, or `v1` for the core group.
    var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// `deployments.apps`: what objects are stored under, whatever version they are read in.
    var storage: String { qualifiedPlural }

    var qualifiedPlural: String { group.isEmpty ? plural : "\(plural).\(group)" }

    var qualifiedKind: String { group.isEmpty ? kind : "\(kind).\(group)" }

    var hasStatus: Bool { subresources.contains("status") }

    /// Whether the server counts changes of the specification in `metadata.generation`.
    var countsGenerations: Bool {
        if isCustom { return true }
        switch kind {
        case "Namespace", "ConfigMap", "Secret", "Service", "ServiceAccount", "Node", "PersistentVolume",
            "PersistentVolumeClaim", "Endpoints", "Event", "LimitRange", "ResourceQuota", "Role", "RoleBinding",
            "ClusterRole", "ClusterRoleBinding", "PriorityClass", "StorageClass", "Lease", "ControllerRevision",
            "EndpointSlice", "HorizontalPodAutoscaler", "PodTemplate":
            return false
        default:
            return true
        }
    }

    /// A built-in resource, spelled short.
    static func builtIn(
        _ group: String, _ version: String, _ plural: String, _ kind: String, namespaced: Bool = true,
        short: [String] = [], categories: [String] = [], hash: String? = nil, subresources: Set<String> = [],
        type: String? = nil
    ) -> ResourceType {
        ResourceType(
            group: group, version: version, plural: plural, singular: kind.lowercased(), kind: kind,
            listKind: kind + "List", isNamespaced: namespaced, shortNames: short, categories: categories,
            storageVersionHash: hash, subresources: subresources,
            verbs: kind == "Namespace" ? allVerbs.filter { $0 != "deletecollection" } : allVerbs,
            shape: .named(type ?? kind))
    }
}
