internal import AsyncSupport
internal import Crypto
internal import FoundationEssentials
internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import Synchronization
internal import Testing
internal import X509

@testable internal import SwellCoordinator

/// The authority and the coordinator's certificate are replaced under fifty agents' links while a rollout goes on.
@Suite(.timeLimit(.minutes(3))) struct AuthorityRotationTests {
    private static let count = 50

    private static let clusters = (0..<count).map { number in
        Cluster(
            name: ClusterName(stringLiteral: "c-\(number)"), region: "us-east-1", environment: "production")
    }

    @Test func nothingIsDroppedWhileTheAuthorityIsReplaced() async throws {
        let fixture = try await PortFixture(clusters: Self.clusters)
        let next = try CertificateAuthority.create(trustDomain: fixture.rotating.trustDomain, now: fixture.now())
        let old = fixture.authority
        let bridges = try [
            old.crossSign(next: next.certificate, now: fixture.now()),
            next.crossSign(former: old.certificate, now: fixture.now()),
        ]
        try await fixture.serving { _ in
            var links: [AgentLink] = []
            for cluster in Self.clusters {
                links.append(
                    AgentLink(
                        fixture, try await Self.joined(cluster.name, fixture), TrustedAuthorities([old.certificate])))
            }
            let fleet = links
            let rollout = Rolling(fixture, Self.clusters.map(\.name))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for link in fleet { group.addTask { try await link.run() } }
                try await Self.all(fleet, "are welcomed") { $0.welcomes >= 1 }
                group.addTask { try await rollout.run() }
                let clock = ContinuousClock()

                // Prepared: half of them renew, and learn of the next one; the others miss it.
                try Self.rotate(fixture, AuthoritySet(old, others: [next.certificate], bridges: bridges))
                try await Self.inTurn(fleet.prefix(Self.count / 2)) { $0.renew() }
                try await Self.all(fleet.prefix(Self.count / 2), "have renewed") {
                    $0.renewals == 1 && $0.isSettled
                }
                #expect(fleet[0].trusted.current.count == 2 && fleet[Self.count - 1].trusted.current.count == 1)

                // Activated: all come over a new connection, before and after they renew.
                let activated = clock.now
                try Self.rotate(fixture, AuthoritySet(next, others: [old.certificate], bridges: bridges))
                try await Self.inTurn(fleet[...]) { $0.reconnect() }
                try await Self.all(fleet, "came over", \.isSettled)
                #expect(fleet.allSatisfy { $0.trusted.met == next.fingerprint }, "not all met the next authority")
                try await Self.inTurn(fleet[...]) { $0.renew() }
                try await Self.all(fleet, "have renewed under it") {
                    $0.certificateIssuer == next.fingerprint && $0.isSettled
                }
                let renewed = clock.now - activated

                // Retired: the former one is trusted nowhere, and nobody notices.
                try Self.rotate(fixture, AuthoritySet(next))
                try await Self.inTurn(fleet[...]) { $0.renew() }
                try await Self.all(fleet, "came back", \.isSettled)
                #expect(
                    fleet.allSatisfy {
                        $0.trusted.current.map { KeyFingerprint(of: $0.publicKey) } == [next.fingerprint]
                    })

                // The rollout that went on all the while has reached everybody.
                rollout.stop()
                let orders = try await rollout.ended()
                try await Self.all(fleet, "have the last order") { $0.highest == orders[$0.cluster] }
                let failures = fleet.flatMap(\.state.failures)
                #expect(failures.isEmpty, "\(failures.prefix(3))")
                let gaps = fleet.flatMap(\.state.gaps).sorted()
                print(
                    """
                    rotation: \(Self.count) links, \(gaps.count) new connections, longest gap between two sessions \
                    \(gaps.last ?? .zero), median \(gaps.isEmpty ? .zero : gaps[gaps.count / 2]); all under the next authority \
                    \(renewed) after it signed; \(orders.values.reduce(0, +)) orders told meanwhile, none missed
                    """)
                group.cancelAll()
                while await group.nextResult() != nil {}
            }
        }
    }

    @Test func anAgentRefusesARenewalWhoseRootNobodyItTrustsHasSigned() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            let trusted = TrustedAuthorities([fixture.authority.certificate])
            let link = AgentLink(fixture, credential, trusted)
            let stranger = try CertificateAuthority.create(
                trustDomain: fixture.rotating.trustDomain, now: fixture.now())
            // Whoever took the coordinator over has its server key for a day, and not the authority's.
            fixture.rotating.replace(
                with: AuthoritySet(stranger, others: [fixture.authority.certificate]))
            await #expect(throws: IdentityError.self) {
                try await link.dial { try await link.renewNow(over: $0) }
            }
            #expect(trusted.current == [fixture.authority.certificate])
        }
    }

    /// More than one address may let join at once: told to wait, it waits as an agent does.
    private static func joined(_ cluster: ClusterName, _ fixture: PortFixture) async throws -> Credential {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            do {
                return try await fixture.agent(cluster)
            } catch let error as RPCError where error.code == .resourceExhausted && ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    private static func rotate(_ fixture: PortFixture, _ set: AuthoritySet) throws {
        fixture.rotating.replace(with: set)
        try fixture.credential.replace(
            with: fixture.rotating.issueServerCredential(names: ServerNames(["localhost"]), now: fixture.now()))
    }

    /// Tells a few at a time, as agents come at moments of their own: a storm is another test's.
    private static func inTurn(_ links: ArraySlice<AgentLink>, _ order: @Sendable (AgentLink) -> Void) async throws {
        var rest = links
        while !rest.isEmpty {
            let few = Array(rest.prefix(5))
            rest = rest.dropFirst(5)
            for link in few { order(link) }
            try await all(few, "did as told", \.isSettled)
        }
    }

    private static func all(
        _ links: some Sequence<AgentLink> & Sendable, _ what: String,
        _ condition: @escaping @Sendable (AgentLink.State) -> Bool
    ) async throws {
        try await all(Array(links), what) { condition($0.state) }
    }

    private static func all<Item: Sendable>(
        _ items: [Item], _ what: String, _ condition: @escaping @Sendable (Item) -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !items.allSatisfy(condition) {
            guard ContinuousClock.now < deadline else {
                Issue.record("\(items.count { !condition($0) }) of \(items.count) never \(what)")
                throw CancellationError()
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}

/// An agent's link as far as trust goes: dials, renews when told to, and comes back, by the same values as an agent.
private final class AgentLink: Sendable {
    struct State: Sendable {
        var cluster: ClusterName
        var welcomes = 0
        var renewals = 0
        /// What it was told to do: each ends a session.
        var orders = 0
        /// Whether all of that is done, and it is welcomed again.
        var isSettled: Bool { welcomes > orders }
        var highest: Int64 = 0
        var certificateIssuer: KeyFingerprint?
        var failures: [String] = []
        var endedAt: ContinuousClock.Instant?
        /// Between the end of a session and the next one's welcome.
        var gaps: [Duration] = []
    }

    private enum Order { case renew, reconnect }

    let trusted: TrustedAuthorities
    private let fixture: PortFixture
    private let credential: Mutex<Credential>
    private let held: Mutex<State>
    private let orders = AsyncStream<Order>.makeStream()

    init(_ fixture: PortFixture, _ credential: Credential, _ trusted: TrustedAuthorities) {
        self.fixture = fixture
        self.credential = Mutex(credential)
        self.trusted = trusted
        held = Mutex(State(cluster: credential.identity.clusterName ?? "nobody"))
    }

    var state: State { held.withLock { $0 } }
    func renew() { order(.renew) }
    func reconnect() { order(.reconnect) }

    private func order(_ order: Order) {
        held.withLock { $0.orders += 1 }
        orders.continuation.yield(order)
    }

    func run() async throws {
        while !Task.isCancelled {
            do {
                try await dial { fleet in
                    try await TestSession.run(
                        fleet, PortFixture.hello(boot: "boot"), self.credential.withLock { $0 }
                    ) { session in
                        try await session.isWelcomed()
                        self.welcomed()
                        // What was told is looked at as it comes.
                        async let _: Void = self.follow(session)
                        var iterator = self.orders.stream.makeAsyncIterator()
                        switch await iterator.next() {
                        case .renew: try await self.renewNow(over: fleet)
                        case .reconnect: break
                        case nil: return
                        }
                        self.note(session)
                        self.held.withLock { $0.endedAt = ContinuousClock.now }
                    }
                }
            } catch {
                guard !Task.isCancelled else { return }
                held.withLock { $0.failures.append("\($0.cluster): \(error)") }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    func dial(_ body: @Sendable (PortFixture.Fleet) async throws -> Void) async throws {
        let verifier = PeerVerifier(
            authorities: trusted, expecting: .coordinator(in: fixture.rotating.trustDomain), now: fixture.now)
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: try await fixture.port.fleetPort),
            transportSecurity: .agent(
                credential: RotatingCredential(credential.withLock { $0 }), verifier: verifier))
        try await withGRPCClient(transport: transport) { try await body(PortFixture.Fleet(wrapping: $0)) }
    }

    func renewNow(over fleet: PortFixture.Fleet) async throws {
        let key = P256.Signing.PrivateKey()
        var request = Swell_V1_RenewCertificateRequest()
        request.signingRequest = try Data(SigningRequest(key: key).derBytes)
        let grant = try await fleet.renewCertificate(request, options: FleetPortFixture.quick).grant
        let (renewed, authorities) = try await Credential.accepting(
            chainDER: grant.chain.map { Array($0) }, authoritiesDER: grant.authorities.map { Array($0) }, key: key,
            expected: credential.withLock { $0.identity }, under: trusted, now: fixture.now())
        trusted.replace(with: authorities)
        credential.withLock { $0 = renewed }
        held.withLock { state in
            state.renewals += 1
            state.certificateIssuer = renewed.chain.dropFirst().first.map { KeyFingerprint(of: $0.publicKey) }
        }
    }

    private func welcomed() {
        held.withLock { state in
            state.welcomes += 1
            if let end = state.endedAt { state.gaps.append(ContinuousClock.now - end) }
            state.endedAt = nil
        }
    }

    private func follow(_ session: TestSession) async {
        while !Task.isCancelled {
            note(session)
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func note(_ session: TestSession) {
        guard let highest = session.assignments.map(\.generation).max() else { return }
        held.withLock { $0.highest = max($0.highest, highest) }
    }
}

/// Assigns, over and over, to one cluster after the other.
private final class Rolling: Sendable {
    private let fixture: PortFixture
    private let clusters: [ClusterName]
    private let isStopped = Mutex(false)
    private let orders = Mutex<[ClusterName: Int64]?>(nil)

    init(_ fixture: PortFixture, _ clusters: [ClusterName]) {
        self.fixture = fixture
        self.clusters = clusters
    }

    func stop() { isStopped.withLock { $0 = true } }

    func run() async throws {
        var latest: [ClusterName: Int64] = [:]
        while !isStopped.withLock({ $0 }) {
            for cluster in clusters {
                latest[cluster] = try await SmallFleet.assign(cluster, in: fixture.store)
                fixture.assignmentsChanged.send()
            }
            try await Task.sleep(for: .milliseconds(300))
        }
        orders.withLock { [latest] in $0 = latest }
    }

    /// The last generation of each.
    func ended() async throws -> [ClusterName: Int64] {
        try await soon("the last orders are given") { orders.withLock { $0 } != nil }
        return orders.withLock { $0 } ?? [:]
    }
}
