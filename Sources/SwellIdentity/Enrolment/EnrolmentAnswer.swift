public import Crypto
public import SwellModel
internal import SwiftASN1
public import X509

extension Credential {
    /// Checks what the coordinator answered to an enrolment or a renewal, and joins it with the agent's key.
    ///
    /// Trust changes under the old trust only: every authority in the answer is one that is trusted now, or signed by one.
    ///
    /// - Parameters:
    ///   - chainDER: the issued chain, leaf first.
    ///   - authoritiesDER: the authorities to trust from now on, and the certificates in which they sign each other.
    ///   - key: the key that the request was for.
    ///   - expected: who the leaf must name, as far as it is known.
    ///   - trusted: what is trusted now, and which of it the coordinator was met by.
    /// - Returns: the credential, and the authorities; the chain leads to one of them. Former ones stay among them until the coordinator
    ///   was met by a new one.
    public static func accepting(
        chainDER: [[UInt8]], authoritiesDER: [[UInt8]], key: P256.Signing.PrivateKey, expected: WorkloadIdentity,
        under trusted: TrustedAuthorities, now: Timestamp
    ) async throws(IdentityError) -> (credential: Credential, authorities: [Certificate]) {
        let chain = try certificates(fromDER: chainDER, what: "the issued chain")
        let offered = try certificates(fromDER: authoritiesDER, what: "the authorities")
        let credential = try Credential(chain: chain, key: key)
        guard credential.identity == expected else {
            throw IdentityError(
                .invalidCertificate, "the issued certificate names \(credential.identity); expected \(expected)")
        }
        let authorities = try AuthorityTrust.authorities(
            among: offered, under: trusted.anchor, in: expected.trustDomain, now: now)
        _ = try await PeerVerifier(
            authorities: TrustedAuthorities(authorities), expecting: .cluster(in: expected.trustDomain), now: { now }
        ).verify(chain)
        return (
            credential, AuthorityTrust.kept(authorities, former: trusted.current, met: trusted.met)
        )
    }
}

/// Reads certificates that came over the wire, within bounds.
func certificates(fromDER encoded: [[UInt8]], what: String) throws(IdentityError) -> [Certificate] {
    guard (1...PeerVerifier.chainLimit).contains(encoded.count),
        encoded.allSatisfy({ $0.count <= PeerVerifier.certificateSizeLimit })
    else {
        throw IdentityError(
            .invalidCertificate,
            "\(what): expected 1 to \(PeerVerifier.chainLimit) certificates of at most \(PeerVerifier.certificateSizeLimit) bytes"
        )
    }
    do {
        return try encoded.map { try Certificate(derEncoded: $0) }
    } catch {
        throw IdentityError(.invalidCertificate, "\(what): not an X.509 certificate", cause: error)
    }
}
