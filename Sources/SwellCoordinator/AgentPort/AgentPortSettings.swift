package import PortGuard

/// How a port for agents behaves towards connections.
package struct AgentPortSettings: Sendable {
    /// The IP address to listen on.
    package var host: String
    /// The TCP port; 0 for any free one.
    package var port: Int
    /// How long a connection may say nothing at all before it is closed. Agents ping every ``agentPingInterval``, so a
    /// live one is never silent for so long; a frozen one, or a peer that never says hello, is.
    package var silenceLimit: Duration
    /// How often agents may, and do, ping.
    package var agentPingInterval: Duration
    /// How old a connection may get, so that agents spread over new replicas and show their renewed certificates; nil
    /// for any age. Without jitter of its own: vary it a little from replica to replica.
    package var maximumAge: Duration?
    /// How long calls may go on once their connection, or the port, is to close.
    package var graceTime: Duration
    /// How many connections at a time, of whom.
    package var connections: ConnectionLimits
    /// How long a connection may take for its handshake, however many bytes come of it.
    package var handshakeDeadline: Duration = .seconds(10)
    /// How long it may take for its first call after that; nil for any time.
    package var requestDeadline: Duration?
    /// How many small frames a connection may send in a second.
    package var frames = FrameLimits()
    /// The most bytes of one message from an agent.
    package var maximumMessageSize: Int

    /// The port of the fleet's sessions.
    package static func fleet(host: String, port: Int) -> AgentPortSettings {
        AgentPortSettings(
            host: host, port: port, silenceLimit: .seconds(75), agentPingInterval: .seconds(30),
            maximumAge: .seconds(6 * 3600), graceTime: .seconds(5),
            connections: ConnectionLimits(
                total: 20_000, strangers: 2_048, strangersPerAddress: 512, perPeer: 4, reserved: 32),
            requestDeadline: .seconds(10), maximumMessageSize: 4 * 1024 * 1024)
    }

    /// The port where agents come for their first certificate: short calls by few, and open to strangers.
    package static func enrolment(host: String, port: Int) -> AgentPortSettings {
        AgentPortSettings(
            host: host, port: port, silenceLimit: .seconds(15), agentPingInterval: .seconds(30),
            maximumAge: .seconds(60), graceTime: .seconds(5),
            connections: ConnectionLimits(total: 256, strangers: 256, strangersPerAddress: 64),
            requestDeadline: .seconds(10), maximumMessageSize: 64 * 1024)
    }

    /// What the port's guard asks of connections.
    func guarding(_ name: String) -> ConnectionGuard.Settings {
        ConnectionGuard.Settings(
            name: name, limits: connections, silenceLimit: silenceLimit, handshakeDeadline: handshakeDeadline,
            requestDeadline: requestDeadline, frames: frames)
    }
}
