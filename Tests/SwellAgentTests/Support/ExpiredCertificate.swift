internal import Crypto
internal import FoundationEssentials
internal import NIOSSL
internal import SwiftASN1
internal import X509

/// What an API server shows whose certificate nobody renewed: signed by the right authority, over since yesterday.
struct ExpiredCertificate: Sendable {
    let authorityPEM: String
    private let certificatePEM: String
    private let keyPEM: String

    init(now: Date = Date()) throws {
        let authorityKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let authorityName = try DistinguishedName { CommonName("Kubernetes CA") }
        let key = P256.Signing.PrivateKey()
        func issue(
            _ publicKey: Certificate.PublicKey, to subject: DistinguishedName, until end: Date,
            _ extensions: Certificate.Extensions
        ) throws -> String {
            try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
                notValidBefore: now.addingTimeInterval(-30 * 86_400), notValidAfter: end, issuer: authorityName,
                subject: subject, extensions: extensions, issuerPrivateKey: authorityKey
            ).serializeAsPEM().pemString
        }
        authorityPEM = try issue(
            authorityKey.publicKey, to: authorityName, until: now.addingTimeInterval(365 * 86_400),
            try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            })
        certificatePEM = try issue(
            Certificate.PrivateKey(key).publicKey, to: try DistinguishedName { CommonName("kubernetes") },
            until: now.addingTimeInterval(-86_400),
            try Certificate.Extensions {
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))])
            })
        keyPEM = key.pemRepresentation
    }

    func serverContext() throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificatePEM.utf8)).map {
            NIOSSLCertificateSource.certificate($0)
        }
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: chain,
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem))))
    }
}
