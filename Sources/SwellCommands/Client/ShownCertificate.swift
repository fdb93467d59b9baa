internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import SwellModel
internal import Synchronization

/// From when to when the certificate counts that a server shows. Asked for after it was not trusted, over a connection of its own that is ended
/// at once: nothing is sent to whoever that is, and nothing of it is trusted but to say what is wrong.
struct ShownCertificate: Sendable {
    let start: Timestamp
    let end: Timestamp

    init(start: Timestamp, end: Timestamp) {
        self.start = start
        self.end = end
    }

    /// Nil where none was shown in time.
    init?(of server: ServerAddress, within limit: Duration = .seconds(3)) async {
        let seen = SeenTimes()
        do {
            var settings = TLSConfiguration.makeClientConfiguration()
            settings.certificateVerification = .noHostnameVerification
            let context = try NIOSSLContext(configuration: settings)
            let host = server.host
            let limit = TimeAmount.nanoseconds(Int64(limit / .nanoseconds(1)))
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(limit)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        // Addresses have no place in a handshake.
                        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
                        let handler = try NIOSSLClientHandler(
                            context: context, serverHostname: isAddress ? nil : host,
                            customVerificationCallback: { certificates, promise in
                                seen.note(certificates.first)
                                promise.succeed(.failed)
                            })
                        try channel.pipeline.syncOperations.addHandler(handler)
                        channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
                    }
                }.connect(host: host, port: server.port ?? 443).get()
            try? await channel.closeFuture.get()
        } catch {
            return nil
        }
        guard let times = seen.times else { return nil }
        self.init(start: times.start, end: times.end)
    }

    /// What is wrong with it at a moment; nil for nothing that a clock would tell.
    func problem(at now: Timestamp) -> String? {
        if now < start {
            return
                "its certificate counts from \(start) on, and by this machine's clock it is \(now): one of the two clocks is off"
        }
        if now > end {
            return
                "its certificate ended at \(end), and by this machine's clock it is \(now): one of the two clocks is off, or "
                + "the coordinator could not renew it"
        }
        return nil
    }
}

/// What the handshake's callback saw.
private final class SeenTimes: Sendable {
    private let value = Mutex<(start: Timestamp, end: Timestamp)?>(nil)

    var times: (start: Timestamp, end: Timestamp)? { value.withLock { $0 } }

    func note(_ certificate: NIOSSLCertificate?) {
        guard let certificate else { return }
        let start = Timestamp(milliseconds: Int64(certificate.notValidBefore) * 1_000)
        let end = Timestamp(milliseconds: Int64(certificate.notValidAfter) * 1_000)
        value.withLock { $0 = (start, end) }
    }
}
