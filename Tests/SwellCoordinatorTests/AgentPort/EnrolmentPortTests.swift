internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import Testing

@testable internal import SwellCoordinator

/// The enrolment port over real sockets: what an agent's first contact believes.
@Suite(.timeLimit(.minutes(1))) struct EnrolmentPortTests {
    let fixture: FleetPortFixture

    init() throws { fixture = try FleetPortFixture() }

    private struct Greeter: Swell_V1_Enrollment.SimpleServiceProtocol {
        func enroll(request: Swell_V1_EnrollRequest, context: ServerContext) async throws -> Swell_V1_EnrollResponse {
            var response = Swell_V1_EnrollResponse()
            response.grant.trustDomain = request.cluster
            return response
        }
    }

    private func enroll(_ port: Int, pin: KeyFingerprint) async throws -> String {
        let verifier = PeerVerifier(pinned: pin, now: { FleetPortFixture.now })
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .enrolment(verifier: verifier))
        return try await withGRPCClient(transport: transport) { client in
            var request = Swell_V1_EnrollRequest()
            request.cluster = "east-1"
            return try await Swell_V1_Enrollment.Client(wrapping: client)
                .enroll(request, options: FleetPortFixture.quick).grant.trustDomain
        }
    }

    @Test func firstContactBelievesThePinnedAuthorityOnly() async throws {
        let listener = try AgentPortListener.enrolment(
            .enrolment(host: "127.0.0.1", port: 0), credential: fixture.credential, services: [Greeter()])
        try await fixture.serving(listener) { [fixture, self] port in
            #expect(try await enroll(port, pin: fixture.authority.fingerprint) == "east-1")
            let other = try CertificateAuthority.create(trustDomain: fixture.domain, now: FleetPortFixture.now)
            await #expect(throws: RPCError.self) { try await enroll(port, pin: other.fingerprint) }
        }
    }
}
