/// Which object is meant: type, namespace and name.
public struct ObjectReference: Sendable, Hashable {
    /// The type.
    public var type: GroupVersionKind
    /// The namespace; nil for an object of cluster scope, or where it is not settled yet.
    public var namespace: String?
    /// The name.
    public var name: String

    /// Creates a reference.
    public init(type: GroupVersionKind, namespace: String? = nil, name: String) {
        self.type = type
        self.namespace = namespace
        self.name = name
    }

    /// The same object in whatever API version: what tells whether two references mean one object.
    public var identity: ObjectIdentity {
        ObjectIdentity(type: type.groupKind, namespace: namespace, name: name)
    }

    /// Names are told apart by bytes, as the API server does.
    public static func == (left: Self, right: Self) -> Bool {
        left.type == right.type && left.namespace.isExactly(right.namespace) && left.name.isExactly(right.name)
    }

    /// `web` or `shop/web`.
    public var qualifiedName: String { namespace.map { "\($0)/\(name)" } ?? name }
}

extension ObjectReference: CustomStringConvertible {
    /// `apps/v1 Deployment shop/web`.
    public var description: String { "\(type) \(qualifiedName)" }
}

/// An object whatever API version it is read in.
public struct ObjectIdentity: Sendable, Hashable {
    /// The type without version.
    public var type: GroupKind
    /// The namespace; nil for cluster scope.
    public var namespace: String?
    /// The name.
    public var name: String

    /// Creates an identity.
    public init(type: GroupKind, namespace: String? = nil, name: String) {
        self.type = type
        self.namespace = namespace
        self.name = name
    }

    /// Names are told apart by bytes, as the API server does.
    public static func == (left: Self, right: Self) -> Bool {
        left.type == right.type && left.namespace.isExactly(right.namespace) && left.name.isExactly(right.name)
    }
}

extension ObjectIdentity: CustomStringConvertible {
    /// `Deployment.apps shop/web`.
    public var description: String { "\(type) \(namespace.map { "\($0)/" } ?? "")\(name)" }
}
