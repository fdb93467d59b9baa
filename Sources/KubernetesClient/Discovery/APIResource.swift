public import KubernetesObjects

/// A kind as a server serves it: where its objects are, and what can be done to them.
public struct APIResource: Sendable, Hashable {
    /// The type.
    public var type: GroupVersionKind
    /// The name in paths: `deployments`.
    public var plural: String
    /// Whether objects live in namespaces.
    public var isNamespaced: Bool
    /// What can be done: `get`, `list`, `patch` …
    public var verbs: Set<String>
    /// Whether its objects have a status of their own to be written; nil where the server does not say.
    public var hasStatus: Bool?
    /// Whether its objects can be scaled by a resource of their own.
    public var hasScale = false

    /// Creates a resource.
    public init(
        type: GroupVersionKind, plural: String, isNamespaced: Bool, verbs: Set<String>, hasStatus: Bool? = nil,
        hasScale: Bool = false
    ) {
        self.type = type
        self.plural = plural
        self.isNamespaced = isNamespaced
        self.verbs = verbs
        self.hasStatus = hasStatus
        self.hasScale = hasScale
    }

    /// The path of the collection, in one namespace or (with nil) in all.
    public func collectionPath(namespace: String?) -> String {
        let root = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.group)/\(type.version)"
        guard isNamespaced, let namespace else { return "\(root)/\(plural)" }
        return "\(root)/namespaces/\(KubernetesRequest.encoded(namespace))/\(plural)"
    }

    /// The path of one object.
    ///
    /// - Throws: ``KubernetesError`` when the kind is namespaced and no namespace is given, or name or namespace is empty.
    public func path(namespace: String?, name: String) throws -> String {
        guard !name.isEmpty else {
            throw KubernetesError(code: .invalidInput, message: "a \(type.kind) without a name cannot be addressed")
        }
        if isNamespaced, (namespace ?? "").isEmpty {
            throw KubernetesError(
                code: .invalidInput, message: "\(type) \(name) lives in a namespace, and metadata.namespace is not set")
        }
        return collectionPath(namespace: namespace) + "/" + KubernetesRequest.encoded(name)
    }
}
