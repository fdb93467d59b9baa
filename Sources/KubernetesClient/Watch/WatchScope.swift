public import KubernetesObjects

/// What one watch of the server tells of.
public enum WatchScope: Sendable, Hashable {
    /// All objects of a kind, in every namespace or outside of namespaces.
    case everywhere(GroupVersionKind)
    /// The objects of a kind in one namespace.
    case namespace(GroupVersionKind, String)
    /// One object: where nothing else of its kind is wanted there, the others need not be told of, nor be readable.
    case object(GroupVersionKind, namespace: String?, name: String)

    /// The kind.
    public var type: GroupVersionKind {
        switch self {
        case .everywhere(let type), .namespace(let type, _), .object(let type, _, _): type
        }
    }

    /// What the server is asked for.
    public var selection: ObjectSelection {
        switch self {
        case .everywhere(let type): ObjectSelection(type: type)
        case .namespace(let type, let namespace): ObjectSelection(type: type, namespace: namespace)
        case .object(let type, let namespace, let name):
            ObjectSelection(type: type, namespace: namespace, fieldSelector: "metadata.name=\(name)")
        }
    }

    /// How much it takes in: of two that tell of an object, the wider one stays.
    var width: Int {
        switch self {
        case .everywhere: 2
        case .namespace: 1
        case .object: 0
        }
    }

    /// Whether it tells of everything that somebody is interested in.
    func covers(_ interest: WatchInterest) -> Bool {
        guard interest.selection.type == type else { return false }
        switch self {
        case .everywhere: return true
        case .namespace(_, let namespace): return interest.selection.namespace == namespace
        case .object(_, let namespace, let name):
            return interest.selection.namespace == namespace && interest.only == name
        }
    }

    /// Whether there can be objects of which both tell.
    func overlaps(_ other: WatchScope) -> Bool {
        guard type == other.type else { return false }
        switch (self, other) {
        case (.everywhere, _), (_, .everywhere): return true
        case (.object(_, let one, let name), .object(_, let two, let second)): return one == two && name == second
        default: return selection.namespace == other.selection.namespace
        }
    }
}

extension WatchScope: CustomStringConvertible {
    /// `apps/v1 Deployment in shop`.
    public var description: String { "\(selection)" }
}
