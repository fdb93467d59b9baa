internal import FoundationEssentials
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore

/// Issues certificates to agents, and notes each one in the store before anybody gets it, so that it can be denied.
struct CertificateIssuer: Sendable {
    let authority: CertificateAuthority
    let tokens: any TokenStore
    let lifetime: Interval
    let now: @Sendable () -> Timestamp

    /// A certificate for the agent of `cluster`.
    ///
    /// - Parameter serial: its serial number, where it was settled before.
    func issue(
        to cluster: ClusterName, for request: SigningRequest, serial: String? = nil
    ) async throws -> (grant: Swell_V1_CertificateGrant, certificate: IssuedCertificate) {
        let issued = try authority.issueAgentCertificate(
            cluster: cluster, for: request, serial: serial, now: now(), lifetime: lifetime)
        let chain = try issued.chainDER()
        try await tokens.noteCertificate(issued.serial, cluster: cluster, expiresAt: issued.notValidAfter)
        var grant = Swell_V1_CertificateGrant()
        grant.chain = chain.map { Data($0) }
        grant.authorities = chain.suffix(1).map { Data($0) }
        grant.trustDomain = authority.trustDomain.name
        return (grant, issued)
    }
}
