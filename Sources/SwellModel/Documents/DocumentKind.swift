internal import KubernetesObjects

/// The kinds of document that `swell.dev/v1` knows.
public enum DocumentKind: String, Sendable, CaseIterable {
    case cluster = "Cluster"
    case application = "Application"
    case rolloutPolicy = "RolloutPolicy"

    /// The API version that all of them carry.
    public static let apiVersion = "swell.dev/v1"

    func document(metadata: [String: JSONValue], spec: [String: JSONValue]) -> JSONValue {
        .object([
            "apiVersion": .string(Self.apiVersion), "kind": .string(rawValue), "metadata": .object(metadata),
            "spec": .object(spec),
        ])
    }
}
