internal import Crypto
internal import FoundationEssentials
internal import SwellModel
internal import SwiftASN1
internal import Testing
internal import X509

@testable internal import SwellIdentity

@Suite struct AuthorityTests {
    let now = Timestamp(milliseconds: 1_800_000_000_000)
    let domain: TrustDomain
    let authority: CertificateAuthority

    init() throws {
        domain = try TrustDomain("swell.test")
        authority = try CertificateAuthority.create(trustDomain: domain, now: now)
    }

    @Test func theNameComesFromTheCallerAndTheKeyFromTheRequest() throws {
        let key = P256.Signing.PrivateKey()
        let request = try SigningRequest(derBytes: SigningRequest(key: key).derBytes)
        let issued = try authority.issueAgentCertificate(cluster: "prod-1", for: request, now: now)
        #expect(issued.identity == .cluster("prod-1", in: domain))
        #expect(try issued.leaf.workloadIdentity() == issued.identity)
        #expect(issued.keyFingerprint == request.keyFingerprint)
        #expect(issued.notValidAfter == now + .hours(24))
        #expect(issued.notValidBefore == now - .minutes(5))
        #expect(try issued.leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.clientAuth]))
        #expect(issued.serial.count.isMultiple(of: 2))
    }

    @Test func namesThatTheRequestAsksForCountForNothing() throws {
        let asked = try Certificate.Extensions {
            SubjectAlternativeNames([.uniformResourceIdentifier("spiffe://swell.test/cluster/prod-2")])
            try ExtendedKeyUsage([.serverAuth])
        }
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("prod-2") },
            privateKey: Certificate.PrivateKey(P256.Signing.PrivateKey()),
            attributes: .init([.init(ExtensionRequest(extensions: asked))]))
        let bytes = Array(try request.serializeAsPEM().derBytes)
        let issued = try authority.issueAgentCertificate(
            cluster: "prod-1", for: SigningRequest(derBytes: bytes), now: now)
        #expect(try issued.leaf.workloadIdentity() == .cluster("prod-1", in: domain))
        #expect(try issued.leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.clientAuth]))
        #expect(issued.leaf.subject == (try DistinguishedName { CommonName("prod-1") }))
    }

    @Test func aRequestWithAnotherKindOfKeyOrABrokenSignatureIsRefused() throws {
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("x") },
            privateKey: Certificate.PrivateKey(P384.Signing.PrivateKey()), attributes: .init())
        let other = Array(try request.serializeAsPEM().derBytes)
        #expect(throws: IdentityError.self) { try SigningRequest(derBytes: other) }

        var broken = try SigningRequest(key: P256.Signing.PrivateKey()).derBytes
        broken[broken.count - 1] ^= 1
        #expect(throws: IdentityError.self) { try SigningRequest(derBytes: broken) }
        #expect(throws: IdentityError.self) { try SigningRequest(derBytes: []) }
        let long = [UInt8](repeating: 0x30, count: SigningRequest.sizeLimit + 1)
        #expect(throws: IdentityError.self) { try SigningRequest(derBytes: long) }
    }

    @Test func leavesDoNotOutliveTheAuthority() throws {
        let short = try CertificateAuthority.create(trustDomain: domain, now: now, lifetime: .hours(1))
        let names = try ServerNames(["localhost"])
        let credential = try short.issueServerCredential(names: names, now: now)
        #expect(credential.notValidAfter == now + .hours(1))
        #expect(throws: IdentityError.self) { try short.issueServerCredential(names: names, now: now + .hours(2)) }
    }

    @Test func theServersCertificateHasItsNames() throws {
        let credential = try authority.issueServerCredential(
            names: ServerNames(["localhost", "127.0.0.1"]), now: now)
        let names = try #require(try credential.leaf.extensions.subjectAlternativeNames)
        #expect(names.contains(.dnsName("localhost")))
        #expect(names.count == 3)
        #expect(credential.identity == .coordinator(in: domain))
        #expect(credential.chain.count == 2)
        #expect(!"\(credential)".contains("PRIVATE"))
    }

    @Test func anAuthorityIsTakenFromPEMOnlyIfItIsOne() throws {
        let certificate = try authority.certificatePEM()
        let key = authority.keyPEM()
        let loaded = try CertificateAuthority(
            certificatePEM: certificate, keyPEM: key, trustDomain: domain, origin: "test")
        #expect(loaded.fingerprint == authority.fingerprint)

        let otherDomain = try TrustDomain("other.test")
        let otherKey = P256.Signing.PrivateKey().pemRepresentation
        let server = try authority.issueServerCredential(names: ServerNames(["localhost"]), now: now)
        let leaf = try pem(of: [server.leaf])
        let mismatch = #expect(throws: IdentityError.self) {
            try CertificateAuthority(certificatePEM: certificate, keyPEM: key, trustDomain: otherDomain, origin: "t")
        }
        #expect(mismatch?.message.contains("--trust-domain") == true)
        #expect(throws: IdentityError.self) {
            try CertificateAuthority(certificatePEM: certificate, keyPEM: otherKey, trustDomain: domain, origin: "t")
        }
        #expect(throws: IdentityError.self) {
            try CertificateAuthority(
                certificatePEM: leaf, keyPEM: server.key.pemRepresentation, trustDomain: domain, origin: "t")
        }
        #expect(throws: IdentityError.self) {
            try CertificateAuthority(certificatePEM: "", keyPEM: key, trustDomain: domain, origin: "t")
        }
    }

    @Test func fingerprintsReadBack() throws {
        let text = authority.fingerprint.description
        #expect(try KeyFingerprint(parsing: text.uppercased()) == authority.fingerprint)
        #expect(throws: IdentityError.self) { try KeyFingerprint(parsing: String(text.dropLast())) }
        #expect(throws: IdentityError.self) { try KeyFingerprint(parsing: "md5:00") }
    }

    @Test func renewalIsDueAtTwoThirdsOfALifeAndSpreadOverATenth() {
        let end = now + .hours(30)
        #expect(RenewalRule.due(notValidBefore: now, notValidAfter: end, jitter: 0) == now + .hours(20))
        #expect(RenewalRule.due(notValidBefore: now, notValidAfter: end, jitter: 1) == now + .hours(23))
        func delay(after hours: Int64, failed: Bool) -> Interval {
            RenewalRule.delay(
                notValidBefore: now, notValidAfter: end, jitter: 0, failedBefore: failed, now: now + .hours(hours))
        }
        #expect(delay(after: 5, failed: false) == .hours(15))
        #expect(delay(after: 21, failed: false) == .zero)
        #expect(delay(after: 21, failed: true) == .minutes(54))
        #expect(delay(after: 31, failed: true) == .seconds(10))
    }
}
