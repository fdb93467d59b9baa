internal import FoundationEssentials
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import X509

/// Issues certificates to agents, and lists each one in the store before anybody gets it: what is not listed does not count.
struct CertificateIssuer: Sendable {
    let authority: RotatingAuthority
    let store: any AgentCertificateStore & TokenStore
    let lifetime: Interval
    let now: @Sendable () -> Timestamp

    /// A certificate for a join token; nil where the token is not good, or not for this key. It ends all earlier ones of the cluster.
    ///
    /// - Parameter uid: What tells the cluster behind the name from others; nil where the agent does not say.
    func enrol(
        _ token: JoinToken, for request: SigningRequest, clusterUID uid: String?
    ) async throws -> (grant: Swell_V1_CertificateGrant, certificate: IssuedCertificate, cluster: ClusterName)? {
        let moment = now()
        let note = CertificateNote(
            serial: CertificateAuthority.enrolmentSerial(of: token, for: request),
            keyFingerprint: "\(request.keyFingerprint)",
            expiresAt: authority.current.issuing.leafEnd(now: moment, lifetime: lifetime))
        // Spent first: signing is work, which is not done for strangers.
        let cluster: ClusterName
        switch try await store.spendToken(hash: token.hash, for: note, clusterUID: uid) {
        case .spent(let name): cluster = name
        case .isNotGood: return nil
        case .isOf(let other): throw WrongCluster(cluster: token.cluster, other: other, uid: uid ?? "unknown")
        }
        let (issued, authorities) = try authority.issueAgentCertificate(
            cluster: cluster, for: request, serial: note.serial, now: moment, lifetime: lifetime)
        return (try grant(issued, authorities), issued, cluster)
    }

    /// A certificate for the key of `request`, asked for with the caller's, which must count when it is listed.
    func renew(
        _ caller: AgentCaller, for request: SigningRequest
    ) async throws -> (grant: Swell_V1_CertificateGrant, certificate: IssuedCertificate) {
        let (issued, authorities) = try authority.issueAgentCertificate(
            cluster: caller.cluster, for: request, now: now(), lifetime: lifetime)
        let note = CertificateNote(
            serial: issued.serial, keyFingerprint: "\(issued.keyFingerprint)", expiresAt: issued.notValidAfter)
        let grant = try grant(issued, authorities)
        switch try await store.recordRenewal(note, of: caller.cluster, replacing: caller.serial) {
        case .counts: return (grant, issued)
        case .revoked(let moment): throw CallerRefusal(.revoked(moment), caller)
        case .superseded: throw CallerRefusal(.superseded, caller)
        case .unknown, .awaited: throw CallerRefusal(.unknown, caller)
        case .notInFleet: throw CallerRefusal(.notInFleet, caller)
        }
    }

    private func grant(
        _ issued: IssuedCertificate, _ authorities: [Certificate]
    ) throws(IdentityError) -> Swell_V1_CertificateGrant {
        var grant = Swell_V1_CertificateGrant()
        grant.chain = try issued.chainDER().map { Data($0) }
        grant.authorities = try authorities.encodedAsDER().map { Data($0) }
        grant.trustDomain = authority.trustDomain.name
        return grant
    }
}

/// Who asks for a first certificate stands before another cluster of the fleet. The token is as good as it was, and what counts still counts.
struct WrongCluster: Error, CustomStringConvertible {
    let cluster: ClusterName
    let other: ClusterName
    let uid: String

    var description: String {
        "cluster '\(cluster)' is the cluster '\(other)': both have kube-system uid \(uid). The token is not spent. Give the agent of "
            + "'\(cluster)' its own kubeconfig; where the cluster shall change its name, first 'swell cluster remove \(other)'."
    }
}
