public import NIOCore
public import NIOSSL
internal import SwiftASN1
internal import X509

/// The form in which NIOSSL asks whether to go on with a handshake.
public typealias HandshakeCallback =
    @Sendable (_ presented: [NIOSSLCertificate], _ promise: EventLoopPromise<NIOSSLVerificationResultWithMetadata>) ->
    Void

extension PeerVerifier {
    /// The verifier as a handshake's callback.
    ///
    /// - Parameter onRefusal: told of every peer that was refused; it must not block.
    public func handshakeCallback(
        onRefusal: @escaping @Sendable (IdentityError) -> Void = { _ in }
    ) -> HandshakeCallback {
        { presented, promise in
            // The verification is asynchronous and NIOSSL offers a promise: one short task a handshake, whose number is
            // bounded by the connections.
            promise.completeWithTask {
                do throws(IdentityError) {
                    let chain = try certificates(of: presented)
                    let peer = try await verify(chain)
                    return .certificateVerified(try metadata(of: peer))
                } catch {
                    onRefusal(error)
                    return .failed
                }
            }
        }
    }
}

private func certificates(of presented: [NIOSSLCertificate]) throws(IdentityError) -> [Certificate] {
    let encoded: [[UInt8]]
    do {
        encoded = try presented.map { try $0.toDERBytes() }
    } catch {
        throw IdentityError(.untrusted, "the peer's certificate cannot be read", cause: error)
    }
    return try certificates(fromDER: encoded, what: "the peer's chain")
}

private func metadata(of peer: PeerVerifier.Peer) throws(IdentityError) -> VerificationMetadata {
    do {
        let chain = try peer.chain.map { try NIOSSLCertificate(bytes: $0.derBytes(), format: .der) }
        return VerificationMetadata(NIOSSL.ValidatedCertificateChain(chain))
    } catch {
        throw IdentityError(.untrusted, "the certificate of \(peer.identity) cannot be kept", cause: error)
    }
}
