internal import Crypto
internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import Synchronization

@testable internal import SwellCoordinator

/// An authority, a coordinator's credential and agents to dial with, at a moment of the test's own.
struct FleetPortFixture: Sendable {
    static let now = Timestamp(milliseconds: 1_800_000_000_000)
    let domain: TrustDomain
    let authority: CertificateAuthority
    let credential: RotatingCredential
    let trusted: TrustedAuthorities
    let denylist = Denylist()
    let refusals = Journal<IdentityError.Code>()

    init() throws {
        domain = try TrustDomain("swell.test")
        authority = try CertificateAuthority.create(trustDomain: domain, now: Self.now - .hours(72))
        credential = try RotatingCredential(Self.server(of: authority))
        trusted = TrustedAuthorities([authority.certificate])
    }

    static func server(of authority: CertificateAuthority) throws -> Credential {
        try authority.issueServerCredential(names: ServerNames(["localhost", "127.0.0.1"]), now: now)
    }

    func settings() -> AgentPortSettings { .fleet(host: "127.0.0.1", port: 0) }

    func listener(_ settings: AgentPortSettings? = nil) throws -> AgentPortListener {
        let verifier = PeerVerifier(
            authorities: trusted, expecting: .cluster(in: domain), now: { Self.now },
            isDenied: { [denylist] in denylist.contains($0) })
        let callers = CallerConnections()
        return try .fleet(
            settings ?? self.settings(), credential: credential, verifier: verifier,
            services: [EchoFleet(trustDomain: domain, callers: callers)], callers: callers,
            onRefusal: { [refusals] in refusals.add($0.code) })
    }

    /// Runs `listener` while `body` works with its port.
    func serving(_ listener: AgentPortListener, _ body: @Sendable (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listener.run() }
            try await body(listener.port)
            group.cancelAll()
            // The server's end by cancellation is no failure of the test.
            while let result = await group.nextResult() { _ = result }
        }
    }

    /// A credential as an enrolled agent of `cluster` has it.
    func agent(
        _ cluster: ClusterName, of authority: CertificateAuthority? = nil, issuedAt moment: Timestamp = now
    ) throws -> Credential {
        let key = P256.Signing.PrivateKey()
        let issued = try (authority ?? self.authority).issueAgentCertificate(
            cluster: cluster, for: SigningRequest(key: key), now: moment)
        return try Credential(chain: issued.chain, key: key)
    }

    /// How an agent with `credential` secures its connection; `serials` notes which server certificates it met.
    func security(
        _ credential: Credential, serials: Journal<String> = Journal(), trusting: TrustedAuthorities? = nil
    ) throws -> HTTP2ClientTransport.Posix.TransportSecurity {
        let verifier = PeerVerifier(
            authorities: trusting ?? trusted, expecting: .coordinator(in: domain), now: { Self.now },
            isDenied: { serial in
                serials.add(serial)
                return false
            })
        return try .agent(credential: RotatingCredential(credential), verifier: verifier)
    }

    /// Opens a session on a connection of its own, and gives the cluster's name that the coordinator took it for.
    func clusterName(_ port: Int, _ security: HTTP2ClientTransport.Posix.TransportSecurity) async throws -> String {
        try await withClient(port, security) { client in
            try await client.session(metadata: [:], options: Self.quick) { writer in
                try await writer.write(Swell_V1_AgentMessage(.heartbeat(sequence: 1)))
            } onResponse: { response in
                var name = ""
                for try await message in response.messages { name = message.placement.cluster }
                return name
            }
        }
    }

    func withClient<Result: Sendable>(
        _ port: Int, _ security: HTTP2ClientTransport.Posix.TransportSecurity, keepalive: Duration? = nil,
        _ body: @Sendable (Swell_V1_Fleet.Client<HTTP2ClientTransport.Posix>) async throws -> Result
    ) async throws -> Result {
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: security,
            config: .defaults { config in
                if let keepalive {
                    config.connection.keepalive = .init(
                        time: keepalive, timeout: .seconds(5), allowWithoutCalls: true)
                }
            })
        return try await withGRPCClient(transport: transport) { client in
            try await body(Swell_V1_Fleet.Client(wrapping: client))
        }
    }

    /// A refused connection fails the call at once, instead of being tried again until somebody gives up.
    static var quick: CallOptions {
        var options = CallOptions.defaults
        options.waitForReady = false
        // So long that no machine that others have, too, comes to it.
        options.timeout = .seconds(60)
        return options
    }
}

/// Answers every message with the cluster that the caller's certificate names.
private struct EchoFleet: Swell_V1_Fleet.SimpleServiceProtocol {
    let trustDomain: TrustDomain
    let callers: CallerConnections

    func session(
        request: RPCAsyncSequence<Swell_V1_AgentMessage, any Error>,
        response: RPCWriter<Swell_V1_CoordinatorMessage>, context: ServerContext
    ) async throws {
        let caller = try AgentCaller(context, trustDomain: trustDomain)
        callers.admit(context.remotePeer, as: caller.cluster)
        for try await _ in request {
            let place = Cluster(name: caller.cluster, region: "r", environment: "e")
            try await response.write(Swell_V1_CoordinatorMessage(.placement(place)))
        }
    }

    func fetchDocuments(
        request: Swell_V1_FetchDocumentsRequest, response: RPCWriter<Swell_V1_DocumentChunk>, context: ServerContext
    ) async throws {
        throw RPCError(code: .unimplemented, message: "Not part of this test.")
    }

    func renewCertificate(
        request: Swell_V1_RenewCertificateRequest, context: ServerContext
    ) async throws -> Swell_V1_RenewCertificateResponse {
        throw RPCError(code: .unimplemented, message: "Not part of this test.")
    }
}

/// What happened, in order, for tests to look at.
final class Journal<Entry: Sendable>: Sendable {
    private let list = Mutex<[Entry]>([])
    var entries: [Entry] { list.withLock { $0 } }
    func add(_ entry: Entry) { list.withLock { $0.append(entry) } }
}
