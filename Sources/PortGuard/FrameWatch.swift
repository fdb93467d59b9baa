internal import NIOCore

/// Between TLS and HTTP/2: cuts a connection that sends more small frames in a second than it may, before HTTP/2 gets to see the read that
/// went beyond.
final class FrameWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limits: FrameLimits
    private let isStranger: () -> Bool
    private var frames = FrameCount()
    private var second = SecondCount()
    private var isCut = false

    /// - Parameter isStranger: whether nothing is known of the peer by now; asked only beyond what strangers may.
    init(_ limits: FrameLimits, isStranger: @escaping () -> Bool) {
        self.limits = limits
        self.isStranger = isStranger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isCut else { return }
        let small = frames.take(unwrapInboundIn(data).readableBytesView)
        let count = second.add(small, atNanoseconds: context.eventLoop.now.uptimeNanoseconds)
        guard count <= limits.strangers || (count <= limits.known && !isStranger()) else {
            isCut = true
            return context.pipeline.fireUserInboundEventTriggered(ConnectionProgress.tooManyFrames)
        }
        context.fireChannelRead(data)
    }
}
