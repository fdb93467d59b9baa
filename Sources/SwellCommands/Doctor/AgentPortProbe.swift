internal import HandshakeProbe

/// What answers where agents are to dial, by how it shakes hands: a port that is open may be another one's. Nothing is sent to it, and nothing
/// of it is trusted; whether its certificate is of the right authority, only agents can tell.
enum AgentPortProbe: Sendable, Hashable {
    /// A coordinator that wants the certificate of an agent.
    case sessions
    /// A coordinator that wants none.
    case enrolment
    /// A coordinator that does not speak HTTP/2 there, as at the operators' API.
    case api
    /// TLS, by a certificate that is no coordinator's; as of a load balancer that ends it.
    case stranger
    /// No TLS, or none that was agreed on.
    case withoutTLS

    /// What was met, as the end of a sentence that begins with the address.
    var words: String {
        switch self {
        case .sessions: "is a coordinator's port for agents"
        case .enrolment: "is a coordinator's port for enrolment"
        case .api: "is a coordinator's port for operators"
        case .stranger: "speaks TLS with a certificate that is no coordinator's"
        case .withoutTLS: "accepts connections and agrees on no TLS: it is no port of a coordinator"
        }
    }

    /// - Parameter limit: for how long the other side may take.
    /// - Returns: Nil where that cannot be told: nobody is there, or it says nothing in time.
    static func look(host: String, port: Int, within limit: Duration = .seconds(3)) async -> AgentPortProbe? {
        await SeenHandshake.look(host: host, port: port, within: limit).flatMap { AgentPortProbe($0) }
    }

    init?(_ seen: SeenHandshake) {
        guard seen.isShown else {
            guard seen.isCut, !seen.isLate else { return nil }
            self = .withoutTLS
            return
        }
        // The server's certificate says whom it speaks for: `spiffe://DOMAIN/coordinator`.
        guard seen.names.contains(where: { $0.hasPrefix("spiffe://") && $0.hasSuffix("/coordinator") }) else {
            self = .stranger
            return
        }
        guard seen.isCompleted else { return nil }
        if seen.agreed == "h2" { self = seen.isCut ? .sessions : .enrolment } else { self = .api }
    }
}
