internal import Crypto
internal import Logging
internal import SwellIdentity
internal import SwellModel
internal import Synchronization
internal import Testing

@testable internal import SwellCoordinator

/// Certificates that are wrong in one way each: refused at the fleet port, with a reason that an operator understands.
@Suite(.timeLimit(.minutes(3))) struct BadCertificateTests {
    enum Fault: String, CaseIterable {
        case anothersAuthority, selfSigned, expired, notYetValid, coordinatorsOwn, otherTrustDomain, otherClustersName

        /// What the log says.
        var reason: String {
            switch self {
            case .anothersAuthority, .selfSigned: "spiffe://swell.test/cluster/east-1: "
            case .expired: "expired at"
            case .notYetValid: "is valid from"
            case .coordinatorsOwn: "/coordinator: expected a cluster"
            case .otherTrustDomain: "is not of trust domain swell.test"
            case .otherClustersName: "it is not listed"
            }
        }
    }

    private func credential(_ fault: Fault, _ fixture: PortFixture) async throws -> Credential {
        let now = fixture.now()
        func issue(_ authority: CertificateAuthority, _ cluster: ClusterName = "east-1", at moment: Timestamp? = nil)
            throws -> Credential
        {
            let key = P256.Signing.PrivateKey()
            let issued = try authority.issueAgentCertificate(
                cluster: cluster, for: SigningRequest(key: key), now: moment ?? now)
            return try Credential(chain: issued.chain, key: key)
        }
        switch fault {
        case .anothersAuthority:
            return try issue(.create(trustDomain: fixture.rotating.trustDomain, now: now))
        case .selfSigned:
            let own = try issue(.create(trustDomain: fixture.rotating.trustDomain, now: now))
            return try Credential(chain: [own.leaf], key: own.key)
        case .expired: return try issue(fixture.authority, at: now - .hours(30))
        case .notYetValid: return try issue(fixture.authority, at: now + .hours(1))
        case .coordinatorsOwn:
            return try fixture.authority.issueServerCredential(names: ServerNames(["localhost"]), now: now)
        case .otherTrustDomain: return try issue(.create(trustDomain: TrustDomain("other.test"), now: now))
        case .otherClustersName: return try issue(fixture.authority, "west-1")
        }
    }

    /// Whom it is about is what a person wants to know who looks for an agent that is away. Anybody may call himself so.
    @Test func whoseAgentARefusedOneCallsItselfIsRememberedApart() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let bad = try await credential(.anothersAuthority, fixture)
            #expect(fixture.port.refusals.lastClaim(of: "east-1") == nil)
            await #expect(throws: (any Error).self) {
                try await fixture.dial(bad) { _ = try await fixture.renew(bad, over: $0) }
            }
            let claim = fixture.port.refusals.lastClaim(of: "east-1")
            #expect(claim?.reason.contains("no trusted authority signed its certificate") == true, "\(claim as Any)")
            #expect(fixture.port.refusals.last(of: "east-1") == nil)
            #expect(fixture.port.refusals.lastClaim(of: "west-1") == nil)
        }
    }

    @Test(arguments: Fault.allCases) func eachIsRefusedWithAReasonAndToldOnce(fault: Fault) async throws {
        let lines = Journal<String>()
        let fixture = try await PortFixture(logger: Logger(label: "test") { _ in LineHandler(lines: lines) })
        try await fixture.serving { _ in
            let bad = try await credential(fault, fixture)
            // An agent that is in order, under another name, is not in the way of the check.
            let good = try await fixture.agent("east-1")
            for _ in 0..<8 {
                await #expect(throws: (any Error).self) {
                    try await fixture.dial(bad) { _ = try await fixture.renew(bad, over: $0) }
                }
            }
            try await fixture.session(good) { try await $0.isWelcomed() }
            let told = lines.entries.filter { $0.contains("refused") }
            #expect(told.contains { $0.contains(fault.reason) }, "\(told)")
            #expect((1...5).contains(told.count), "told \(told.count) times")
        }
    }
}

/// Keeps what is logged, the metadata with it.
private struct LineHandler: LogHandler {
    let lines: Journal<String>
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.add("\(event.message) \((event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted())")
    }
}
