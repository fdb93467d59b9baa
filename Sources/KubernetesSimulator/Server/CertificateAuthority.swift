internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// The certificate authority of one run: made at start, kept in memory, good for a year.
struct CertificateAuthority: Sendable {
    /// The authority's certificate.
    let certificatePEM: String
    private let certificate: Certificate
    private let key: Certificate.PrivateKey

    init(now: Date) throws(SimulatorError) {
        do {
            let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
            let name = try DistinguishedName { CommonName("Simulated Kubernetes CA") }
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
                notValidBefore: now.addingTimeInterval(-3600), notValidAfter: now.addingTimeInterval(365 * 86_400),
                issuer: name, subject: name,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: key.publicKey)
                },
                issuerPrivateKey: key)
            certificatePEM = try certificate.serializeAsPEM().pemString
            self.certificate = certificate
            self.key = key
        } catch {
            throw SimulatorError(
                code: .certificate, message: "cannot make a certificate authority: \(error)", cause: error)
        }
    }

    /// A certificate and key for servers on the loopback interface.
    func serverIdentity(now: Date) throws(SimulatorError) -> (certificatePEM: String, keyPEM: String) {
        do {
            let own = P256.Signing.PrivateKey()
            let leaf = Certificate.PrivateKey(own)
            let issued = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: leaf.publicKey,
                notValidBefore: now.addingTimeInterval(-3600), notValidAfter: now.addingTimeInterval(365 * 86_400),
                issuer: certificate.subject, subject: try DistinguishedName { CommonName("kubernetes") },
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage([.serverAuth])
                    SubjectAlternativeNames([
                        .dnsName("localhost"), .dnsName("kubernetes"),
                        .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                        .ipAddress(ASN1OctetString(contentBytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
                    ])
                },
                issuerPrivateKey: key)
            return (try issued.serializeAsPEM().pemString, own.pemRepresentation)
        } catch {
            throw SimulatorError(
                code: .certificate, message: "cannot make a server certificate: \(error)", cause: error)
        }
    }
}
