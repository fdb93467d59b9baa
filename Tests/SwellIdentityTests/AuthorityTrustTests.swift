internal import Crypto
internal import Foundation
internal import SwellModel
internal import Testing
internal import X509

@testable internal import SwellIdentity

/// Trust changes under the old trust only.
@Suite struct AuthorityTrustTests {
    let now = Timestamp(milliseconds: 1_800_000_000_000)
    let domain: TrustDomain
    let old: CertificateAuthority
    let next: CertificateAuthority
    let key = P256.Signing.PrivateKey()

    init() throws {
        domain = try TrustDomain("swell.test")
        old = try CertificateAuthority.create(trustDomain: domain, now: now)
        next = try CertificateAuthority.create(trustDomain: domain, now: now)
    }

    /// What an agent makes of an answer in which `issuer` signed and these authorities are named.
    private func accept(
        signedBy issuer: CertificateAuthority, _ authorities: [Certificate], under trusted: TrustedAuthorities,
        at moment: Timestamp? = nil
    ) async throws -> [Certificate] {
        let issued = try issuer.issueAgentCertificate(cluster: "a", for: SigningRequest(key: key), now: now)
        return try await Credential.accepting(
            chainDER: issued.chainDER(), authoritiesDER: authorities.encodedAsDER(), key: key,
            expected: .cluster("a", in: domain), under: trusted, now: moment ?? now
        ).authorities
    }

    private func refusal(
        signedBy issuer: CertificateAuthority, _ authorities: [Certificate], under trusted: TrustedAuthorities,
        at moment: Timestamp? = nil
    ) async -> IdentityError? {
        do {
            _ = try await accept(signedBy: issuer, authorities, under: trusted, at: moment)
            return nil
        } catch {
            return error as? IdentityError
        }
    }

    private var trustingOld: TrustedAuthorities { TrustedAuthorities([old.certificate]) }

    @Test func anAuthorityThatTheTrustedOneSignedIsTaken() async throws {
        let bridge = try old.crossSign(next: next.certificate, now: now)
        let list = try await accept(
            signedBy: next, [next.certificate, old.certificate, bridge], under: trustingOld)
        #expect(list == [next.certificate, old.certificate])
        // It holds for a list from which the old one is gone, too: it stays here until the new one was met.
        let alone = try await accept(signedBy: next, [next.certificate, bridge], under: trustingOld)
        #expect(alone == [next.certificate, old.certificate])
    }

    @Test func aStrangersRootIsRefusedAlsoBesideATrustedOne() async throws {
        let stranger = try CertificateAuthority.create(trustDomain: domain, now: now)
        let alone = await refusal(signedBy: stranger, [stranger.certificate], under: trustingOld)
        #expect(alone?.code == .untrusted)
        #expect(alone?.message.contains("neither trusted here nor signed by one that is") == true)
        let beside = await refusal(signedBy: old, [old.certificate, stranger.certificate], under: trustingOld)
        #expect(beside?.code == .untrusted)
        // A bridge that the stranger made of itself, or for a key that it does not have, vouches for nobody.
        let own = try stranger.crossSign(next: stranger.certificate, now: now)
        let wrongWay = try stranger.crossSign(next: old.certificate, now: now)
        for bridge in [own, wrongWay, try old.crossSign(next: next.certificate, now: now)] {
            let error = await refusal(
                signedBy: stranger, [stranger.certificate, old.certificate, bridge], under: trustingOld)
            #expect(error?.code == .untrusted)
        }
        // Nor does a leaf that the trusted authority signed for somebody else's key.
        #expect(await refusal(signedBy: stranger, [], under: trustingOld) != nil)
    }

    @Test func aBridgeMustBeValidAndAnAuthoritysOfThisCircle() async throws {
        let later = now + .hours(2)
        let short = try CertificateAuthority.create(trustDomain: domain, now: now, lifetime: .hours(1))
        // It lives no longer than the one that signed it, so it has expired with it.
        let expired = try short.crossSign(next: next.certificate, now: now)
        let past = await refusal(
            signedBy: next, [next.certificate, expired], under: TrustedAuthorities([short.certificate]), at: later)
        #expect(past?.code == .untrusted)
        func bridge(
            _ constraints: BasicConstraints, _ usage: KeyUsage, _ name: String, extended: [ExtendedKeyUsage.Usage] = []
        ) throws -> Certificate {
            try old.signed(
                version: .v3, publicKey: next.certificate.publicKey, subject: next.certificate.subject, from: now,
                to: now + .hours(1),
                extensions: Certificate.Extensions {
                    Critical(constraints)
                    Critical(usage)
                    if !extended.isEmpty { try ExtendedKeyUsage(extended) }
                    SubjectAlternativeNames([.uniformResourceIdentifier(name)])
                })
        }
        let authority = BasicConstraints.isCertificateAuthority(maxPathLength: 0)
        let signs = KeyUsage(keyCertSign: true)
        for wrong in try [
            bridge(.notCertificateAuthority, signs, domain.uri),
            bridge(authority, KeyUsage(digitalSignature: true), domain.uri),
            bridge(authority, signs, "spiffe://other.test"),
            bridge(authority, signs, domain.uri, extended: [.clientAuth]),
        ] {
            let error = await refusal(signedBy: next, [next.certificate, wrong], under: trustingOld)
            #expect(error?.code == .untrusted)
        }
        let good = try bridge(authority, signs, domain.uri)
        #expect(await refusal(signedBy: next, [next.certificate, good], under: trustingOld) == nil)
    }

    @Test func atEnrolmentOneOfTheAuthoritiesIsThePinnedOne() async throws {
        let pinned = TrustedAuthorities(pinned: old.fingerprint)
        #expect(try await accept(signedBy: old, [old.certificate], under: pinned) == [old.certificate])
        #expect(await refusal(signedBy: next, [next.certificate], under: pinned)?.code == .pinMismatch)
        let bridges = try [
            old.crossSign(next: next.certificate, now: now), next.crossSign(former: old.certificate, now: now),
        ]
        // In the middle of a change either pin leads to both.
        for pin in [old.fingerprint, next.fingerprint] {
            let list = try await accept(
                signedBy: next, [next.certificate, old.certificate] + bridges, under: TrustedAuthorities(pinned: pin))
            #expect(list == [next.certificate, old.certificate])
        }
        let strange = await refusal(
            signedBy: old, [old.certificate, next.certificate], under: pinned)
        #expect(strange?.code == .untrusted)
    }

    @Test func whatWasTrustedStaysUntilTheNewOneWasMet() async throws {
        let bridge = try old.crossSign(next: next.certificate, now: now)
        let trusted = trustingOld
        let verifier = PeerVerifier(authorities: trusted, expecting: .coordinator(in: domain), now: { [now] in now })
        // Met by the old one: the new one alone is not enough yet.
        let server = try old.issueServerCredential(names: ServerNames(["localhost"]), now: now)
        _ = try await verifier.verify(server.chain)
        #expect(trusted.met == old.fingerprint)
        let both = try await accept(signedBy: next, [next.certificate, bridge], under: trusted)
        #expect(both == [next.certificate, old.certificate])
        // Met by the new one, which the old one has signed.
        let rotated = RotatingAuthority(AuthoritySet(next, others: [old.certificate], bridges: [bridge]))
        _ = try await verifier.verify(
            rotated.issueServerCredential(names: ServerNames(["localhost"]), now: now).chain)
        #expect(trusted.met == next.fingerprint)
        #expect(try await accept(signedBy: next, [next.certificate, bridge], under: trusted) == [next.certificate])
    }

    @Test func whoMissedTheChangeStillFindsTheCoordinatorAndNobodyElse() async throws {
        let bridge = try old.crossSign(next: next.certificate, now: now)
        let verifier = PeerVerifier(
            authorities: trustingOld, expecting: .coordinator(in: domain), now: { [now] in now })
        let names = try ServerNames(["localhost"])
        let server = try next.issueServerCredential(names: names, now: now)
        _ = try await verifier.verify(server.chain + [bridge])
        await #expect(throws: IdentityError.self) { try await verifier.verify(server.chain) }
        let stranger = try CertificateAuthority.create(trustDomain: domain, now: now)
        let impostor = try stranger.issueServerCredential(names: names, now: now)
        for extra in try [
            [bridge], [bridge, next.certificate], [stranger.crossSign(next: next.certificate, now: now)],
        ] {
            await #expect(throws: IdentityError.self) { try await verifier.verify(impostor.chain + extra) }
        }
    }

    @Test func anAuthorityIsReplacedInThreeStepsOfItsDirectory() throws {
        try inTemporaryDirectory { folder in
            let directory = AuthorityDirectory(path: folder + "/authority")
            _ = try directory.loadOrCreate(trustDomain: domain, now: now)
            let first = try directory.loadSet(trustDomain: domain, now: now)
            #expect(first.others.isEmpty)
            #expect(try directory.phase == .settled)
            #expect(throws: IdentityError.self) { try directory.activate(trustDomain: domain, now: now) }
            #expect(throws: IdentityError.self) { try directory.retire(trustDomain: domain, now: now, isForced: true) }

            let pin = try directory.prepare(trustDomain: domain, now: now)
            let prepared = try directory.loadSet(trustDomain: domain, now: now)
            #expect(prepared.issuing.fingerprint == first.issuing.fingerprint)
            #expect(prepared.fingerprints == [first.issuing.fingerprint, pin] && prepared.bridges.count == 2)
            #expect(throws: IdentityError.self) { try directory.prepare(trustDomain: domain, now: now) }

            #expect(try directory.activate(trustDomain: domain, now: now) == pin)
            let activated = try directory.loadSet(trustDomain: domain, now: now)
            #expect(activated.fingerprints == [pin, first.issuing.fingerprint])
            #expect(try directory.phase == .activated)
            // What the former one signed may be valid for a day.
            let early = #expect(throws: IdentityError.self) {
                try directory.retire(trustDomain: domain, now: now + .hours(23), isForced: false)
            }
            #expect(early?.message.contains("--force") == true)
            try directory.retire(trustDomain: domain, now: now + .hours(25), isForced: false)
            let settled = try directory.loadSet(trustDomain: domain, now: now)
            #expect(settled.fingerprints == [pin] && settled.bridges.isEmpty)
            #expect(try directory.phase == .settled)
        }
    }

    /// In the order of the steps, also where a script takes them in one second, or the clock went back in between.
    @Test func whichAuthorityCameFirstIsNoQuestionOfTheClock() throws {
        for later in [Interval.zero, .zero - .hours(1), .hours(1)] {
            try inTemporaryDirectory { folder in
                let directory = AuthorityDirectory(path: folder + "/authority")
                let first = try directory.loadOrCreate(trustDomain: domain, now: now).fingerprint
                let pin = try directory.prepare(trustDomain: domain, now: now + later)
                let time = now + .hours(2)
                #expect(try directory.loadSet(trustDomain: domain, now: time).fingerprintsByAge == [first, pin])
                _ = try directory.activate(trustDomain: domain, now: time)
                #expect(try directory.loadSet(trustDomain: domain, now: time).fingerprintsByAge == [first, pin])
            }
        }
    }

    @Test func anInterruptedActivationIsFinished() throws {
        try inTemporaryDirectory { folder in
            let directory = AuthorityDirectory(path: folder + "/authority")
            _ = try directory.loadOrCreate(trustDomain: domain, now: now)
            let pin = try directory.prepare(trustDomain: domain, now: now)
            // The key was written, and then the machine went down.
            let next = try SecretFile.read(directory.nextKeyFile, access: .ownerOnly)
            let former = try SecretFile.read(directory.certificateFile, access: .anybody)
            try SecretFile.write(former, to: directory.formerFile, mode: 0o644)
            try SecretFile.write(next, to: directory.keyFile, mode: 0o600)
            #expect(throws: IdentityError.self) { try directory.loadSet(trustDomain: domain, now: now) }
            #expect(try directory.activate(trustDomain: domain, now: now) == pin)
            #expect(try directory.loadSet(trustDomain: domain, now: now).fingerprints.first == pin)
        }
    }

    /// The disk was full after the first file, or a copy is made file by file: no change is taken for one that it is not.
    @Test func halfOfAnActivationIsNoActivation() throws {
        try inTemporaryDirectory { folder in
            let directory = AuthorityDirectory(path: folder + "/authority")
            let first = try directory.loadOrCreate(trustDomain: domain, now: now).fingerprint
            let pin = try directory.prepare(trustDomain: domain, now: now)
            let own = try SecretFile.read(directory.certificateFile, access: .anybody)
            try SecretFile.write(own, to: directory.formerFile, mode: 0o644)
            #expect(try directory.phase == .prepared)
            #expect(try directory.loadSet(trustDomain: domain, now: now).fingerprintsByAge == [first, pin])
            let next = try SecretFile.read(directory.nextFile, access: .anybody)
            #expect(try directory.activate(trustDomain: domain, now: now) == pin)
            #expect(try directory.loadSet(trustDomain: domain, now: now).fingerprintsByAge == [first, pin])
            #expect(try directory.phase == .activated)
            // A copy that has the new authority.pem, the former next.pem, and former.pem not yet.
            try SecretFile.remove(directory.formerFile)
            try SecretFile.write(next, to: directory.nextFile, mode: 0o644)
            #expect(try directory.loadSet(trustDomain: domain, now: now).fingerprints == [pin])
        }
    }

    @Test func whoeverLooksMakesNoAuthority() throws {
        try inTemporaryDirectory { folder in
            let directory = AuthorityDirectory(path: folder)
            #expect(throws: IdentityError.self) { try directory.loadSet(trustDomain: domain, now: now) }
            #expect(throws: IdentityError.self) { try directory.prepare(trustDomain: domain, now: now) }
            #expect(!SecretFile.exists(directory.certificateFile) && !SecretFile.exists(directory.nextFile))
            // A directory that is gone is not made either.
            let gone = AuthorityDirectory(path: folder + "/gone")
            #expect(throws: IdentityError.self) { try gone.loadSet(trustDomain: domain, now: now) }
            #expect(!SecretFile.exists(gone.path))
        }
    }

    @Test func aFormerAuthorityThatHasExpiredIsNamedToNobody() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/swell-expired-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let place = AuthorityDirectory(path: path)
        let begun = now - CertificateAuthority.defaultAuthorityLifetime + .hours(12)
        let first = try place.loadOrCreate(trustDomain: domain, now: begun)
        let pin = try place.prepare(trustDomain: domain, now: now)
        _ = try place.activate(trustDomain: domain, now: now)
        let during = try place.loadSet(trustDomain: domain, now: now + .hours(1))
        #expect(during.fingerprints == [pin, first.fingerprint] && during.bridges.count == 2)

        let after = try place.loadSet(trustDomain: domain, now: now + .hours(13))
        #expect(after.fingerprints == [pin])
        // An agent that trusts both goes on renewing.
        let trusted = TrustedAuthorities(during.roots)
        let list = try await accept(
            signedBy: after.issuing, after.path(at: now + .hours(13)), under: trusted, at: now + .hours(13))
        #expect(list.contains(after.issuing.certificate))
    }
}
