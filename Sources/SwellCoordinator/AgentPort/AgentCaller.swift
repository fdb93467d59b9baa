package import GRPCCore
internal import GRPCNIOTransportHTTP2
package import SwellIdentity
package import SwellModel
internal import X509

/// The agent behind a call, from the certificate that the handshake verified. No message is asked.
package struct AgentCaller: Sendable {
    /// The agent's cluster.
    package let cluster: ClusterName
    /// The certificate's serial number: by it the store knows whether the certificate counts.
    package let serial: String
    /// The fingerprint of the certificate's key.
    package let keyFingerprint: KeyFingerprint
    /// When the certificate was issued, by the clock of the replica that did.
    package let issuedAt: Timestamp
    /// When the certificate ceases to be valid: the latest moment for the session to end.
    package let notValidAfter: Timestamp

    /// Who makes the call of `context`; an agent of `trustDomain`, or the call ends as unauthenticated.
    package init(_ context: ServerContext, trustDomain: TrustDomain) throws(RPCError) {
        // The chain is there only where the verifier has proven it on this very connection. A TLS session that was resumed shows the
        // certificate of an earlier one, which nobody looked at again.
        guard let transport = context.transportSpecific as? HTTP2ServerTransport.Posix.Context,
            let certificate = transport.peerCertificateChain?.leaf
        else {
            throw RPCError(
                code: .unauthenticated,
                message: "No client certificate was verified on this connection: dial again without resuming a session."
            )
        }
        guard let identity = try? certificate.workloadIdentity(), identity.trustDomain == trustDomain,
            let cluster = identity.clusterName
        else {
            throw RPCError(code: .unauthenticated, message: "The client certificate names no agent of \(trustDomain).")
        }
        self.cluster = cluster
        self.serial = certificate.serialHexadecimal
        self.keyFingerprint = certificate.fingerprint
        self.issuedAt = certificate.issuedAt
        self.notValidAfter = certificate.expiresAt
    }
}
