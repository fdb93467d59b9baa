package import Crypto
package import X509

/// Where an agent keeps who it is: a directory in a cluster, memory where thousands of agents are one process.
package protocol CredentialKeeping: Sendable {
    /// The stored credential and the authorities, or nil before the first enrolment.
    func load() throws(IdentityError) -> (credential: Credential, authorities: [Certificate])?
    /// The pin that the stored authorities were begun with; nil where none was noted.
    func pin() throws(IdentityError) -> KeyFingerprint?
    /// Notes the pin that the stored authorities began with.
    func store(pin: KeyFingerprint) throws(IdentityError)
    /// The key for the enrolment under way; made at the first call.
    func pendingKey() throws(IdentityError) -> P256.Signing.PrivateKey
    /// Stores a new credential and what to trust, and ends the enrolment under way.
    func store(_ credential: Credential, authorities: [Certificate]) throws(IdentityError)
}

extension AgentCredentialDirectory: CredentialKeeping {}
