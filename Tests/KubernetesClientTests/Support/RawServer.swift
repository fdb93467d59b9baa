internal import NIOCore
internal import NIOPosix

/// A TCP server that answers the first bytes of every connection with fixed ones, or never.
struct RawServer {
    enum Behaviour: Sendable {
        case answer(String)
        case close
        case hang
    }

    private let channel: any Channel

    var port: Int { channel.localAddress?.port ?? 0 }

    static func run<Result>(_ behaviour: Behaviour, _ body: (RawServer) async throws -> Result) async throws -> Result {
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(Answerer(behaviour: behaviour))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            let result = try await body(RawServer(channel: channel))
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let behaviour: Behaviour

        init(behaviour: Behaviour) {
            self.behaviour = behaviour
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch behaviour {
            case .hang: break
            case .close: context.close(promise: nil)
            case .answer(let text):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                context.close(promise: nil)
            }
        }
    }
}
