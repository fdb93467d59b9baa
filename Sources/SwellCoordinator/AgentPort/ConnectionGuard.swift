internal import NIOCore
internal import Synchronization

/// Keeps a port's connections few and alive, below TLS, where strangers arrive first.
///
/// gRPC's own keepalive waits for the very acknowledgement that a dead peer never sends, as does its grace time at shutdown, and
/// nothing in it limits how long a peer may take for its hello. So every connection gets a limit on silence as its first handler,
/// and can be closed from there, past TLS and HTTP/2 and whatever they wait for.
final class ConnectionGuard: Sendable {
    private struct State {
        /// At most ``maximumConnections``, and those that are being refused.
        var open: [ObjectIdentifier: any Channel] = [:]
        var isClosed = false
    }

    private let silenceLimit: TimeAmount
    private let maximumConnections: Int
    private let state = Mutex(State())

    init(silenceLimit: Duration, maximumConnections: Int) {
        self.silenceLimit = TimeAmount(silenceLimit)
        self.maximumConnections = maximumConnections
    }

    /// How many connections are open.
    var openConnections: Int { state.withLock { $0.open.count } }

    /// Closes every connection at once, and those that come later.
    func closeAll() {
        let channels = state.withLock { state in
            state.isClosed = true
            return Array(state.open.values)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(CloseNow()) }
    }

    /// Takes a connection that was just accepted; fails the future, which closes it, when there are too many.
    func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        let id = ObjectIdentifier(channel)
        let isWelcome = state.withLock { state in
            state.open[id] = channel
            return !state.isClosed && state.open.count <= maximumConnections
        }
        channel.closeFuture.whenComplete { [self] _ in state.withLock { $0.open[id] = nil } }
        guard isWelcome else {
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(ConnectionRefused())
        }
        let limit = silenceLimit
        return channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            // Each goes to the front, so the one added last is first: silence is measured on the bytes of the network.
            try pipeline.addHandler(CloseOnSilence(), position: .first)
            try pipeline.addHandler(IdleStateHandler(readTimeout: limit), position: .first)
        }
    }
}

/// Ends the set-up of a connection beyond the limit, or after the end.
private struct ConnectionRefused: Error {}

/// Asks ``CloseOnSilence`` to close its connection.
private struct CloseNow: Sendable {}

/// Closes a connection that was silent for too long, or that is to end whatever its peer does.
private final class CloseOnSilence: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case IdleStateHandler.IdleStateEvent.read, is CloseNow: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }
}
