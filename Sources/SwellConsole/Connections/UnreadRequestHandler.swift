internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes
internal import PortGuard

/// Ends a connection whose request was answered before all of it had come.
///
/// The server would read such a request to its end, however long it is and however slowly it comes, to find the next one behind it. The
/// answer says that the connection ends with it; what still comes is dropped for ``patience``, so that the client, which may be writing
/// still, gets to read the answer before the connection is reset; then, or after ``patienceBytes``, the connection is closed by its guard:
/// TLS would wait for the client's goodbye, and take in all the while what a client sends that says none.
final class UnreadRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long the rest of a request is dropped, once its answer was written.
    static let patience = TimeAmount.seconds(1)
    /// How much of it is dropped at most: more than the longest body that is taken.
    static let patienceBytes = 64 << 20

    private let onRequest: @Sendable (any Channel) -> Void
    /// Requests that began and that ended, and answers that ended: one may have come behind the one that is answered.
    private var begun = 0
    private var ended = 0
    private var answered = 0
    private var isDropping = false
    private var dropped = 0
    private var closing: Scheduled<Void>?

    /// - Parameter onRequest: told of the connection's first request.
    init(onRequest: @escaping @Sendable (any Channel) -> Void) { self.onRequest = onRequest }

    func handlerRemoved(context: ChannelHandlerContext) { closing?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        closing?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch part {
        case .head:
            begun += 1
            if begun == 1 { onRequest(context.channel) }
        case .end:
            ended += 1
            // All of it was read: closing now resets nothing.
            if isDropping { context.close(promise: nil) }
        case .body(let bytes):
            guard isDropping else { break }
            dropped += bytes.readableBytes
            if dropped > Self.patienceBytes { ConnectionGuard.close(context.channel) }
        }
        if !isDropping { context.fireChannelRead(data) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let isUnread = ended <= answered
        switch unwrapOutboundIn(data) {
        case .head(var head) where isUnread:
            head.headerFields[.connection] = "close"
            return context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            answered += 1
            if isUnread, !isDropping {
                isDropping = true
                closing = context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) {
                    ConnectionGuard.close(context.channel)
                }
            }
        default: break
        }
        context.write(data, promise: promise)
    }
}
