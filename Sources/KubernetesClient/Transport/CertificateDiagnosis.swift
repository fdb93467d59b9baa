internal import FoundationEssentials
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// Says why a server's certificate is not accepted: TLS itself says only that it is not, and an operator must know whether to renew
/// a certificate, to set a clock or to mend a kubeconfig.
enum CertificateDiagnosis {
    /// When a certificate is valid.
    struct Validity: Sendable, Hashable {
        var notBefore: Date
        var notAfter: Date
    }

    /// Whether an error of a lower layer is the refusal of a server's certificate.
    static func isRefusal(_ error: any Error) -> Bool {
        guard case .handshakeFailed(let reason)? = error as? NIOSSLError else { return false }
        return "\(reason)".contains("CERTIFICATE_VERIFY_FAILED")
    }

    /// What is wrong with a certificate that was refused.
    static func words(_ validity: Validity, now: Date) -> String {
        if validity.notAfter < now {
            return "the API server's certificate has expired, on \(validity.notAfter.formatted(.iso8601)): renew it"
        }
        if validity.notBefore > now {
            return "the API server's certificate is not valid before \(validity.notBefore.formatted(.iso8601)): is the "
                + "clock right here?"
        }
        return "the API server's certificate is not signed by the authority that the kubeconfig trusts"
    }

    /// Looks at the server's certificate, without trusting it or sending anything; nil where it cannot be seen.
    static func validity(
        of connection: ConnectionReader.Connection, within limit: TimeAmount = .seconds(3)
    ) async -> Validity? {
        guard let url = URL(string: connection.endpoint.base), let name = url.host() else { return nil }
        var tls = connection.tls
        // The look is all that is wanted: the client shows nothing of its own.
        tls.certificateChain = []
        tls.privateKey = nil
        let seen = Mutex<Validity?>(nil)
        do {
            let context = try NIOSSLContext(configuration: tls)
            // TLS names no addresses (RFC 6066, section 3).
            let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(limit)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = try NIOSSLClientHandler(
                            context: context, serverHostname: isAddress ? nil : name,
                            customVerificationCallback: { certificates, promise in
                                if let leaf = certificates.first {
                                    let validity = Validity(
                                        notBefore: Date(timeIntervalSince1970: TimeInterval(leaf.notValidBefore)),
                                        notAfter: Date(timeIntervalSince1970: TimeInterval(leaf.notValidAfter)))
                                    seen.withLock { $0 = validity }
                                }
                                promise.succeed(.failed)
                            })
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
                .connect(host: connection.endpoint.hostOverride?.host ?? name, port: url.port ?? 443).get()
            let end = channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
            try await channel.closeFuture.get()
            end.cancel()
        } catch {
            return nil
        }
        return seen.withLock { $0 }
    }
}
