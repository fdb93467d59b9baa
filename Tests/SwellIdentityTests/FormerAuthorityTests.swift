internal import Crypto
internal import Foundation
internal import SwellModel
internal import Testing
internal import X509

@testable internal import SwellIdentity

/// Another authority has taken its place: it is trusted for as long as that needs, and no longer.
@Suite struct FormerAuthorityTests {
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

    /// A signature over the former authority as versions of before made it: for as long as both live.
    private func longBridge(of former: Certificate, by signer: CertificateAuthority) throws -> Certificate {
        try signer.signed(
            version: .v3, publicKey: former.publicKey, subject: former.subject,
            from: max(now - CertificateAuthority.clockAllowance, Timestamp(signer.certificate.notValidBefore)),
            to: min(Timestamp(former.notValidAfter), Timestamp(signer.certificate.notValidAfter)),
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectAlternativeNames([.uniformResourceIdentifier(domain.uri)])
            })
    }

    private func isBelieved(_ chain: [Certificate], under trusted: TrustedAuthorities, at moment: Timestamp) async
        -> Bool
    {
        let verifier = PeerVerifier(authorities: trusted, expecting: .cluster(in: domain), now: { moment })
        return (try? await verifier.verify(chain)) != nil
    }

    /// An authority as versions of before made it: all of them have one name.
    private func namelessAuthority() throws -> CertificateAuthority {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("Swell authority") }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: (now - .minutes(5)).date, notValidAfter: (now + .hours(24 * 3_650)).date, issuer: name,
            subject: name,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectAlternativeNames([.uniformResourceIdentifier(domain.uri)])
            }, issuerPrivateKey: Certificate.PrivateKey(key))
        return try CertificateAuthority(
            certificatePEM: pem(of: [certificate]), keyPEM: key.pemRepresentation, trustDomain: domain,
            origin: "the test")
    }

    /// Path length 0 does not count a certificate whose issuer has its own name (RFC 5280, 4.2.1.9): as a link of a chain, the signature over
    /// the former one would lead to it for ten years.
    @Test func aFormerAuthorityIsNoLinkOfAChain() async throws {
        let (former, next) = (try namelessAuthority(), try namelessAuthority())
        let bridge = try longBridge(of: former.certificate, by: next)
        let late = now + .hours(24 * 30)
        let leaf = try former.issueAgentCertificate(cluster: "a", for: SigningRequest(key: key), now: late)
        let chain = leaf.chain + [next.certificate, bridge]
        #expect(await !isBelieved(chain, under: TrustedAuthorities([next.certificate]), at: late))
        // Who trusts it still needs no link.
        #expect(await isBelieved(chain, under: TrustedAuthorities([former.certificate]), at: late))
    }

    /// As one that is made of a Secret, which has no `activated-at`, after a retirement by mistake.
    @Test func aFolderThatWasPutTogetherAgainCanBeRetired() throws {
        let path = FileManager.default.temporaryDirectory.path + "/swell-again-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let place = AuthorityDirectory(path: path)
        _ = try place.loadOrCreate(trustDomain: domain, now: now)
        _ = try place.prepare(trustDomain: domain, now: now)
        _ = try place.activate(trustDomain: domain, now: now)
        try FileManager.default.removeItem(atPath: path + "/activated-at")
        let later = now + .hours(48)
        #expect(throws: IdentityError.self, "since when it signs, nobody knows") {
            try place.retire(trustDomain: domain, now: later, isForced: false)
        }
        try place.retire(trustDomain: domain, now: later, isForced: true)
        #expect(try place.phase == .settled)
    }

    /// Its key may be in anybody's hands by then: it lay in each backup of its years.
    @Test func aSignatureOverAFormerAuthorityIsOverAfterDaysHoweverLongItSaysItself() async throws {
        let lifetimes: [Interval] = [.hours(10 * 365 * 24), .hours(365 * 24), .hours(20 * 365 * 24)]
        for lifetime in lifetimes {
            let former = try CertificateAuthority.create(
                trustDomain: domain, now: now - .hours(24 * 30), lifetime: lifetime)
            let bridge = try longBridge(of: former.certificate, by: next)
            func chain(at moment: Timestamp) throws -> [Certificate] {
                let leaf = try former.issueAgentCertificate(cluster: "a", for: SigningRequest(key: key), now: moment)
                return leaf.chain + [next.certificate, bridge]
            }
            let trusted = TrustedAuthorities([next.certificate])
            #expect(await isBelieved(try chain(at: now + .hours(24)), under: trusted, at: now + .hours(24)))
            for days in [4, 30, 300] as [Int64] {
                let moment = now + .hours(24 * days)
                #expect(await !isBelieved(try chain(at: moment), under: trusted, at: moment), "\(days) days later")
                // Nor does it come back by an answer: what is over is left out, and a chain that leads to it alone refused.
                let offered = [next.certificate, former.certificate, bridge]
                let pinned = TrustedAuthorities(pinned: next.fingerprint)
                #expect(
                    try AuthorityTrust.authorities(
                        among: offered, under: pinned.anchor, in: domain, now: moment) == [next.certificate])
            }
        }
    }

    @Test func aReplicaTrustsNothingThatWasRetiredByAnySignature() async throws {
        let bridge = try longBridge(of: old.certificate, by: next)
        let leaf = try old.issueAgentCertificate(cluster: "a", for: SigningRequest(key: key), now: now)
        let replica = RotatingAuthority(next)
        let chain = leaf.chain + [next.certificate, bridge]
        #expect(await isBelieved(chain, under: replica.trusted, at: now), "a change that this replica has not heard of")
        replica.leaveOut(["\(old.fingerprint)"])
        #expect(await !isBelieved(chain, under: replica.trusted, at: now))
        replica.replace(with: AuthoritySet(next, others: [old.certificate], bridges: [bridge], areFormer: true))
        #expect(await !isBelieved(chain, under: replica.trusted, at: now))
    }

    /// In ordinary order, with days between the steps: who was off in any of them, with a certificate that is good or a token, is let in.
    @Test func aChangeOverDaysShutsNobodyOut() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/swell-days-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let place = AuthorityDirectory(path: path)
        let first = try place.loadOrCreate(trustDomain: domain, now: now - .hours(24 * 365))
        let names = try ServerNames(["localhost"])
        /// Whether an agent that has this trust meets the coordinator then, and takes its answer.
        func joins(_ trusted: TrustedAuthorities, at moment: Timestamp) async throws -> Bool {
            let rotating = RotatingAuthority(try place.loadSet(trustDomain: domain, now: moment))
            let server = try rotating.issueServerCredential(names: names, now: moment)
            let verifier = PeerVerifier(authorities: trusted, expecting: .coordinator(in: domain), now: { moment })
            guard (try? await verifier.verify(server.chain)) != nil else { return false }
            let (issued, authorities) = try rotating.issueAgentCertificate(
                cluster: "a", for: SigningRequest(key: key), now: moment)
            return
                (try? await Credential.accepting(
                    chainDER: issued.chainDER(), authoritiesDER: authorities.encodedAsDER(), key: key,
                    expected: .cluster("a", in: domain), under: trusted, now: moment)) != nil
        }
        var trustingFirst: TrustedAuthorities { TrustedAuthorities([first.certificate]) }
        let pin = try place.prepare(trustDomain: domain, now: now)
        #expect(try await joins(trustingFirst, at: now + .hours(24 * 9)))
        #expect(try await joins(TrustedAuthorities(pinned: pin), at: now + .hours(24)))
        let activated = now + .hours(24 * 9)
        _ = try place.activate(trustDomain: domain, now: activated)
        // Off since before the preparation, and what joins by either pin, however late the change is brought to its end.
        for days in [0, 1, 2, 7, 40] as [Int64] {
            let moment = activated + .hours(24 * days)
            #expect(try await joins(trustingFirst, at: moment), "off for long, \(days) days after")
            #expect(
                try await joins(TrustedAuthorities(pinned: pin), at: moment), "the next one's pin, \(days) days after")
            #expect(
                try await joins(TrustedAuthorities(pinned: first.fingerprint), at: moment), "the former one's, \(days)")
            let set = try place.loadSet(trustDomain: domain, now: moment)
            // What goes out then with a certificate of a day says of the former one that it is trusted for that day.
            let (issued, _) = try RotatingAuthority(set).issueAgentCertificate(
                cluster: "a", for: SigningRequest(key: key), now: moment)
            let back = issued.chain.filter { $0.publicKey == first.certificate.publicKey && !$0.isSelfSigned }
            #expect(back.count == 1)
            #expect(back.allSatisfy { Timestamp($0.notValidAfter) <= moment + .hours(24) })
        }
        // A replica that has the next one alone takes what the former one signed a moment ago.
        let before = try place.loadSet(trustDomain: domain, now: activated)
        let late = try first.issueAgentCertificate(cluster: "a", for: SigningRequest(key: key), now: activated)
        let renewed = try RotatingAuthority(before).issueServerCredential(names: names, now: activated)
        let chain = late.chain + renewed.chain.dropFirst().filter { !late.chain.contains($0) }
        let alone = TrustedAuthorities([before.issuing.certificate])
        #expect(await isBelieved(chain, under: alone, at: activated + .hours(23)))
        let retired = activated + .hours(25)
        try place.retire(trustDomain: domain, now: retired, isForced: false)
        let kept = try before.issuing.crossSign(next: next.certificate, now: retired)
        #expect(Timestamp(kept.notValidAfter) == before.issuing.notValidAfter)
        #expect(!SecretFile.exists(place.bridgesFile))
    }

    /// Path length 0 holds a chain through another authority for whoever knows nothing of signatures between them, as operators' tools: but
    /// a certificate in the name of its own issuer is not counted (RFC 5280, 4.2.1.9).
    @Test func authoritiesHaveNamesOfTheirOwn() throws {
        #expect(old.certificate.subject != next.certificate.subject)
        #expect(try old.crossSign(next: next.certificate, now: now).subject == next.certificate.subject)
    }
}
