internal import Crypto
internal import SwellModel
internal import Testing
internal import X509

@testable internal import SwellIdentity

@Suite struct EnrolmentTests {
    let now = Timestamp(milliseconds: 1_800_000_000_000)

    @Test func aTokenReadsBackAndHidesItsSecret() throws {
        var generator = SystemRandomNumberGenerator()
        let token = JoinToken.generate(for: "prod.us-1", using: &generator)
        let again = try JoinToken(parsing: token.text)
        #expect(again.text == token.text)
        #expect(again.cluster == "prod.us-1")
        #expect(again.hash == token.hash)
        #expect(token.hash.count == 64)
        #expect("\(token)" == "swell-join.prod.us-1.***")
        #expect(JoinToken.generate(for: "prod.us-1", using: &generator).hash != token.hash)
    }

    @Test func whatIsNoTokenIsRefusedWithoutBeingQuoted() throws {
        var generator = SystemRandomNumberGenerator()
        let text = JoinToken.generate(for: "a", using: &generator).text
        let secret = String(text.dropFirst("swell-join.a.".count))
        for wrong in [
            "", "swell-join.", "swell-join..\(secret)", "swell-join.A.\(secret)", text + "a", text.uppercased(),
        ] {
            let error = #expect(throws: IdentityError.self) { try JoinToken(parsing: wrong) }
            #expect(error?.code == .invalidToken)
            #expect(error?.message.contains(secret) == false)
        }
    }

    @Test func theEnrolmentsSerialFollowsFromTokenAndKey() throws {
        var generator = SystemRandomNumberGenerator()
        let token = JoinToken.generate(for: "a", using: &generator)
        let request = try SigningRequest(key: P256.Signing.PrivateKey())
        let serial = CertificateAuthority.enrolmentSerial(of: token, for: request)
        #expect(serial == CertificateAuthority.enrolmentSerial(of: token, for: request))
        let other = try SigningRequest(key: P256.Signing.PrivateKey())
        #expect(serial != CertificateAuthority.enrolmentSerial(of: token, for: other))

        let authority = try CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: now)
        let issued = try authority.issueAgentCertificate(cluster: "a", for: request, serial: serial, now: now)
        #expect(issued.serial == serial)
        #expect(throws: IdentityError.self) {
            try authority.issueAgentCertificate(cluster: "a", for: request, serial: "xyz", now: now)
        }
    }

    @Test func theAgentTakesOnlyACertificateForItsKeyAndName() async throws {
        let domain = try TrustDomain("swell.test")
        let authority = try CertificateAuthority.create(trustDomain: domain, now: now)
        let key = P256.Signing.PrivateKey()
        let issued = try authority.issueAgentCertificate(cluster: "a", for: SigningRequest(key: key), now: now)
        let chain = try issued.chainDER()
        let roots = [chain[1]]
        let trusted = TrustedAuthorities([authority.certificate])
        let taken = try await Credential.accepting(
            chainDER: chain, authoritiesDER: roots, key: key, expected: .cluster("a", in: domain),
            under: trusted, now: now)
        #expect(taken.credential.serial == issued.serial)

        await #expect(throws: IdentityError.self) {
            try await Credential.accepting(
                chainDER: chain, authoritiesDER: roots, key: key, expected: .cluster("b", in: domain),
                under: trusted, now: now)
        }
        await #expect(throws: IdentityError.self) {
            try await Credential.accepting(
                chainDER: chain, authoritiesDER: roots, key: P256.Signing.PrivateKey(),
                expected: .cluster("a", in: domain),
                under: trusted, now: now)
        }
        let stranger = try CertificateAuthority.create(trustDomain: domain, now: now)
        let strange = try [stranger.certificate.derBytes()]
        await #expect(throws: IdentityError.self) {
            try await Credential.accepting(
                chainDER: chain, authoritiesDER: strange, key: key, expected: .cluster("a", in: domain),
                under: trusted, now: now)
        }
    }
}
