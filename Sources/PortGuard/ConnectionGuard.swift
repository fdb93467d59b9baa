internal import Metrics
package import NIOCore
internal import NIOSSL
internal import Synchronization

/// Keeps a port's connections few, alive and honest, below TLS, where strangers arrive first.
///
/// gRPC's own keepalive waits for the very acknowledgement that a dead peer never sends, as does its grace time at shutdown, and nothing
/// in it, nor in an HTTP server, limits how long a peer may take for its handshake. So every connection gets a keeper as its first handler,
/// which can close it past TLS, HTTP and whatever they wait for; a ``ConnectionTable`` says which go when too many come.
package final class ConnectionGuard: Sendable {
    /// What a port asks of its connections.
    package struct Settings: Sendable {
        /// The port's name in metrics.
        package var name: String
        package var limits: ConnectionLimits
        /// How long a connection may say nothing at all; nil where what is above looks after that.
        package var silenceLimit: Duration?
        /// How long the handshake may take, in all, however many bytes come of it.
        package var handshakeDeadline: Duration
        /// How long the first request may take after the handshake; nil for any time.
        package var requestDeadline: Duration?
        /// How many small frames of HTTP/2 a connection may send; nil where the port speaks something else.
        package var frames: FrameLimits?

        package init(
            name: String, limits: ConnectionLimits, silenceLimit: Duration?, handshakeDeadline: Duration = .seconds(10),
            requestDeadline: Duration?, frames: FrameLimits? = nil
        ) {
            self.name = name
            self.limits = limits
            self.silenceLimit = silenceLimit
            self.handshakeDeadline = handshakeDeadline
            self.requestDeadline = requestDeadline
            self.frames = frames
        }
    }

    /// Why a connection was closed from here.
    package enum Cut: String, Sendable, CaseIterable {
        /// There were as many as may be, all at work.
        case refused = "too many connections"
        /// A newer one came for which there was no other room.
        case displaced = "displaced by a newer connection"
        case noHandshake = "no handshake in time"
        case noRequest = "no request in time"
        case silent = "silent for too long"
        case oldTLS = "a TLS version below 1.3"
        case plainText = "no TLS"
        case frames = "too many frames in a second"
    }

    private struct State {
        var table: ConnectionTable<ObjectIdentifier>
        /// At most ``ConnectionLimits/total``.
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isClosed = false
    }

    private let settings: Settings
    private let onCut: @Sendable (Cut, AddressBlock) -> Void
    private let state: Mutex<State>
    private let cuts: [Cut: Counter]
    private let open: Gauge

    /// - Parameter onCut: told of every connection that was closed from here; it must not block.
    package init(
        _ settings: Settings, onCut: @escaping @Sendable (Cut, AddressBlock) -> Void = { _, _ in }
    ) {
        self.settings = settings
        self.onCut = onCut
        self.state = Mutex(State(table: ConnectionTable(settings.limits)))
        self.cuts = Dictionary(
            uniqueKeysWithValues: Cut.allCases.map {
                (
                    $0,
                    Counter(
                        label: "swell_connections_cut_total", dimensions: [("port", settings.name), ("why", "\($0)")])
                )
            })
        self.open = Gauge(label: "swell_connections_open", dimensions: [("port", settings.name)])
    }

    /// How many connections are open.
    package var openConnections: Int { state.withLock { $0.table.count } }

    /// How many of them are strangers'.
    package var openStrangers: Int { state.withLock { $0.table.strangerCount } }

    /// Takes a connection that was just accepted; fails the future, which closes it, when there are too many.
    package func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        let id = ObjectIdentifier(channel)
        let address = AddressBlock(channel.remoteAddress)
        let (admission, displaced) = state.withLock { state -> (Bool, (any Channel)?) in
            guard !state.isClosed else { return (false, nil) }
            guard case .admitted(let old) = state.table.admit(id, from: address) else { return (false, nil) }
            state.channels[id] = channel
            return (true, old.flatMap { state.channels.removeValue(forKey: $0) })
        }
        guard admission else {
            note(.refused, address)
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(ConnectionRefused())
        }
        if let displaced { cut(displaced, .displaced, AddressBlock(displaced.remoteAddress)) }
        channel.closeFuture.whenComplete { [self] _ in forget(id) }
        noteOpen()
        return channel.eventLoop.makeCompletedFuture {
            let keeper = ConnectionKeeper(settings, address) { [self] in note($0, address) }
            let pipeline = channel.pipeline.syncOperations
            // Each goes to the front, so the one added last is first: silence is measured on the bytes of the network.
            try pipeline.addHandler(keeper, position: .first)
            if let limit = settings.silenceLimit {
                try pipeline.addHandler(IdleStateHandler(readTimeout: TimeAmount(limit)), position: .first)
            }
        }
    }

    /// Follows the handshake of a connection that was accepted here and whose TLS handler is in place by now; without one there is no
    /// handshake to wait for.
    package func followHandshake(of channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            guard let tls = try? pipeline.handler(type: NIOSSLServerHandler.self) else {
                channel.pipeline.fireUserInboundEventTriggered(ConnectionProgress.secured)
                return
            }
            let follower = HandshakeFollower(tls)
            try pipeline.addHandler(follower, position: .after(tls))
            if let frames = settings.frames {
                let id = ObjectIdentifier(channel)
                let watch = FrameWatch(frames) { [self] in state.withLock { !$0.table.isKnown(id) } }
                try pipeline.addHandler(watch, position: .after(follower))
            }
            channel.pipeline.fireUserInboundEventTriggered(ConnectionProgress.expectsTLS)
        }
    }

    /// A first request has come over a connection.
    package func noteRequest(over channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ConnectionProgress.asked)
    }

    /// Who is at the other end of a connection is known, and was let in. A certificate alone does not say so: whether it counts is found
    /// out where it is used, and until then a connection must not displace one of whom that is known.
    package func recognise(_ channel: any Channel, as peer: String) {
        let displaced = state.withLock { state in
            state.table.recognise(ObjectIdentifier(channel), as: peer).flatMap {
                state.channels.removeValue(forKey: $0)
            }
        }
        if let displaced { cut(displaced, .displaced, AddressBlock(displaced.remoteAddress)) }
    }

    /// Where the peer is whose handshake the running code is part of; ``AddressBlock/unknown`` outside of one. A task that is begun there
    /// has it too.
    package static var handshakeAddress: AddressBlock { HandshakePeer.address }

    /// Closes a connection that a guard has accepted at once, past TLS, HTTP and whatever those wait for.
    package static func close(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ConnectionProgress.closeNow)
    }

    /// Closes every connection at once, and those that come later.
    package func closeAll() {
        let channels = state.withLock { state in
            state.isClosed = true
            return Array(state.channels.values)
        }
        for channel in channels { Self.close(channel) }
    }

    private func forget(_ id: ObjectIdentifier) {
        state.withLock { state in
            state.table.remove(id)
            state.channels[id] = nil
        }
        noteOpen()
    }

    private func cut(_ channel: any Channel, _ why: Cut, _ address: AddressBlock) {
        note(why, address)
        Self.close(channel)
    }

    private func note(_ why: Cut, _ address: AddressBlock) {
        cuts[why]?.increment()
        onCut(why, address)
    }

    private func noteOpen() { open.record(openConnections) }
}

/// Ends the set-up of a connection beyond the limit, or after the end.
private struct ConnectionRefused: Error {}
