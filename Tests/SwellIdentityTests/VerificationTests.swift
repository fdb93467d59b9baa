internal import Crypto
internal import SwellModel
internal import Testing
internal import X509

@testable internal import SwellIdentity

@Suite struct VerificationTests {
    let now = Timestamp(milliseconds: 1_800_000_000_000)
    let domain: TrustDomain
    let authority: CertificateAuthority

    init() throws {
        domain = try TrustDomain("swell.test")
        authority = try CertificateAuthority.create(trustDomain: domain, now: now)
    }

    private func verifier(
        at time: Timestamp? = nil, denied: Set<String> = [], authorities: [CertificateAuthority]? = nil
    ) -> PeerVerifier {
        let moment = time ?? now
        let denylist = Denylist(denied)
        return PeerVerifier(
            authorities: TrustedAuthorities((authorities ?? [authority]).map(\.certificate)),
            expecting: .cluster(in: domain), now: { moment }, isDenied: { denylist.contains($0) })
    }

    private func agent(of authority: CertificateAuthority, cluster: ClusterName = "a") throws -> IssuedCertificate {
        try authority.issueAgentCertificate(
            cluster: cluster, for: SigningRequest(key: P256.Signing.PrivateKey()), now: now)
    }

    private func code(_ verifier: PeerVerifier, _ chain: [Certificate]) async -> IdentityError.Code? {
        do throws(IdentityError) {
            _ = try await verifier.verify(chain)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func anAgentIsKnownByItsCertificate() async throws {
        let issued = try agent(of: authority)
        let peer = try await verifier().verify(issued.chain)
        #expect(peer.identity == .cluster("a", in: domain))
        #expect(peer.serial == issued.serial)
        #expect(peer.notValidAfter == now + .hours(24))
        #expect(try await verifier().verify([issued.leaf]).identity == peer.identity)
    }

    @Test func strangersTheExpiredAndTheDeniedAreRefused() async throws {
        let stranger = try agent(of: CertificateAuthority.create(trustDomain: domain, now: now))
        #expect(await code(verifier(), stranger.chain) == .untrusted)
        let issued = try agent(of: authority)
        #expect(await code(verifier(at: now + .hours(25)), issued.chain) == .untrusted)
        #expect(await code(verifier(at: now - .hours(1)), issued.chain) == .untrusted)
        #expect(await code(verifier(denied: [issued.serial]), issued.chain) == .denied)
        #expect(await code(verifier(), []) == .untrusted)
        let padded = issued.chain + Array(repeating: issued.chain[1], count: PeerVerifier.chainLimit)
        #expect(await code(verifier(), padded) == .untrusted)
    }

    @Test(arguments: [(25 * 60, "expired at"), (-60, "is valid from")])
    func aCertificateOfAnotherTimeIsToldWithBothMoments(minutes: Int64, words: String) async throws {
        let issued = try agent(of: authority)
        let moment = now + Interval(milliseconds: minutes * 60_000)
        let error = await #expect(throws: IdentityError.self) { try await verifier(at: moment).verify(issued.chain) }
        let message = try #require(error?.message)
        #expect(message.contains(words) && message.contains("it is \(moment) by the clock here"), "\(message)")
        #expect(message.count < 300, "the whole certificate is in it: \(message)")
    }

    /// Anybody may say of himself when he was good.
    @Test(arguments: [25 * 60, -60]) func aStrangersTimesAreNotToldOf(minutes: Int64) async throws {
        let stranger = try agent(of: CertificateAuthority.create(trustDomain: domain, now: now))
        let moment = now + Interval(milliseconds: minutes * 60_000)
        let error = await #expect(throws: IdentityError.self) { try await verifier(at: moment).verify(stranger.chain) }
        let message = try #require(error?.message)
        #expect(!message.contains("expired at") && !message.contains("valid from"), "\(message)")
    }

    @Test func anotherTrustDomainUnderATrustedAuthorityIsRefused() async throws {
        let other = try CertificateAuthority.create(trustDomain: TrustDomain("other.test"), now: now)
        let issued = try agent(of: other)
        #expect(await code(verifier(authorities: [authority, other]), issued.chain) == .untrusted)
    }

    @Test func neitherSideMayPoseAsTheOther() async throws {
        let server = try authority.issueServerCredential(names: ServerNames(["localhost"]), now: now)
        #expect(await code(verifier(), server.chain) == .untrusted)
        let forAgents = PeerVerifier(
            authorities: TrustedAuthorities([authority.certificate]), expecting: .coordinator(in: domain),
            now: { [now] in now })
        #expect(try await forAgents.verify(server.chain).identity == .coordinator(in: domain))
        #expect(await code(forAgents, try agent(of: authority).chain) == .untrusted)
        #expect(await code(verifier(), [authority.certificate]) == .invalidName)
    }

    @Test func firstContactTrustsThePinnedAuthorityAlone() async throws {
        let server = try authority.issueServerCredential(names: ServerNames(["localhost"]), now: now)
        let good = PeerVerifier(pinned: authority.fingerprint, now: { [now] in now })
        #expect(try await good.verify(server.chain).identity == .coordinator(in: domain))
        let other = try CertificateAuthority.create(trustDomain: domain, now: now)
        let bad = PeerVerifier(pinned: other.fingerprint, now: { [now] in now })
        #expect(await code(bad, server.chain) == .pinMismatch)
        // Showing the pinned authority beside a chain that it did not sign does not help.
        let impostor = try other.issueServerCredential(names: ServerNames(["localhost"]), now: now)
        #expect(await code(good, [impostor.leaf, authority.certificate]) == .untrusted)
        // Nor does the authority's certificate itself.
        #expect(await code(good, [authority.certificate, authority.certificate]) == .invalidName)
    }

    @Test(arguments: [
        ["spiffe://swell.test/cluster/a", "spiffe://swell.test/cluster/b"], [], ["spiffe://swell.test/cluster/a/b"],
    ])
    func aLeafMustHaveExactlyOneNameOfOurs(names: [String]) async throws {
        let key = P256.Signing.PrivateKey()
        let signer = Certificate.PrivateKey(key)
        let name = try DistinguishedName { CommonName("ca") }
        let root = try Certificate(
            version: .v3, serialNumber: 1, publicKey: signer.publicKey, notValidBefore: now.date,
            notValidAfter: (now + .hours(1)).date, issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0)) },
            issuerPrivateKey: signer)
        let leaf = try Certificate(
            version: .v3, serialNumber: 2, publicKey: Certificate.PrivateKey(P256.Signing.PrivateKey()).publicKey,
            notValidBefore: now.date, notValidAfter: (now + .hours(1)).date, issuer: name,
            subject: DistinguishedName { CommonName("leaf") }, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                try ExtendedKeyUsage([.clientAuth])
                SubjectAlternativeNames(names.map { .uniformResourceIdentifier($0) })
            }, issuerPrivateKey: signer)
        let judge = PeerVerifier(
            authorities: TrustedAuthorities([root]), expecting: .cluster(in: domain), now: { [now] in now })
        let refusal = await code(judge, [leaf])
        #expect(refusal == .invalidCertificate || refusal == .invalidName)
    }
}
