internal import Crypto
public import SwellModel
internal import SwiftASN1
public import X509

/// The one that vouches for the coordinator and every agent: a P-256 key and its certificate.
///
/// It signs two kinds of leaf, each good for one side of a connection only: agents get `clientAuth`, the coordinator
/// `serverAuth`, so that an agent's certificate can never pose as the coordinator. The caller gives the time.
public struct CertificateAuthority: Sendable {
    /// The authority's own certificate.
    public let certificate: Certificate
    /// The circle of trust that it vouches in.
    public let trustDomain: TrustDomain
    private let key: P256.Signing.PrivateKey

    /// How far a new certificate's validity reaches back, for peers whose clocks are behind.
    public static let clockAllowance: Interval = .minutes(5)
    /// How long an authority made by ``create(trustDomain:now:lifetime:)`` lives: ten years.
    public static let defaultAuthorityLifetime: Interval = .hours(10 * 365 * 24)
    /// How long a leaf lives unless told otherwise: a day.
    public static let defaultLeafLifetime: Interval = .hours(24)

    /// Makes a new authority with a new key.
    public static func create(
        trustDomain: TrustDomain, now: Timestamp, lifetime: Interval = defaultAuthorityLifetime
    ) throws(IdentityError) -> CertificateAuthority {
        let key = P256.Signing.PrivateKey()
        let signer = Certificate.PrivateKey(key)
        do {
            let name = try DistinguishedName {
                // Of its own: in a chain through another authority of the same name, path length 0 would not count (RFC 5280, 4.2.1.9).
                CommonName("Swell authority \(KeyFingerprint(of: signer.publicKey).short)")
                OrganizationName(String(trustDomain.name.prefix(64)))
            }
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: signer.publicKey,
                notValidBefore: (now - clockAllowance).date,
                notValidAfter: (now + lifetime).date, issuer: name, subject: name,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: signer.publicKey)
                    SubjectAlternativeNames([.uniformResourceIdentifier(trustDomain.uri)])
                }, issuerPrivateKey: signer)
            return try CertificateAuthority(certificate: certificate, key: key, trustDomain: trustDomain)
        } catch let error as IdentityError {
            throw error
        } catch {
            throw IdentityError(.invalidCertificate, "the authority's certificate cannot be made", cause: error)
        }
    }

    /// Takes an authority from PEM texts, and checks that it is one; `origin` names them in errors.
    public init(
        certificatePEM: String, keyPEM: String, trustDomain: TrustDomain, origin: String
    ) throws(IdentityError) {
        let found = try certificates(fromPEM: certificatePEM, origin: origin)
        guard found.count == 1 else {
            throw IdentityError(
                .invalidCertificate, "\(origin): \(found.count) certificates in it; expected the authority's alone")
        }
        try self.init(
            certificate: found[0], key: privateKey(fromPEM: keyPEM, origin: origin), trustDomain: trustDomain)
    }

    private init(
        certificate: Certificate, key: P256.Signing.PrivateKey, trustDomain: TrustDomain
    ) throws(IdentityError) {
        guard certificate.publicKey == Certificate.PublicKey(key.publicKey) else {
            throw IdentityError(.invalidCertificate, "the authority's private key does not belong to its certificate")
        }
        guard let constraints = try? certificate.extensions.basicConstraints,
            case .isCertificateAuthority = constraints
        else {
            throw IdentityError(
                .invalidCertificate, "the authority's certificate may not sign others: basic constraints must say CA")
        }
        if let usage = try? certificate.extensions.keyUsage, !usage.keyCertSign {
            throw IdentityError(
                .invalidCertificate, "the authority's certificate may not sign others: key usage lacks keyCertSign")
        }
        let names = certificate.uriNames
        guard names.isEmpty || names == [trustDomain.uri] else {
            throw IdentityError(
                .invalidCertificate,
                "the authority vouches for \(names.joined(separator: ", ")), not for trust domain \(trustDomain): "
                    + "give --trust-domain the name after spiffe://")
        }
        self.certificate = certificate
        self.key = key
        self.trustDomain = trustDomain
    }

    /// The pin for join commands.
    public var fingerprint: KeyFingerprint { KeyFingerprint(of: certificate.publicKey) }

    /// The authority's certificate as PEM: what agents trust.
    public func certificatePEM() throws(IdentityError) -> String { try pem(of: [certificate]) }

    /// The private key as PEM, for writing it to its file.
    func keyPEM() -> String { key.pemRepresentation }

    /// Issues a certificate to the agent of `cluster`, a name that the caller took from a token or from a verified
    /// certificate. Whatever names the request asks for count for nothing.
    ///
    /// - Parameter serial: the serial number in hexadecimal, if it was settled before; a random one otherwise.
    public func issueAgentCertificate(
        cluster: ClusterName, for request: SigningRequest, serial: String? = nil, now: Timestamp,
        lifetime: Interval = defaultLeafLifetime
    ) throws(IdentityError) -> IssuedCertificate {
        let identity = WorkloadIdentity.cluster(cluster, in: trustDomain)
        var number = Certificate.SerialNumber()
        if let serial {
            guard let bytes = serialBytes(serial) else {
                throw IdentityError(
                    .invalidCertificate, "serial number \(quoted(serial)): expected 1 to 20 bytes in hexadecimal")
            }
            number = Certificate.SerialNumber(bytes: bytes)
        }
        let leaf = try sign(
            request.publicKey, serial: number, names: [.uniformResourceIdentifier(identity.uri)],
            commonName: cluster.rawValue, usage: .clientAuth, now: now, lifetime: lifetime)
        return IssuedCertificate(chain: [leaf, certificate], identity: identity)
    }

    /// Issues a certificate, with a new key, to the coordinator under `names`. The chain ends with the authority, so
    /// that an agent that knows only its pin can check it.
    public func issueServerCredential(
        names: ServerNames, now: Timestamp, lifetime: Interval = defaultLeafLifetime
    ) throws(IdentityError) -> Credential {
        let key = P256.Signing.PrivateKey()
        let identity = WorkloadIdentity.coordinator(in: trustDomain)
        let leaf = try sign(
            Certificate.PublicKey(key.publicKey), serial: Certificate.SerialNumber(),
            names: [.uniformResourceIdentifier(identity.uri)] + names.generalNames, commonName: "Swell coordinator",
            usage: .serverAuth, now: now, lifetime: lifetime)
        return try Credential(chain: [leaf, certificate], key: key)
    }

    /// A certificate in this authority's name, with a random serial number.
    func signed(
        version: Certificate.Version, publicKey: Certificate.PublicKey, subject: DistinguishedName,
        from start: Timestamp,
        to end: Timestamp, extensions: Certificate.Extensions
    ) throws -> Certificate {
        try Certificate(
            version: version, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
            notValidBefore: start.date,
            notValidAfter: end.date, issuer: certificate.subject, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: Certificate.PrivateKey(key))
    }

    /// When a leaf that is issued now ceases to be valid: never after its authority.
    public func leafEnd(now: Timestamp, lifetime: Interval) -> Timestamp {
        min(now + lifetime, Timestamp(certificate.notValidAfter))
    }

    private func sign(
        _ publicKey: Certificate.PublicKey, serial: Certificate.SerialNumber, names: [GeneralName], commonName: String,
        usage: ExtendedKeyUsage.Usage, now: Timestamp, lifetime: Interval
    ) throws(IdentityError) -> Certificate {
        let authorityStart = Timestamp(certificate.notValidBefore)
        let authorityEnd = Timestamp(certificate.notValidAfter)
        let end = leafEnd(now: now, lifetime: lifetime)
        guard lifetime > .zero, end > now, authorityStart <= now else {
            throw IdentityError(
                .invalidCertificate,
                "no certificate of lifetime \(lifetime) can be issued at \(now): the authority is valid from "
                    + "\(authorityStart) to \(authorityEnd)")
        }
        let start = max(now - Self.clockAllowance, authorityStart)
        do {
            let subject = try DistinguishedName { CommonName(commonName) }
            return try Certificate(
                version: .v3, serialNumber: serial, publicKey: publicKey, notValidBefore: start.date,
                notValidAfter: end.date, issuer: certificate.subject, subject: subject,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage([usage])
                    SubjectKeyIdentifier(hash: publicKey)
                    AuthorityKeyIdentifier(
                        keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
                    SubjectAlternativeNames(names)
                }, issuerPrivateKey: Certificate.PrivateKey(key))
        } catch {
            throw IdentityError(
                .invalidCertificate, "the certificate for \(quoted(commonName)) cannot be made", cause: error)
        }
    }
}
