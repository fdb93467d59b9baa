internal import Crypto
internal import FoundationEssentials
internal import GRPCCore
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

/// Join tokens, renewals and documents over real sockets.
@Suite(.timeLimit(.minutes(3))) struct CertificateAndDocumentTests {
    private func refusal(_ body: () async throws -> Void) async -> RPCError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? RPCError)?.code
        }
    }

    @Test func aTokenServesOneKey() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let token = try await fixture.token(for: "east-1")
            let key = P256.Signing.PrivateKey()
            let first = try await fixture.enrol(token.text, as: "east-1", key: key)
            #expect(await refusal { _ = try await fixture.enrol(token.text, as: "east-1") } == .unauthenticated)
            // The answer was lost: the same key may ask again.
            let again = try await fixture.enrol(token.text, as: "east-1", key: key)
            #expect(again.serial == first.serial)
            try await fixture.session(again) { session in try await session.isWelcomed() }
            // Once it is denied, the token is no way back in.
            try await fixture.revoke("east-1")
            #expect(
                await refusal { _ = try await fixture.enrol(token.text, as: "east-1", key: key) } == .unauthenticated)
        }
    }

    @Test func aTokenIsForItsClusterAlone() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let token = try await fixture.token(for: "east-1")
            #expect(await refusal { _ = try await fixture.enrol(token.text, as: "west-1") } == .permissionDenied)
            // A holder who writes another cluster's name into it has another token.
            let forged = token.text.replacing("east-1", with: "west-1")
            #expect(await refusal { _ = try await fixture.enrol(forged, as: "west-1") } == .unauthenticated)
            #expect(await refusal { _ = try await fixture.enrol("swell-join.x", as: "east-1") } == .unauthenticated)
            #expect(
                await refusal { _ = try await fixture.enrol(String(repeating: "x", count: 50_000), as: "east-1") }
                    == .unauthenticated)
            // None of it has spent the token.
            _ = try await fixture.enrol(token.text, as: "east-1")
        }
    }

    @Test func aCertificateIsRenewedUnderTheSameName() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let old = try await fixture.agent("east-1")
            let key = P256.Signing.PrivateKey()
            let renewed = try await fixture.dial(old) { fleet in
                var request = Swell_V1_RenewCertificateRequest()
                request.signingRequest = try Data(SigningRequest(key: key).derBytes)
                let grant = try await fleet.renewCertificate(request, options: FleetPortFixture.quick).grant
                return try await fixture.accept(grant, as: "east-1", key: key)
            }
            #expect(renewed.serial != old.serial)
            try await fixture.session(renewed) { session in try await session.isWelcomed() }
            // It was noted, so that it can be denied.
            try await fixture.revoke("east-1")
            try await fixture.session(renewed) { session in
                try await session.ends("permissionDenied")
            }
        }
    }

    @Test func anAgentReadsTheDocumentsOfItsReleasesOnly() async throws {
        let fixture = try await PortFixture()
        _ = try await SmallFleet.assign("east-1", in: fixture.store)
        let digests = [SmallFleet.index.digest, SmallFleet.manifest.digest]
        @Sendable func fetch(_ credential: Credential) async throws -> [ContentDocument] {
            try await fixture.dial(credential) { fleet in
                var request = Swell_V1_FetchDocumentsRequest()
                request.digests = digests.map(\.rawValue)
                return try await fleet.fetchDocuments(request, options: FleetPortFixture.quick) { response in
                    var assembler = DocumentAssembler(awaiting: digests)
                    var documents: [ContentDocument] = []
                    for try await chunk in response.messages {
                        if let document = try assembler.add(chunk) { documents.append(document) }
                    }
                    return documents
                }
            }
        }
        try await fixture.serving { _ in
            let documents = try await fetch(fixture.agent("east-1"))
            #expect(documents == [SmallFleet.index, SmallFleet.manifest])
            let stranger = try await fixture.agent("west-1")
            #expect(await refusal { _ = try await fetch(stranger) } == .notFound)
        }
    }
}
