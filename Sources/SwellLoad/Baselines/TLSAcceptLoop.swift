internal import Crypto
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
package import SwellIdentity
package import SwellModel
internal import Synchronization
internal import X509

/// The least that a storm of connections can be met with: mutual TLS with the same certificates and the same judgement of them, one byte
/// heard and one byte said.
package struct TLSAcceptLoop: Sendable {
    private let channel: any Channel
    private let children: OpenChannels

    /// The port that it listens on.
    package var port: Int { channel.localAddress?.port ?? 0 }

    /// Listens. Plain handlers alone: an asynchronous channel that is dropped unfinished would trap.
    package static func start(
        host: String = "127.0.0.1", port: Int, authorities: AuthoritySet, now: @escaping @Sendable () -> Timestamp
    ) async throws -> TLSAcceptLoop {
        let credential = try authorities.issueServerCredential(names: ServerNames(["localhost"]), now: now())
        let verifier = PeerVerifier(
            authorities: TrustedAuthorities(authorities.roots),
            expecting: .cluster(in: authorities.issuing.trustDomain), now: now)
        let judge = verifier.handshakeCallback()
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(credential.chainPEM().utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(credential.key.derRepresentation), format: .der)
        var settings = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        settings.certificateVerification = .noHostnameVerification
        settings.trustRoots = .certificates([])
        let context = try NIOSSLContext(configuration: settings)
        let children = OpenChannels()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                children.note(channel)
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(
                        NIOSSLServerHandler(context: context, customVerificationCallbackWithMetadata: judge))
                    try pipeline.addHandler(ByteAnswerer())
                }
            }.bind(host: host, port: port).get()
        return TLSAcceptLoop(channel: channel, children: children)
    }

    /// Waits until it is closed.
    package func closed() async throws { try await channel.closeFuture.get() }

    /// Listens no more; connections that are open stay.
    package func close() async throws { try await channel.close() }

    /// Listens no more, and ends every connection.
    package func closeAll() async throws {
        try await channel.close()
        for child in children.all { child.close(promise: nil) }
    }
}

/// The connections that are open.
private final class OpenChannels: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    var all: [any Channel] { channels.withLock { Array($0.values) } }

    func note(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        channels.withLock { $0[key] = channel }
        channel.closeFuture.whenComplete { [weak self] _ in _ = self?.channels.withLock { $0.removeValue(forKey: key) }
        }
    }
}

/// Says a byte for each that it hears.
private final class ByteAnswerer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(data, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
