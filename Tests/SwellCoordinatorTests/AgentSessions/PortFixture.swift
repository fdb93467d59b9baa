internal import AsyncSupport
internal import Crypto
internal import FoundationEssentials
internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import Logging
internal import ServiceLifecycle
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import Synchronization
internal import Testing
internal import X509

@testable internal import SwellCoordinator

/// Takes reports in at once, unless it is told to fail.
final class TestIngestor: ReportIngesting {
    private let store: any AgentStore
    private let failure = Mutex<StoreError?>(nil)

    init(_ store: any AgentStore) { self.store = store }

    func fail(with error: StoreError?) { failure.withLock { $0 = error } }

    func ingest(_ reports: [ApplicationReport], of cluster: ClusterName, session: String?) async throws {
        if let error = failure.withLock({ $0 }) { throw error }
        _ = try await store.ingest(reports.map { ReceivedReport(cluster: cluster, report: $0) })
    }

    func wait(of cluster: ClusterName) async -> Interval { .zero }
}

/// A wall clock that runs from the fixtures' moment, and can be set forward.
final class TestClock: Sendable {
    private let started = ContinuousClock.now
    private let skipped = Mutex(Interval.zero)
    private let difference = Mutex(Interval.zero)

    var now: Timestamp {
        let elapsed = Interval(milliseconds: Int64((ContinuousClock.now - started) / .milliseconds(1)))
        return FleetPortFixture.now + elapsed + skipped.withLock { $0 }
    }

    /// The store's own clock.
    var stored: Timestamp { now + difference.withLock { $0 } }

    /// Sets the store's clock ahead of everybody else's.
    func setStore(ahead interval: Interval) { difference.withLock { $0 = interval } }

    func skip(_ interval: Interval) { skipped.withLock { $0 = $0 + interval } }
}

/// A whole port over a store in memory, and agents to dial it.
struct PortFixture: Sendable {
    typealias Fleet = Swell_V1_Fleet.Client<HTTP2ClientTransport.Posix>

    let base = FleetPortFixture.now
    let authority: CertificateAuthority
    /// As the port has it: tests replace it.
    let rotating: RotatingAuthority
    let credential: RotatingCredential
    let store: MemoryStore
    let ingestor: TestIngestor
    let port: AgentPort
    let assignmentsChanged = Signal()
    let previewsWanted = Signal()
    let trustChanged = Signal()

    let clock: TestClock
    let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - other: A replica whose store and authority this one shares.
    ///   - restored: What its database was restored to instead.
    ///   - ingesting: Makes what takes reports in, where ``ingestor`` is not to.
    init(
        beside other: PortFixture? = nil, restored: MemoryState? = nil, clusters: [Cluster] = SmallFleet.clusters,
        logger: Logger? = nil,
        _ adjust: (inout AgentPort.Settings) -> Void = { _ in },
        ingesting: ((MemoryStore) throws -> any ReportIngesting)? = nil
    ) async throws {
        clock = other?.clock ?? TestClock()
        let now: @Sendable () -> Timestamp = { [clock] in clock.now }
        self.now = now
        authority =
            try other?.authority
            ?? CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: base - .hours(72))
        rotating = RotatingAuthority(authority)
        let stored: @Sendable () -> Timestamp = { [clock] in clock.stored }
        store = restored.map { MemoryStore(state: $0, clock: stored) } ?? other?.store ?? MemoryStore(clock: stored)
        if other == nil { try await SmallFleet.fill(store, clusters) }
        ingestor = TestIngestor(store)
        var settings = AgentPort.Settings(
            replica: other == nil ? "replica-a" : "replica-b", fleet: .fleet(host: "127.0.0.1", port: 0),
            enrolment: .enrolment(host: "127.0.0.1", port: 0))
        settings.paces.presence = .milliseconds(50)
        settings.paces.places = .milliseconds(50)
        settings.paces.checks = .milliseconds(50)
        settings.paces.goAway = .milliseconds(300)
        // On a busy machine agents of tests take their time to read what is said.
        settings.paces.cut = .seconds(2)
        settings.fleet.graceTime = .seconds(2)
        settings.enrolment.graceTime = .milliseconds(100)
        adjust(&settings)
        credential = try RotatingCredential(FleetPortFixture.server(of: authority))
        port = try AgentPort(
            store: store, authority: rotating, credential: credential, settings: settings,
            ingestor: try ingesting?(store) ?? ingestor,
            assignmentsChanged: assignmentsChanged, previewsWanted: previewsWanted, trustChanged: trustChanged,
            now: now, logger: logger ?? Self.silent)
    }

    private static let silent: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    /// Runs the port while `body` works with it.
    func serving(_ body: @Sendable (ServiceGroup) async throws -> Void) async throws {
        let group = ServiceGroup(services: [port], logger: Self.silent)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            _ = try await port.enrolmentPort
            try await body(group)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    // MARK: Agents

    /// A token that lets the agent of `cluster` in.
    func token(for cluster: ClusterName) async throws -> JoinToken {
        var generator = SystemRandomNumberGenerator()
        let token = JoinToken.generate(for: cluster, using: &generator)
        try await store.createToken(hash: token.hash, cluster: cluster, expiresAt: store.now() + .hours(1), by: "ann")
        return token
    }

    /// Enrols as an agent does.
    func enrol(
        _ token: String, as cluster: ClusterName, key: P256.Signing.PrivateKey = P256.Signing.PrivateKey(),
        uid: String = ""
    ) async throws -> Credential {
        let number = try await port.enrolmentPort
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: number),
            transportSecurity: .enrolment(verifier: PeerVerifier(pinned: authority.fingerprint, now: now)))
        let grant = try await withGRPCClient(transport: transport) { client in
            var request = Swell_V1_EnrollRequest()
            request.joinToken = token
            request.cluster = cluster.rawValue
            request.clusterUid = uid
            request.signingRequest = try Data(SigningRequest(key: key).derBytes)
            return try await Swell_V1_Enrollment.Client(wrapping: client)
                .enroll(request, options: FleetPortFixture.quick).grant
        }
        return try await accept(grant, as: cluster, key: key)
    }

    /// Renews as an agent does.
    func renew(_ credential: Credential, over fleet: Fleet) async throws -> Credential {
        let key = P256.Signing.PrivateKey()
        var request = Swell_V1_RenewCertificateRequest()
        request.signingRequest = try Data(SigningRequest(key: key).derBytes)
        let grant = try await fleet.renewCertificate(request, options: FleetPortFixture.quick).grant
        return try await accept(grant, as: try #require(credential.identity.clusterName), key: key)
    }

    func accept(
        _ grant: Swell_V1_CertificateGrant, as cluster: ClusterName, key: P256.Signing.PrivateKey
    ) async throws -> Credential {
        try await Credential.accepting(
            chainDER: grant.chain.map { Array($0) }, authoritiesDER: grant.authorities.map { Array($0) }, key: key,
            expected: .cluster(cluster, in: TrustDomain(grant.trustDomain)),
            under: TrustedAuthorities([authority.certificate]), now: now()
        ).credential
    }

    /// An enrolled agent of `cluster`.
    func agent(_ cluster: ClusterName) async throws -> Credential {
        try await enrol(token(for: cluster).text, as: cluster)
    }

    /// Revokes all that a cluster's agent has, as an operator does.
    func revoke(_ cluster: ClusterName) async throws {
        _ = try await store.revokeCertificates(of: cluster, serial: nil, reason: nil, by: "ann")
    }

    /// Dials the fleet port.
    func dial<Result: Sendable>(
        _ credential: Credential, _ body: @Sendable (Fleet) async throws -> Result
    ) async throws -> Result {
        let verifier = PeerVerifier(
            authorities: TrustedAuthorities([authority.certificate]), expecting: .coordinator(in: nil), now: now)
        let number = try await port.fleetPort
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: number),
            transportSecurity: .agent(credential: RotatingCredential(credential), verifier: verifier))
        return try await withGRPCClient(transport: transport) { client in try await body(Fleet(wrapping: client)) }
    }

    /// Stands for a uid of the cluster's own: a session puts its name there.
    static let ownUID = "own"

    static func hello(
        journal: [ApplicationReport] = [], boot: String = "boot-1", highestEpoch: Int64 = 0,
        capabilities: Set<String> = [], uid: String = ownUID
    ) -> AgentEvent {
        .hello(
            AgentHello(
                agentVersion: "1.2.0", clusterUID: uid, bootID: boot, journal: journal, highestEpoch: highestEpoch,
                capabilities: capabilities))
    }

    /// Opens a session that begins with `first`, and lets `body` go on with it until it returns.
    func session<Result: Sendable>(
        _ credential: Credential, first: AgentEvent = hello(),
        _ body: @Sendable (TestSession) async throws -> Result
    ) async throws -> Result {
        try await dial(credential) { fleet in try await TestSession.run(fleet, first, credential, body) }
    }

    /// What the store knows of `cluster`.
    func record(_ cluster: ClusterName) async throws -> ClusterRecord? {
        try await store.clusters().first { $0.cluster.name == cluster }
    }
}

/// An agent's side of a stream.
struct TestSession: Sendable {
    /// What the coordinator said, in order.
    let heard = Journal<CoordinatorEvent>()
    /// What the coordinator said when it refused the stream.
    let refusal = Journal<String>()
    /// Set when the stream ended.
    let ended = Journal<String>()
    private let outgoing: AsyncStream<AgentEvent>.Continuation

    private init(_ outgoing: AsyncStream<AgentEvent>.Continuation) { self.outgoing = outgoing }

    func say(_ event: AgentEvent) { outgoing.yield(event) }
    func hangUp() { outgoing.finish() }

    private static func told(_ first: AgentEvent, by cluster: ClusterName) -> AgentEvent {
        guard case .hello(var hello) = first, hello.clusterUID == PortFixture.ownUID else { return first }
        hello.clusterUID = "uid-of-\(cluster)"
        return .hello(hello)
    }

    static func run<Result: Sendable>(
        _ fleet: PortFixture.Fleet, _ first: AgentEvent, _ credential: Credential,
        _ body: @Sendable (TestSession) async throws -> Result
    ) async throws -> Result {
        let (events, outgoing) = AsyncStream<AgentEvent>.makeStream()
        let session = TestSession(outgoing)
        let cluster = try #require(credential.identity.clusterName)
        session.say(told(first, by: cluster))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await fleet.session(options: FleetPortFixture.quick) { writer in
                        for await event in events { try await writer.write(Swell_V1_AgentMessage(event)) }
                    } onResponse: { response in
                        for try await message in response.messages {
                            session.heard.add(try CoordinatorEvent(message, cluster: cluster))
                        }
                    }
                    session.ended.add("ok")
                } catch let error as RPCError {
                    session.refusal.add(error.message)
                    session.ended.add("\(error.code)")
                }
                outgoing.finish()
            }
            let result = try await body(session)
            session.hangUp()
            group.cancelAll()
            while await group.nextResult() != nil {}
            return result
        }
    }

    /// Waits for something that the coordinator says.
    func hears(_ what: String, _ condition: @escaping @Sendable (CoordinatorEvent) -> Bool) async throws {
        try await soon("the agent hears \(what)") { heard.entries.contains(where: condition) }
    }

    func isWelcomed() async throws {
        try await hears("the end of the resync") {
            if case .assignments(_, resyncComplete: true) = $0 { true } else { false }
        }
    }

    /// Waits until the coordinator ended the session: `ok`, or a code of gRPC.
    func ends(_ how: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await soon("the session ends", sourceLocation: sourceLocation) { !ended.entries.isEmpty }
        #expect(ended.entries == [how], sourceLocation: sourceLocation)
    }

    /// Why the coordinator asked to come back later.
    var goAway: String? {
        for case .retryLater(_, let reason) in heard.entries { return reason }
        return nil
    }

    var assignments: [Assignment] {
        heard.entries.flatMap { event -> [Assignment] in
            if case .assignments(let list, _) = event { list } else { [] }
        }
    }
}

/// Waits until `condition` holds, and fails when it does not: after long enough for a machine that others have, too.
func soon(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(45)
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("never: \(what)", sourceLocation: sourceLocation)
    throw CancellationError()
}
