internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import Synchronization

/// What answers at an address that was dialled in vain, by how it shakes hands. The transport tells of all of these only that the connection
/// was closed. Looked at over a connection of its own, over which nothing is sent and of which nothing is believed.
enum MetPort: Sendable, Hashable {
    /// It wants a certificate of an agent.
    case sessions
    /// It wants none.
    case enrolment
    /// It speaks another protocol than agents do.
    case http
    case withoutTLS

    /// What an agent wanted to find.
    enum Wanted { case sessions, enrolment }

    /// What is there; nil where that cannot be told.
    static func look(at endpoint: Endpoint, within limit: TimeAmount = .seconds(3)) async -> MetPort? {
        let seen = Handshake()
        do {
            var settings = TLSConfiguration.makeClientConfiguration()
            settings.certificateVerification = .none
            settings.applicationProtocols = ["h2", "http/1.1"]
            let context = try NIOSSLContext(configuration: settings)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(limit)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(
                            NIOSSLClientHandler(
                                context: context, serverHostname: endpoint.isAddress ? nil : endpoint.host))
                        try pipeline.addHandler(HandshakeObserver(seen: seen))
                        channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
                    }
                }.connect(host: endpoint.host, port: endpoint.port).get()
            try? await channel.closeFuture.get()
        } catch {
            return nil
        }
        return seen.port
    }

    /// What was met and what is wanted, for the log; nil where the port is the right one.
    func advice(wanting wanted: Wanted) -> String? {
        let right =
            switch wanted {
            case .sessions: "--coordinator wants the port for agents' sessions (7443 by default)"
            case .enrolment: "--enroll wants the port for enrolment (7444 by default)"
            }
        switch (self, wanted) {
        case (.sessions, .sessions), (.enrolment, .enrolment): return nil
        case (.sessions, .enrolment): return "that is the port for agents' sessions; \(right)"
        case (.enrolment, .sessions): return "that is the port for enrolment; \(right)"
        case (.http, _): return "that speaks HTTP, as the operators' API does, and is no port for agents; \(right)"
        case (.withoutTLS, _): return "that does not speak TLS; \(right)"
        }
    }
}

/// How a handshake went.
private final class Handshake: Sendable {
    private struct State {
        var negotiated: String??
        var isCut = false
        var isPlain = false
    }

    private let state = Mutex(State())

    func completed(with name: String?) { state.withLock { $0.negotiated = .some(name) } }
    /// The other side ended it.
    func cut() { state.withLock { $0.isCut = true } }

    func failed(_ error: any Error) {
        let text = "\(error)"
        let isPlain = ["WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_RECORD"].contains { text.contains($0) }
        let wantsOther = text.contains("NO_APPLICATION_PROTOCOL")
        let wantsCertificate = text.contains("CERTIFICATE_REQUIRED") || text.contains("HANDSHAKE_FAILURE")
        state.withLock { state in
            if isPlain { state.isPlain = true }
            if wantsOther { state.negotiated = .some(nil) }
            if wantsCertificate { state.isCut = true }
        }
    }

    var port: MetPort? {
        state.withLock { state in
            if state.isPlain { return .withoutTLS }
            guard let negotiated = state.negotiated else { return state.isCut ? .sessions : nil }
            guard negotiated == "h2" else { return .http }
            return state.isCut ? .sessions : .enrolment
        }
    }
}

private final class HandshakeObserver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// For how long the other side may think about a certificate that was not shown: in TLS 1.3 it says so after the handshake.
    private static let afterthought = TimeAmount.milliseconds(700)

    private let seen: Handshake
    private var isOurs = false

    init(seen: Handshake) { self.seen = seen }

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

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        seen.failed(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isOurs { seen.cut() }
        context.fireChannelInactive()
    }
}
