public import GRPCNIOTransportHTTP2

extension HTTP2ServerTransport.Posix.TransportSecurity {
    /// The coordinator's side of the fleet port: both sides show certificates, and `verifier` judges the agent's.
    public static func fleet(
        credential: RotatingCredential, verifier: PeerVerifier,
        onRefusal: @escaping @Sendable (IdentityError) -> Void = { _ in }
    ) throws -> Self {
        try .mTLS(certificateReloader: credential) { tls in
            tls.requireALPN = true
            tls.trustRoots = .nobody
            tls.clientCertificateVerification = .noHostnameVerification
            tls.customVerificationCallback = verifier.handshakeCallback(onRefusal: onRefusal)
        }
    }

    /// The coordinator's side of the enrolment port: an agent has no certificate yet.
    public static func enrolment(credential: RotatingCredential) throws -> Self {
        try .tls(certificateReloader: credential) { tls in tls.requireALPN = true }
    }
}

extension HTTP2ClientTransport.Posix.TransportSecurity {
    /// The agent's side of the fleet port: shows `credential`, and `verifier` judges the coordinator's certificate by
    /// its `spiffe://` name. The host name that was dialled does not matter, so that tunnels and load balancers may
    /// have names of their own.
    public static func agent(
        credential: RotatingCredential, verifier: PeerVerifier,
        onRefusal: @escaping @Sendable (IdentityError) -> Void = { _ in }
    ) throws -> Self {
        try .mTLS(certificateReloader: credential) { tls in
            tls.trustRoots = .nobody
            tls.serverCertificateVerification = .noHostnameVerification
            tls.customVerificationCallback = verifier.handshakeCallback(onRefusal: onRefusal)
        }
    }

    /// The agent's side of the enrolment port: shows nothing, and `verifier`, pinned by the join command, judges.
    public static func enrolment(
        verifier: PeerVerifier, onRefusal: @escaping @Sendable (IdentityError) -> Void = { _ in }
    ) -> Self {
        .tls { tls in
            tls.trustRoots = .nobody
            tls.serverCertificateVerification = .noHostnameVerification
            tls.customVerificationCallback = verifier.handshakeCallback(onRefusal: onRefusal)
        }
    }
}

extension TLSConfig.TrustRootsSource {
    /// The callback alone judges: the system's hundreds of authorities would be read at every dial, and asked by nobody. Without a callback
    /// nothing at all is trusted.
    fileprivate static var nobody: Self { .certificates([]) }
}
