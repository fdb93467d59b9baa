/// What type a Kubernetes object is of: API group, version and kind.
public struct GroupVersionKind: Sendable, Hashable {
    /// The API group; empty for the core one.
    public var group: String
    /// The version in the group: `v1`, `v1beta2`.
    public var version: String
    /// The kind: `Deployment`.
    public var kind: String

    /// Creates a type from its parts.
    public init(group: String = "", version: String, kind: String) {
        self.group = group
        self.version = version
        self.kind = kind
    }

    /// Creates a type from an `apiVersion` field (`apps/v1`, `v1`) and a kind.
    public init(apiVersion: String, kind: String) {
        if let slash = apiVersion.firstIndex(of: "/") {
            self.group = String(apiVersion[..<slash])
            self.version = String(apiVersion[apiVersion.index(after: slash)...])
        } else {
            self.group = ""
            self.version = apiVersion
        }
        self.kind = kind
    }

    /// Group and version as an object's `apiVersion` field has them.
    public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// The type without its version, which changes without the object becoming another one.
    public var groupKind: GroupKind { GroupKind(group: group, kind: kind) }
}

extension GroupVersionKind: CustomStringConvertible {
    /// `apps/v1 Deployment`.
    public var description: String { "\(apiVersion) \(kind)" }
}

/// A type of object in whatever version.
public struct GroupKind: Sendable, Hashable {
    /// The API group; empty for the core one.
    public var group: String
    /// The kind.
    public var kind: String

    /// Creates a type.
    public init(group: String = "", kind: String) {
        self.group = group
        self.kind = kind
    }

    /// Whether what is of this type runs to an end of its own: Jobs, and pods that nobody starts again.
    public var runsToItsEnd: Bool { self == GroupKind(group: "batch", kind: "Job") || self == GroupKind(kind: "Pod") }
}

extension GroupKind: CustomStringConvertible {
    /// `Deployment.apps`, or `Service` in the core group.
    public var description: String { group.isEmpty ? kind : "\(kind).\(group)" }
}
