internal import Crypto
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import SwellAgent
internal import SwellIdentity
internal import SwellModel
internal import X509

/// The least that can come to a server with an agent's certificate, and hold its connection: to a ``TLSAcceptLoop``, with a byte said and one
/// heard; or to a web server, of which it asks a page when told to. It waits between attempts as agents do.
struct BareClient: Sendable {
    /// Whom it comes to.
    enum Server: Sendable {
        case acceptLoop
        /// Told of each page how many bytes it had.
        case web(pages: PageOrders, onPage: @Sendable (Int) -> Void)
    }

    let server: Server
    let host: String
    let port: Int
    let source: String?
    let credential: Credential
    let authorities: [Certificate]
    let now: @Sendable () -> Timestamp
    let chance: @Sendable () -> Double
    /// Told when the server has answered, a web server by its handshake, and when the connection has ended after it.
    let onChange: @Sendable (_ isConnected: Bool) -> Void

    /// Runs until cancelled.
    func run() async {
        var backoff = Backoff()
        let clock = ContinuousClock()
        while !Task.isCancelled {
            let begin = clock.now
            let wasConnected = (try? await dial()) ?? false
            if Task.isCancelled { return }
            if wasConnected, clock.now - begin >= .seconds(5) { backoff.reset() }
            try? await Task.sleep(for: backoff.next(chance: chance()))
        }
    }

    /// One connection to its end; whether a byte was heard over it.
    private func dial() async throws -> Bool {
        // A context each time, as an agent has one: its certificate may have been renewed.
        let context = try NIOSSLContext(configuration: configuration())
        let verifier = PeerVerifier(
            authorities: TrustedAuthorities(authorities), expecting: .coordinator(in: credential.identity.trustDomain),
            now: now)
        let judge = verifier.handshakeCallback()
        let source = try source.map { try SocketAddress(ipAddress: $0, port: 0) }
        let onChange = onChange
        let (server, host) = (server, host)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let heard = loop.makePromise(of: Void.self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(
                            NIOSSLClientHandler(
                                context: context, serverHostname: nil,
                                customVerificationCallbackWithMetadata: judge))
                        switch server {
                        case .acceptLoop: try pipeline.addHandler(ByteSpeaker(heard: heard))
                        case .web(_, let onPage):
                            try pipeline.addHandler(PageReader(host: host, heard: heard, onPage: onPage))
                        }
                    }.flatMap {
                        guard let source else { return channel.eventLoop.makeSucceededVoidFuture() }
                        return channel.bind(to: source)
                    }
                }.connect(host: host, port: port).get()
        } catch {
            heard.fail(error)
            throw error
        }
        return await withTaskCancellationHandler {
            do {
                try await heard.futureResult.get()
            } catch {
                try? await channel.close()
                return false
            }
            onChange(true)
            if case .web(let pages, _) = server { pages.lead(to: channel) }
            try? await channel.closeFuture.get()
            onChange(false)
            return true
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    private func configuration() throws -> TLSConfiguration {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(credential.chainPEM().utf8)).map {
            .certificate($0)
        }
        settings.privateKey = .privateKey(
            try NIOSSLPrivateKey(bytes: Array(credential.key.derRepresentation), format: .der))
        settings.trustRoots = .certificates([])
        settings.certificateVerification = .noHostnameVerification
        return settings
    }
}

/// Says a byte, and tells when one comes back or none will.
private final class ByteSpeaker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let heard: EventLoopPromise<Void>

    init(heard: EventLoopPromise<Void>) { self.heard = heard }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(integer: UInt8(1))), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { heard.succeed() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        heard.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        heard.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
