internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import Synchronization

/// What answers where agents are to dial, by how it shakes hands: a port that is open may be another one's. Nothing is sent to it, and nothing
/// of it is trusted; whether its certificate is of the right authority, only agents can tell.
enum AgentPortProbe: Sendable, Hashable {
    /// A coordinator that wants the certificate of an agent.
    case sessions
    /// A coordinator that wants none.
    case enrolment
    /// A coordinator that does not speak HTTP/2 there, as at the operators' API.
    case api
    /// TLS, by a certificate that is no coordinator's; as of a load balancer that ends it.
    case stranger
    /// No TLS, or none that was agreed on.
    case withoutTLS

    /// What was met, as the end of a sentence that begins with the address.
    var words: String {
        switch self {
        case .sessions: "is a coordinator's port for agents"
        case .enrolment: "is a coordinator's port for enrolment"
        case .api: "is a coordinator's port for operators"
        case .stranger: "speaks TLS with a certificate that is no coordinator's"
        case .withoutTLS: "accepts connections and agrees on no TLS: it is no port of a coordinator"
        }
    }

    /// - Parameter limit: for how long the other side may take.
    /// - Returns: Nil where that cannot be told: nobody is there, or it says nothing in time.
    static func look(host: String, port: Int, within limit: Duration = .seconds(3)) async -> AgentPortProbe? {
        let limit = TimeAmount.nanoseconds(Int64(limit / .nanoseconds(1)))
        let seen = SeenHandshake()
        do {
            var settings = TLSConfiguration.makeClientConfiguration()
            settings.certificateVerification = .noHostnameVerification
            settings.applicationProtocols = ["h2", "http/1.1"]
            let context = try NIOSSLContext(configuration: settings)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(limit)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        // Addresses have no place in a handshake.
                        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(
                            NIOSSLClientHandler(
                                context: context, serverHostname: isAddress ? nil : host,
                                customVerificationCallback: { certificates, promise in
                                    seen.shown(certificates.first)
                                    promise.succeed(.certificateVerified)
                                }))
                        try pipeline.addHandler(SeenHandshake.Observer(seen: seen))
                        channel.eventLoop.scheduleTask(in: limit) {
                            seen.timedOut()
                            channel.close(promise: nil)
                        }
                    }
                }.connect(host: host, port: port).get()
            try? await channel.closeFuture.get()
        } catch {
            return nil
        }
        return seen.port
    }
}

/// How a handshake went.
private final class SeenHandshake: Sendable {
    private struct State {
        var isCoordinator = false
        var isShown = false
        /// The protocol that was agreed on, once the handshake is through.
        var agreed: String??
        var isCut = false
        var isLate = false
    }

    private let state = Mutex(State())

    /// The server's certificate, which says whom it speaks for: `spiffe://DOMAIN/coordinator`.
    func shown(_ certificate: NIOSSLCertificate?) {
        let names = certificate?._subjectAlternativeNames().compactMap { name -> String? in
            name.nameType == .uri ? String(decoding: name.contents, as: UTF8.self) : nil
        }
        state.withLock { state in
            state.isShown = true
            state.isCoordinator = names?.contains { $0.hasPrefix("spiffe://") && $0.hasSuffix("/coordinator") } == true
        }
    }

    func completed(with name: String?) { state.withLock { $0.agreed = .some(name) } }
    /// The other side ended it.
    func cut() { state.withLock { $0.isCut = true } }
    func timedOut() { state.withLock { $0.isLate = true } }

    var port: AgentPortProbe? {
        state.withLock { state in
            guard state.isShown else { return state.isCut && !state.isLate ? .withoutTLS : nil }
            guard state.isCoordinator else { return .stranger }
            guard let agreed = state.agreed else { return nil }
            guard agreed == "h2" else { return .api }
            return state.isCut ? .sessions : .enrolment
        }
    }

    final class Observer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        /// For how long the other side may think about a certificate that was not shown: in TLS 1.3 it says so after the handshake.
        private static let afterthought = TimeAmount.milliseconds(1_000)

        private let seen: SeenHandshake
        private var isOurs = false

        init(seen: SeenHandshake) { self.seen = seen }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? TLSUserEvent, case .handshakeCompleted(let name) = event {
                seen.completed(with: name)
                let channel = context.channel
                let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
                context.eventLoop.scheduleTask(in: Self.afterthought) {
                    bound.value.isOurs = true
                    channel.close(promise: nil)
                }
            }
            context.fireUserInboundEventTriggered(event)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelInactive(context: ChannelHandlerContext) {
            if !isOurs { seen.cut() }
            context.fireChannelInactive()
        }
    }
}
