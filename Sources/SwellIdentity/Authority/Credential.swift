public import Crypto
public import SwellModel
public import X509

/// A certificate chain and the private key of its leaf. Its description never shows the key.
public struct Credential: Sendable, CustomStringConvertible {
    /// The leaf first, then what leads to the authority, the authority included if the peer may have to see it.
    public let chain: [Certificate]
    /// The leaf's private key.
    public let key: P256.Signing.PrivateKey
    /// Whom the leaf names.
    public let identity: WorkloadIdentity

    /// Joins a chain and a key, and checks that they belong together and name somebody.
    public init(chain: [Certificate], key: P256.Signing.PrivateKey) throws(IdentityError) {
        guard let leaf = chain.first else {
            throw IdentityError(.invalidCertificate, "a credential needs a certificate, and the chain is empty")
        }
        guard leaf.publicKey == Certificate.PublicKey(key.publicKey) else {
            throw IdentityError(.invalidCertificate, "the private key does not belong to the certificate")
        }
        self.chain = chain
        self.key = key
        self.identity = try leaf.workloadIdentity()
    }

    /// Reads a chain and a key, both PEM; `origin` names them in errors.
    public init(chainPEM: String, keyPEM: String, origin: String) throws(IdentityError) {
        let chain = try certificates(fromPEM: chainPEM, origin: origin)
        try self.init(chain: chain, key: privateKey(fromPEM: keyPEM, origin: origin))
    }

    /// The certificate itself. ``init(chain:key:)`` has refused an empty chain.
    public var leaf: Certificate { chain[0] }
    /// When the leaf begins to be valid.
    public var notValidBefore: Timestamp { Timestamp(leaf.notValidBefore) }
    /// When the leaf ceases to be valid.
    public var notValidAfter: Timestamp { Timestamp(leaf.notValidAfter) }
    /// The leaf's serial number in hexadecimal.
    public var serial: String { leaf.serialText }
    /// The chain as PEM, leaf first.
    public func chainPEM() throws(IdentityError) -> String { try pem(of: chain) }

    public var description: String { "\(identity) serial \(serial)" }
}

/// A certificate that the authority has just issued for somebody else's key.
public struct IssuedCertificate: Sendable {
    /// The leaf first, then the authority.
    public let chain: [Certificate]
    /// Whom the leaf names.
    public let identity: WorkloadIdentity

    /// The certificate itself.
    public var leaf: Certificate { chain[0] }
    /// The leaf's serial number in hexadecimal, as denylists name it.
    public var serial: String { leaf.serialText }
    /// When the leaf begins to be valid.
    public var notValidBefore: Timestamp { Timestamp(leaf.notValidBefore) }
    /// When the leaf ceases to be valid.
    public var notValidAfter: Timestamp { Timestamp(leaf.notValidAfter) }
    /// The fingerprint of the key that it is for.
    public var keyFingerprint: KeyFingerprint { KeyFingerprint(of: leaf.publicKey) }
    /// The chain as DER, leaf first, as it goes over the wire.
    public func chainDER() throws(IdentityError) -> [[UInt8]] {
        do {
            return try chain.map { try $0.derBytes() }
        } catch {
            throw IdentityError(.invalidCertificate, "the issued certificate cannot be written as DER", cause: error)
        }
    }
}
