public import SwellModel

/// Who holds a certificate: the coordinator, or the agent of one cluster.
public struct WorkloadIdentity: Hashable, Sendable, CustomStringConvertible {
    /// What the holder is.
    public enum Role: Hashable, Sendable {
        /// A replica of the coordinator.
        case coordinator
        /// The agent of this cluster.
        case cluster(ClusterName)
    }

    /// The circle of trust that the name belongs to.
    public let trustDomain: TrustDomain
    /// What the holder is.
    public let role: Role

    /// The coordinator's identity in `trustDomain`.
    public static func coordinator(in trustDomain: TrustDomain) -> WorkloadIdentity {
        WorkloadIdentity(trustDomain: trustDomain, role: .coordinator)
    }

    /// The identity of the agent of cluster `name` in `trustDomain`.
    public static func cluster(_ name: ClusterName, in trustDomain: TrustDomain) -> WorkloadIdentity {
        WorkloadIdentity(trustDomain: trustDomain, role: .cluster(name))
    }

    private init(trustDomain: TrustDomain, role: Role) {
        self.trustDomain = trustDomain
        self.role = role
    }

    /// Reads `spiffe://<trust domain>/coordinator` or `spiffe://<trust domain>/cluster/<name>`, and nothing else:
    /// no upper case, no percent-encoding, no port, query, fragment, empty or additional path segment.
    public init(uri: String) throws(IdentityError) {
        let scheme = "spiffe://"
        func refusal() -> IdentityError {
            IdentityError(
                .invalidName,
                "name \(quoted(uri)): expected spiffe://<trust domain>/cluster/<name> or spiffe://<trust domain>/coordinator"
            )
        }
        guard uri.utf8.count <= 512, uri.hasPrefix(scheme) else { throw refusal() }
        let segments = uri.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false).map(
            String.init)
        guard segments.count >= 2, let domain = try? TrustDomain(segments[0]) else { throw refusal() }
        switch (segments[1], segments.count) {
        case ("coordinator", 2): self = .coordinator(in: domain)
        case ("cluster", 3):
            guard let name = try? ClusterName(segments[2]) else { throw refusal() }
            self = .cluster(name, in: domain)
        default: throw refusal()
        }
    }

    /// The name as it stands in the certificate.
    public var uri: String {
        switch role {
        case .coordinator: "\(trustDomain.uri)/coordinator"
        case .cluster(let name): "\(trustDomain.uri)/cluster/\(name)"
        }
    }

    /// The cluster's name, if the holder is a cluster's agent.
    public var clusterName: ClusterName? {
        if case .cluster(let name) = role { name } else { nil }
    }

    public var description: String { uri }
}

/// Untrusted text made fit for a message: printable ASCII, at most 80 characters.
func quoted(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(80) {
        shown.unicodeScalars.append(scalar.isASCII && scalar.value >= 0x20 && scalar.value != 0x7f ? scalar : "?")
    }
    return "\"\(shown)\(text.unicodeScalars.count > 80 ? "…" : "")\""
}
