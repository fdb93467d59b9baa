internal import NIOCore
internal import PortGuard
internal import SwellModel
internal import SwellStore
internal import Synchronization

/// Which certificate each open connection of the fleet port was used with, so that a revocation closes the connection itself and not
/// only what is said over it.
///
/// It knows at most as many as the port takes: each leaves with its connection.
final class CallerConnections: Sendable {
    private struct State {
        var channels: [String: any Channel] = [:]
        /// What guards the port.
        var connections: ConnectionGuard?
        var uses: [String: CertificateUse] = [:]
    }

    private let state = Mutex(State())

    /// Takes note of a connection that `connections` has just accepted.
    func accept(_ channel: any Channel, under connections: ConnectionGuard) {
        guard let peer = Self.name(of: channel.remoteAddress) else { return }
        let id = ObjectIdentifier(channel)
        state.withLock { state in
            state.channels[peer] = channel
            state.connections = connections
        }
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { state in
                // The address may be in use again by then.
                guard let known = state.channels[peer], ObjectIdentifier(known) == id else { return }
                state.channels[peer] = nil
                state.uses[peer] = nil
            }
        }
    }

    /// The peer, as gRPC describes it (`ipv4:192.0.2.7:4711`), makes a call with this certificate, which may or may not count.
    func note(_ use: CertificateUse, of peer: String) {
        state.withLock { state in
            guard state.channels[peer] != nil else { return }
            state.uses[peer] = use
        }
    }

    /// A call of the peer was let in, for this cluster's agent: from now on the connection is that cluster's, and no stranger's.
    func admit(_ peer: String, as cluster: ClusterName) {
        let (channel, connections) = state.withLock { ($0.channels[peer], $0.connections) }
        guard let channel else { return }
        connections?.recognise(channel, as: cluster.rawValue)
    }

    /// The certificates that open connections were used with.
    var uses: Set<CertificateUse> { state.withLock { Set($0.uses.values) } }

    /// Closes every connection that was used with one of these.
    func close(_ uses: Set<CertificateUse>) {
        let channels = state.withLock { state in
            state.uses.filter { uses.contains($0.value) }.compactMap { state.channels[$0.key] }
        }
        for channel in channels { ConnectionGuard.close(channel) }
    }

    /// Closes the connection of a peer, once it was told why: what is under way has a moment for that.
    func close(peer: String) {
        guard let channel = state.withLock({ $0.channels[peer] }) else { return }
        channel.eventLoop.scheduleTask(in: .milliseconds(250)) { ConnectionGuard.close(channel) }
    }

    /// An address as gRPC writes it.
    private static func name(of address: SocketAddress?) -> String? {
        guard let address, let port = address.port else { return nil }
        return switch address {
        case .v4(let v4): "ipv4:\(v4.host):\(port)"
        case .v6(let v6): "ipv6:[\(v6.host)]:\(port)"
        case .unixDomainSocket: nil
        }
    }
}
