internal import NIOCore
internal import NIOTLS
internal import Synchronization

/// Hands orders for pages to the connection of now.
final class PageOrders: Sendable {
    private let channel = Mutex<(any Channel)?>(nil)

    func lead(to channel: any Channel) { self.channel.withLock { $0 = channel } }

    /// Asks for a page; nothing where there is no connection.
    func ask(for path: String) {
        channel.withLock { $0 }?.triggerUserOutboundEvent(PageOrder(path: path), promise: nil)
    }
}

private struct PageOrder: Sendable {
    var path: String
}

/// Asks a web server for pages over HTTP/1.1, one at a time, counts what comes and throws it away.
final class PageReader: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A head that is longer is none.
    private static let headLimit = 16_384

    private let host: String
    private let heard: EventLoopPromise<Void>
    private let onPage: @Sendable (Int) -> Void
    /// What has come of a head.
    private var head = ByteBuffer()
    private var length = 0
    /// What is still to come of the body; nil before its head has.
    private var rest: Int?

    init(host: String, heard: EventLoopPromise<Void>, onPage: @escaping @Sendable (Int) -> Void) {
        self.host = host
        self.heard = heard
        self.onPage = onPage
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { heard.succeed() }
        context.fireUserInboundEventTriggered(event)
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard let order = event as? PageOrder else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        let request = "GET \(order.path) HTTP/1.1\r\nHost: \(host)\r\n\r\n"
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if rest == nil {
            head.writeBuffer(&bytes)
            guard let end = Self.end(of: head), let size = Self.contentLength(of: head, until: end) else {
                if head.readableBytes > Self.headLimit { context.close(promise: nil) }
                return
            }
            length = size
            rest = size - (head.readableBytes - end)
            head.clear()
        } else {
            rest? -= bytes.readableBytes
        }
        guard let left = rest, left <= 0 else { return }
        rest = nil
        onPage(length)
    }

    /// Where the body begins.
    private static func end(of head: ByteBuffer) -> Int? {
        let view = head.readableBytesView
        guard let found = view.firstRange(of: [13, 10, 13, 10]) else { return nil }
        return found.upperBound - view.startIndex
    }

    private static func contentLength(of head: ByteBuffer, until end: Int) -> Int? {
        let lines = String(buffer: head.getSlice(at: head.readerIndex, length: end) ?? ByteBuffer()).split(
            separator: "\r\n")
        guard lines.first?.contains(" 200 ") == true else { return nil }
        let line = lines.first { $0.lowercased().hasPrefix("content-length:") }
        return line?.split(separator: ":").last.flatMap { Int($0.drop { $0 == " " }) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        heard.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        heard.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
