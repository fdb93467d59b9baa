public import Crypto
internal import SwiftASN1
public import X509

/// A checked request for a certificate (PKCS #10): a P-256 key, and the proof that the asker holds it.
///
/// Nothing else in it counts: not its subject, not the names it asks for.
public struct SigningRequest: Sendable {
    /// The key to be certified.
    public let publicKey: Certificate.PublicKey
    /// The request's DER bytes, as they go over the wire.
    public let derBytes: [UInt8]

    /// The most bytes that a request may have.
    public static let sizeLimit = 4096

    /// Makes a request for `key`, which does not leave this process.
    public init(key: P256.Signing.PrivateKey) throws(IdentityError) {
        do {
            let request = try CertificateSigningRequest(
                version: .v1, subject: try DistinguishedName { CommonName("swell-agent") },
                privateKey: Certificate.PrivateKey(key), attributes: CertificateSigningRequest.Attributes(),
                signatureAlgorithm: .ecdsaWithSHA256)
            var serializer = DER.Serializer()
            try serializer.serialize(request)
            self.publicKey = request.publicKey
            self.derBytes = serializer.serializedBytes
        } catch {
            throw IdentityError(.invalidRequest, "the signing request cannot be made", cause: error)
        }
    }

    /// Reads and checks a request from an agent.
    public init(derBytes: [UInt8]) throws(IdentityError) {
        guard derBytes.count <= Self.sizeLimit else {
            throw IdentityError(
                .invalidRequest, "signing request of \(derBytes.count) bytes: expected at most \(Self.sizeLimit)")
        }
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(derEncoded: derBytes)
        } catch {
            throw IdentityError(.invalidRequest, "signing request: expected PKCS #10 as DER", cause: error)
        }
        guard P256.Signing.PublicKey(request.publicKey) != nil else {
            throw IdentityError(.invalidRequest, "signing request: expected a P-256 key")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw IdentityError(.invalidRequest, "signing request: its signature is not by the key in it")
        }
        self.publicKey = request.publicKey
        self.derBytes = derBytes
    }

    /// The key's fingerprint, as join tokens and audit rows note it.
    public var keyFingerprint: KeyFingerprint { KeyFingerprint(of: publicKey) }
}
