internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import SwellIdentity
internal import Synchronization
internal import Testing

/// A connection of TLS, with a certificate or none, over which a test writes what it likes.
struct RawAgent: Sendable {
    let channel: any Channel
    private let reader: Reader

    private final class Reader: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let bytes = Mutex<[UInt8]>([])
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            bytes.withLock { $0.append(contentsOf: buffer.readableBytesView) }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    static let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
    private static let acknowledged: [UInt8] = [0, 0, 0, 4, 1, 0, 0, 0, 0]
    /// Of the connection's window, by one byte.
    static let windowUpdate: [UInt8] = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1]

    init(_ port: Int, _ credential: Credential? = nil, from address: String = "127.0.0.1") async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["h2"]
        if let credential {
            let shown = try RotatingCredential(credential).sslContextConfigurationOverride
            configuration.certificateChain = shown.certificateChain ?? []
            configuration.privateKey = shown.privateKey
        }
        let context = try NIOSSLContext(configuration: configuration)
        let reader = Reader()
        self.reader = reader
        channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(to: SocketAddress(ipAddress: address, port: 0))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                    try channel.pipeline.syncOperations.addHandler(reader)
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    /// Begins HTTP/2, and waits until the other side has read that, which it does once its handshake is done; then says nothing more.
    func greet() async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: Self.preface + Self.settings)).get()
        try await soon("the port reads HTTP/2") {
            reader.bytes.withLock { $0.firstRange(of: Self.acknowledged) != nil }
        }
    }

    /// Waits until the other side has closed it.
    func closed() async throws { try await soon("it is closed") { !channel.isActive } }
}
