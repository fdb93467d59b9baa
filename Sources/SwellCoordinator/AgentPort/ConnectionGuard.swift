internal import NIOCore
internal import Synchronization

/// Keeps a port's connections few and alive, below TLS, where strangers arrive first.
///
/// gRPC's own keepalive waits for the very acknowledgement that a dead peer never sends, and nothing in it limits how
/// long a peer may take for its hello. So every connection gets a limit on silence as its first handler.
final class ConnectionGuard: Sendable {
    private let silenceLimit: TimeAmount
    private let maximumConnections: Int
    private let open = Atomic<Int>(0)

    init(silenceLimit: Duration, maximumConnections: Int) {
        self.silenceLimit = TimeAmount(silenceLimit)
        self.maximumConnections = maximumConnections
    }

    /// How many connections are open.
    var openConnections: Int { open.load(ordering: .relaxed) }

    /// Takes a connection that was just accepted; fails the future, which closes it, when there are too many.
    func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        let count = open.add(1, ordering: .relaxed).newValue
        channel.closeFuture.whenComplete { [self] _ in
            open.subtract(1, ordering: .relaxed)
        }
        guard count <= maximumConnections else {
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(TooManyConnections())
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

/// Ends the set-up of a connection beyond the limit.
private struct TooManyConnections: Error {}

/// Closes a connection that was silent for too long.
private final class CloseOnSilence: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case IdleStateHandler.IdleStateEvent.read = event {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}
