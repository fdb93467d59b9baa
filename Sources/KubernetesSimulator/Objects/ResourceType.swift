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
    /// Whether the server counts changes of the specification in `metadata.generation`.
    var countsGenerations = true
    var shape: Shape
    /// Whether this comes from a CustomResourceDefinition.
    var isCustom = false
    /// The schema that custom resources are defaulted, pruned and validated by.
    var schema: JSONValue?
    /// The rules of that schema, where it has any.
    var rules: SchemaRules?
    /// Paths of the scale subresource of a custom resource.
    var scalePaths: ScalePaths?
    /// How this version's objects become stored ones; nil where they are stored as they are.
    var conversion: VersionConversion?
    /// Fields that a definition lets be selected by.
    var selectableFields: Set<String> = []
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
    var storage: String { conversion?.storage ?? qualifiedPlural }

    var qualifiedPlural: String { group.isEmpty ? plural : "\(plural).\(group)" }

    var qualifiedKind: String { group.isEmpty ? kind : "\(kind).\(group)" }

    var hasStatus: Bool { subresources.contains("status") }
}
