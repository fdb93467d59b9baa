public import SwellModel
public import X509

extension Certificate {
    /// Every URI among the certificate's alternative names.
    var uriNames: [String] {
        guard let names = try? extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            if case .uniformResourceIdentifier(let uri) = name { uri } else { nil }
        }
    }

    /// Whom the certificate names: it must have exactly one URI name, of the form that Swell issues.
    ///
    /// This reads; it proves nothing. ``PeerVerifier`` proves.
    public func workloadIdentity() throws(IdentityError) -> WorkloadIdentity {
        let names = uriNames
        guard names.count == 1 else {
            throw IdentityError(
                .invalidCertificate, "the certificate has \(names.count) URI names; expected exactly one")
        }
        return try WorkloadIdentity(uri: names[0])
    }

    /// When the certificate ceases to be valid.
    public var expiresAt: Timestamp { Timestamp(notValidAfter) }

    /// When it was issued, by the clock of who issued it: later than its validity begins.
    public var issuedAt: Timestamp { Timestamp(notValidBefore) + CertificateAuthority.clockAllowance }

    /// The fingerprint of the key that it is for.
    public var fingerprint: KeyFingerprint { KeyFingerprint(of: publicKey) }

    /// The serial number in lower-case hexadecimal, as denylists and audit rows have it.
    public var serialHexadecimal: String { serialText }
}
