internal import Crypto
internal import Foundation
internal import Logging
internal import SwellIdentity
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// What an agent trusts when it comes back.
@Suite struct EnrollerTests {
    private func withDirectory(_ body: (AgentCredentialDirectory, CertificateAuthority) async throws -> Void)
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "enroller-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let directory = AgentCredentialDirectory(path: folder.path)
        let authority = try CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: .wall)
        let key = P256.Signing.PrivateKey()
        let issued = try authority.issueAgentCertificate(cluster: "a", for: SigningRequest(key: key), now: .wall)
        try directory.store(Credential(chain: issued.chain, key: key), authorities: [authority.certificate])
        try await body(directory, authority)
    }

    private func trusted(
        _ directory: AgentCredentialDirectory, pin: KeyFingerprint?
    ) async throws -> TrustedAuthorities {
        let settings = LinkSettings(
            cluster: "a", coordinator: try Endpoint("localhost:1"), enrolment: try Endpoint("localhost:2"),
            authorityPin: pin)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let enroller = Enroller(settings: settings, directory: directory, now: { .wall }, chance: { 0 }, logger: logger)
        return try await enroller.credential().authorities
    }

    @Test func theStoredTrustGoesOnAndTheFirstPinIsNoted() async throws {
        try await withDirectory { directory, authority in
            // From before pins were noted.
            #expect(try await trusted(directory, pin: authority.fingerprint).current == [authority.certificate])
            #expect(try directory.pin() == authority.fingerprint)
            // With one that no longer is the list's: a change that went by commands.
            let former = try CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: .wall)
            try directory.store(pin: former.fingerprint)
            #expect(try await trusted(directory, pin: former.fingerprint).current == [authority.certificate])
            #expect(try await trusted(directory, pin: nil).current == [authority.certificate])
        }
    }

    @Test func aPinThatIsNotOfWhatWasStoredIsNotTakenForTheFirst() async throws {
        try await withDirectory { directory, authority in
            let next = try CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: .wall)
            let trusted = try await trusted(directory, pin: next.fingerprint)
            #expect(trusted.isPinned && trusted.current.isEmpty)
            #expect(try directory.pin() == nil)
        }
    }

    @Test func anotherPinIsAnOperatorsWordAndOutdoesWhatWasStored() async throws {
        try await withDirectory { directory, authority in
            try directory.store(pin: authority.fingerprint)
            let next = try CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: .wall)
            let trusted = try await trusted(directory, pin: next.fingerprint)
            #expect(trusted.isPinned && trusted.current.isEmpty)
            let verifier = PeerVerifier(authorities: trusted, expecting: .coordinator(in: nil), now: { .wall })
            let names = try ServerNames(["localhost"])
            _ = try await verifier.verify(next.issueServerCredential(names: names, now: .wall).chain)
            await #expect(throws: IdentityError.self) {
                try await verifier.verify(authority.issueServerCredential(names: names, now: .wall).chain)
            }
            // It is noted once it has led somewhere, and not before.
            #expect(try directory.pin() == authority.fingerprint)
        }
    }
}
