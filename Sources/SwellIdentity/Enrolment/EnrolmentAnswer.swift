public import Crypto
public import SwellModel
internal import SwiftASN1
public import X509

extension Credential {
    /// Checks what the coordinator answered to an enrolment or a renewal, and joins it with the agent's key.
    ///
    /// - Parameters:
    ///   - chainDER: the issued chain, leaf first.
    ///   - authoritiesDER: the authorities to trust from now on.
    ///   - key: the key that the request was for.
    ///   - expected: who the leaf must name, as far as it is known.
    /// - Returns: the credential, and the authorities; the chain leads to one of them.
    public static func accepting(
        chainDER: [[UInt8]], authoritiesDER: [[UInt8]], key: P256.Signing.PrivateKey, expected: WorkloadIdentity,
        now: Timestamp
    ) async throws(IdentityError) -> (credential: Credential, authorities: [Certificate]) {
        let chain = try certificates(fromDER: chainDER, what: "the issued chain")
        let authorities = try certificates(fromDER: authoritiesDER, what: "the authorities")
        let credential = try Credential(chain: chain, key: key)
        guard credential.identity == expected else {
            throw IdentityError(
                .invalidCertificate, "the issued certificate names \(credential.identity); expected \(expected)")
        }
        _ = try await PeerVerifier(
            authorities: TrustedAuthorities(authorities), expecting: .cluster(in: expected.trustDomain), now: { now }
        ).verify(chain)
        return (credential, authorities)
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
