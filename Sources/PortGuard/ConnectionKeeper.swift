internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// How far a connection has come, told to its ``ConnectionKeeper`` as an event of its pipeline.
enum ConnectionProgress: Sendable {
    /// A TLS handler is in place: what is no TLS is told so.
    case expectsTLS
    case secured
    case asked
    /// TLS was agreed on in a version that is too old.
    case tooOld
    /// More frames came in a second than may.
    case tooManyFrames
    case closeNow
}

/// The first handler of a connection: closes it when its time is over, or when it is told to, whatever stands behind it.
final class ConnectionKeeper: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase { case handshake, request, open, closing }

    private let settings: ConnectionGuard.Settings
    private let address: AddressBlock
    private let onCut: (ConnectionGuard.Cut) -> Void
    private var phase = Phase.handshake
    private var deadline: Scheduled<Void>?
    /// Whether the next bytes are the first, and should be those of a TLS record.
    private var awaitsTLS = false

    init(
        _ settings: ConnectionGuard.Settings, _ address: AddressBlock,
        onCut: @escaping (ConnectionGuard.Cut) -> Void
    ) {
        self.settings = settings
        self.address = address
        self.onCut = onCut
    }

    func handlerAdded(context: ChannelHandlerContext) { expect(in: settings.handshakeDeadline, .noHandshake, context) }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closing
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase != .closing else { return }
        guard awaitsTLS else { return pass(data, context) }
        awaitsTLS = false
        // Every TLS record begins with its type, 20 to 23; every request of HTTP with an upper-case letter.
        let first = unwrapInboundIn(data).readableBytesView.first ?? 0
        guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else { return pass(data, context) }
        phase = .closing
        deadline?.cancel()
        onCut(.plainText)
        let answer = context.channel.allocator.buffer(string: Self.plainAnswer)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(answer)).whenComplete { _ in channel.close(promise: nil) }
    }

    private func pass(_ data: NIOAny, _ context: ChannelHandlerContext) {
        guard phase == .handshake else { return context.fireChannelRead(data) }
        HandshakePeer.$address.withValue(address) { context.fireChannelRead(data) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case IdleStateHandler.IdleStateEvent.read: cut(.silent, context)
        case let progress as ConnectionProgress: advance(progress, context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func advance(_ progress: ConnectionProgress, _ context: ChannelHandlerContext) {
        switch progress {
        case .expectsTLS: awaitsTLS = true
        case .secured:
            guard phase == .handshake else { return }
            deadline?.cancel()
            phase = .request
            if let limit = settings.requestDeadline { expect(in: limit, .noRequest, context) }
        case .asked:
            guard phase == .request else { return }
            deadline?.cancel()
            phase = .open
        case .tooOld: cut(.oldTLS, context)
        case .tooManyFrames: cut(.frames, context)
        case .closeNow:
            phase = .closing
            context.close(promise: nil)
        }
    }

    private func expect(in limit: Duration, _ otherwise: ConnectionGuard.Cut, _ context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) { [self] in
            cut(otherwise, context)
        }
    }

    private func cut(_ why: ConnectionGuard.Cut, _ context: ChannelHandlerContext) {
        guard phase != .closing else { return }
        phase = .closing
        deadline?.cancel()
        onCut(why)
        context.close(promise: nil)
    }

    /// For who speaks HTTP to a port that speaks TLS: as other servers answer, so that a browser or curl shows it.
    private static let plainAnswer: String = {
        let text = "This port speaks TLS: use https:// instead of http://.\n"
        return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
            + "Content-Length: \(text.utf8.count)\r\n\r\n" + text
    }()
}

/// Who shakes hands just now, for what is called in the midst of it and is told nothing of the connection: what verifies certificates.
enum HandshakePeer {
    @TaskLocal static var address = AddressBlock.unknown
}

/// Right behind TLS: says when the handshake is done, and refuses versions below 1.3.
///
/// gRPC's transport allows 1.2 and offers no setting (grpc-swift-nio-transport 2.9); both of our ends speak 1.3, and take the highest.
final class HandshakeFollower: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let tls: NIOSSLServerHandler

    init(_ tls: NIOSSLServerHandler) { self.tls = tls }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            guard let version = tls.tlsVersion, version >= .tlsv13 else {
                context.pipeline.fireUserInboundEventTriggered(ConnectionProgress.tooOld)
                return
            }
            context.pipeline.fireUserInboundEventTriggered(ConnectionProgress.secured)
        }
        context.fireUserInboundEventTriggered(event)
    }
}

extension TLSVersion {
    static func >= (left: TLSVersion, right: TLSVersion) -> Bool { left.rank >= right.rank }

    private var rank: Int {
        switch self {
        case .tlsv1: 0
        case .tlsv11: 1
        case .tlsv12: 2
        case .tlsv13: 3
        }
    }
}
