private import KubernetesObjects

/// What a release consists of: which objects, by name, without what is in them.
public struct ReleaseContentsView: Sendable, Hashable, Codable {
    public var apiVersion = DocumentKind.apiVersion
    public var kind = "ReleaseContents"
    /// The application's namespace: that of objects that name none.
    public var namespace: String
    /// In the order they were given.
    public var items: [Item]

    public struct Item: Sendable, Hashable, Codable {
        public var apiVersion: String
        public var kind: String
        public var name: String
        /// As written; nil where the object names none.
        public var namespace: String?
        /// Whether the kind lives in namespaces. Custom kinds are taken to, unless the release defines them otherwise.
        public var namespaced: Bool
        /// The kind that it defines, where it is a CustomResourceDefinition.
        public var defines: Definition?
        /// The role that it hands out, where it is a RoleBinding or ClusterRoleBinding.
        public var binds: RoleReference?

        public init(
            apiVersion: String, kind: String, name: String, namespace: String? = nil, namespaced: Bool = true,
            defines: Definition? = nil, binds: RoleReference? = nil
        ) {
            self.apiVersion = apiVersion
            self.kind = kind
            self.name = name
            self.namespace = namespace
            self.namespaced = namespaced
            self.defines = defines
            self.binds = binds
        }
    }

    /// A Role or ClusterRole, by kind and name as written.
    public struct RoleReference: Sendable, Hashable, Codable {
        public var kind: String
        public var name: String

        public init(kind: String, name: String) {
            self.kind = kind
            self.name = name
        }
    }

    /// A custom kind.
    public struct Definition: Sendable, Hashable, Codable {
        public var group: String
        public var kind: String
        /// The plural in paths and in RBAC.
        public var resource: String
        public var namespaced: Bool

        public init(group: String, kind: String, resource: String, namespaced: Bool) {
            self.group = group
            self.kind = kind
            self.resource = resource
            self.namespaced = namespaced
        }
    }

    /// - Parameter documents: The objects as stored, in the bundle's order.
    /// - Throws: ``ModelError`` when a stored object cannot be read.
    public init(_ bundle: Bundle, documents: [[UInt8]]) throws(ModelError) {
        self.namespace = bundle.application.namespace
        self.items = []
        for document in documents {
            do {
                items.append(Item(try JSONValue(parsing: document)))
            } catch {
                throw ModelError(code: .syntax, message: "a stored object cannot be read: \(error)")
            }
        }
        let definitions = Dictionary(
            items.compactMap(\.defines).map { (GroupKind(group: $0.group, kind: $0.kind), $0.namespaced) }
        ) { first, _ in first }
        for index in items.indices {
            let item = items[index]
            let type = GroupVersionKind(apiVersion: item.apiVersion, kind: item.kind).groupKind
            items[index].namespaced = definitions[type] ?? !ObjectScopes.isClusterWide(type)
        }
    }
}

extension ReleaseContentsView.Item {
    fileprivate init(_ object: JSONValue) {
        self.init(
            apiVersion: object["apiVersion"]?.stringValue ?? "", kind: object["kind"]?.stringValue ?? "",
            name: object["metadata"]?["name"]?.stringValue ?? "",
            namespace: object["metadata"]?["namespace"]?.stringValue)
        if ["RoleBinding", "ClusterRoleBinding"].contains(kind), let role = object["roleRef"]?["kind"]?.stringValue,
            let name = object["roleRef"]?["name"]?.stringValue
        {
            binds = ReleaseContentsView.RoleReference(kind: role, name: name)
        }
        guard kind == "CustomResourceDefinition", let spec = object["spec"],
            let resource = spec["names"]?["plural"]?.stringValue, let defined = spec["names"]?["kind"]?.stringValue
        else { return }
        defines = ReleaseContentsView.Definition(
            group: spec["group"]?.stringValue ?? "", kind: defined, resource: resource,
            namespaced: spec["scope"]?.stringValue != "Cluster")
    }
}
