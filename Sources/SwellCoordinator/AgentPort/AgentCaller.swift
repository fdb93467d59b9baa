package import GRPCCore
internal import GRPCNIOTransportHTTP2
package import SwellIdentity
package import SwellModel
internal import X509

/// The agent behind a call, from the certificate that the handshake verified. No message is asked.
package struct AgentCaller: Sendable {
    /// The agent's cluster.
    package let cluster: ClusterName
    /// The certificate's serial number, for the denylist.
    package let serial: String
    /// When the certificate ceases to be valid: the latest moment for the session to end.
    package let notValidAfter: Timestamp

    /// Who makes the call of `context`; an agent of `trustDomain`, or the call ends as unauthenticated.
    package init(_ context: ServerContext, trustDomain: TrustDomain) throws(RPCError) {
        guard let transport = context.transportSpecific as? HTTP2ServerTransport.Posix.Context,
            let certificate = transport.peerCertificate
        else {
            throw RPCError(code: .unauthenticated, message: "No client certificate.")
        }
        guard let identity = try? certificate.workloadIdentity(), identity.trustDomain == trustDomain,
            let cluster = identity.clusterName
        else {
            throw RPCError(code: .unauthenticated, message: "The client certificate names no agent of \(trustDomain).")
        }
        self.cluster = cluster
        self.serial = certificate.serialHexadecimal
        self.notValidAfter = certificate.expiresAt
    }
}
