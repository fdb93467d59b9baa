internal import Crypto
public import X509

/// SHA-256 over a public key's SubjectPublicKeyInfo, written `sha256:` and 64 hexadecimal digits.
///
/// The same form as kubeadm's `--discovery-token-ca-cert-hash`: `openssl x509 -pubkey | openssl pkey -pubin -outform der
/// | sha256sum` gives the digits. As part of a join command it pins the authority for an agent's first contact.
public struct KeyFingerprint: Hashable, Sendable, CustomStringConvertible {
    /// `sha256:` and 64 lower-case hexadecimal digits.
    public let description: String

    /// The fingerprint of `key`.
    public init(of key: Certificate.PublicKey) {
        self.description = "sha256:" + hexadecimal(SHA256.hash(data: key.subjectPublicKeyInfoBytes))
    }

    /// Its first sixteen digits, for names.
    var short: String { String(description.dropFirst("sha256:".count).prefix(16)) }

    /// Reads a fingerprint as a user or a stored row has it; upper-case digits are taken too.
    public init(parsing text: String) throws(IdentityError) {
        let lower = text.lowercased()
        let digits = lower.dropFirst("sha256:".count)
        guard lower.hasPrefix("sha256:"), digits.utf8.count == 64, digits.allSatisfy({ $0.isHexDigit && $0.isASCII })
        else {
            throw IdentityError(
                .invalidName,
                "fingerprint \(quoted(text)): expected sha256: and 64 hexadecimal digits, as the join command prints")
        }
        self.description = lower
    }
}
