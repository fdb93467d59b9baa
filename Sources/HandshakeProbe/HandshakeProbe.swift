internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import Synchronization

/// How the TLS handshake went at an address. Looked at over a connection of its own, which offers HTTP/2 and HTTP/1.1, over which nothing is
/// sent, and of which nothing is believed: it is for words to a person.
package struct SeenHandshake: Sendable, Hashable {
    /// Whether a certificate was shown.
    package var isShown = false
    /// The URI names in it.
    package var names: [String] = []
    /// From when to when the certificate counts, in seconds since 1970; nil where none was shown.
    package var validity: ClosedRange<Int64>?
    /// Whether the handshake came to its end.
    package var isCompleted = false
    /// The protocol that was agreed on in it.
    package var agreed: String?
    /// Whether the other side ended the connection, or would not go on.
    package var isCut = false
    /// Whether the other side takes none of the protocols that were offered.
    package var refusesProtocols = false
    /// Whether it does not speak TLS.
    package var isPlain = false
    /// Whether the time was up before it said enough.
    package var isLate = false

    package init() {}

    /// - Parameter limit: for how long the other side may take.
    /// - Returns: Nil where nobody is there.
    package static func look(host: String, port: Int, within limit: Duration = .seconds(3)) async -> SeenHandshake? {
        let limit = TimeAmount.nanoseconds(Int64(limit / .nanoseconds(1)))
        let notes = HandshakeNotes()
        do {
            var settings = TLSConfiguration.makeClientConfiguration()
            settings.certificateVerification = .noHostnameVerification
            // Nobody is asked whether the certificate can be believed, so that nobody has to be read from the system's files.
            settings.trustRoots = .certificates([])
            settings.applicationProtocols = ["h2", "http/1.1"]
            let context = try NIOSSLContext(configuration: settings)
            // Addresses have no place in a handshake.
            let name = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(limit)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(
                            NIOSSLClientHandler(
                                context: context, serverHostname: name,
                                customVerificationCallback: { certificates, promise in
                                    notes.shown(certificates.first)
                                    promise.succeed(.certificateVerified)
                                }))
                        try pipeline.addHandler(HandshakeObserver(notes: notes))
                        channel.eventLoop.scheduleTask(in: limit) {
                            notes.change { $0.isLate = true }
                            channel.close(promise: nil)
                        }
                    }
                }.connect(host: host, port: port).get()
            try? await channel.closeFuture.get()
        } catch {
            return nil
        }
        return notes.seen
    }
}

/// What is noted while it goes on.
private final class HandshakeNotes: Sendable {
    private let state = Mutex(SeenHandshake())

    var seen: SeenHandshake { state.withLock { $0 } }

    func change(_ body: (inout SeenHandshake) -> Void) { state.withLock { body(&$0) } }

    func shown(_ certificate: NIOSSLCertificate?) {
        let names = certificate?._subjectAlternativeNames().compactMap { name -> String? in
            name.nameType == .uri ? String(decoding: name.contents, as: UTF8.self) : nil
        }
        change {
            $0.isShown = true
            $0.names = names ?? []
            guard let certificate else { return }
            let (start, end) = (Int64(certificate.notValidBefore), Int64(certificate.notValidAfter))
            $0.validity = start...max(start, end)
        }
    }

    func completed(_ agreed: String?) {
        change {
            $0.isCompleted = true
            $0.agreed = agreed
        }
    }

    func failed(_ error: any Error) {
        // BoringSSL's own words: NIOSSL has no others.
        let text = "\(error)"
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        change {
            if says("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_RECORD") { $0.isPlain = true }
            if says("NO_APPLICATION_PROTOCOL") { $0.refusesProtocols = true }
            if says("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE") { $0.isCut = true }
        }
    }
}

private final class HandshakeObserver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// For how long the other side may think about a certificate that was not shown: in TLS 1.3 it says so after the handshake.
    private static let afterthought = TimeAmount.milliseconds(1_000)

    private let notes: HandshakeNotes
    private var isOurs = false

    init(notes: HandshakeNotes) { self.notes = notes }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted(let name) = event {
            notes.completed(name)
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
        notes.failed(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isOurs { notes.change { $0.isCut = true } }
        context.fireChannelInactive()
    }
}
