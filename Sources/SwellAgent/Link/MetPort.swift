internal import HandshakeProbe

/// What answers at an address that was dialled in vain, by how it shakes hands. The transport tells of all of these only that the connection
/// was closed.
enum MetPort: Sendable, Hashable {
    /// It wants a certificate of an agent.
    case sessions
    /// It wants none.
    case enrolment
    /// It speaks another protocol than agents do.
    case http
    case withoutTLS

    /// What an agent wanted to find.
    enum Wanted { case sessions, enrolment }

    /// What is there; nil where that cannot be told.
    static func look(at endpoint: Endpoint) async -> MetPort? {
        await SeenHandshake.look(host: endpoint.host, port: endpoint.port).flatMap { MetPort($0) }
    }

    init?(_ seen: SeenHandshake) {
        if seen.isPlain {
            self = .withoutTLS
        } else if seen.refusesProtocols {
            self = .http
        } else if !seen.isCompleted {
            // Cut before a certificate was shown, it is anybody's; a coordinator's, too, that has no room for strangers.
            guard seen.isShown, seen.isCut, !seen.isLate else { return nil }
            self = .sessions
        } else if seen.agreed != "h2" {
            self = .http
        } else {
            self = seen.isCut ? .sessions : .enrolment
        }
    }

    /// What was met and what is wanted, for the log; nil where the port is the right one.
    func advice(wanting wanted: Wanted) -> String? {
        let right =
            switch wanted {
            case .sessions: "--coordinator wants the port for agents' sessions (7443 by default)"
            case .enrolment: "--enroll wants the port for enrolment (7444 by default)"
            }
        switch (self, wanted) {
        case (.sessions, .sessions), (.enrolment, .enrolment): return nil
        case (.sessions, .enrolment): return "that is the port for agents' sessions; \(right)"
        case (.enrolment, .sessions): return "that is the port for enrolment; \(right)"
        case (.http, _): return "that speaks HTTP, as the operators' API does, and is no port for agents; \(right)"
        case (.withoutTLS, _): return "that does not speak TLS; \(right)"
        }
    }
}
