package import AsyncSupport
internal import GRPCCore
package import Logging
internal import PortGuard
internal import ServiceLifecycle
package import SwellEngine
package import SwellIdentity
package import SwellModel
package import SwellStore

/// Everything that agents meet: the enrolment port, the fleet port, the sessions, and what follows the store for them.
///
/// One service. At graceful shutdown the ports close, every agent is told when to come back, and only then the rest
/// ends; so it belongs after the ingestor in a `ServiceGroup`, which shuts down from the end.
package struct AgentPort: Service {
    /// How the port is set up.
    package struct Settings: Sendable {
        /// This replica's name: the same one after a restart, another one for each replica.
        package var replica: String
        /// The port of the fleet's sessions.
        package var fleet: AgentPortSettings
        /// The port where agents come for their first certificate.
        package var enrolment: AgentPortSettings
        package var paces: Paces
        /// How long agents' certificates live.
        package var certificateLifetime: Interval
        /// Sessions at a time; agents beyond are asked to come back later.
        package var maximumSessions: Int
        /// Where it is written down what was revoked; nil for nowhere.
        package var rememberedEndsFile: String?

        package init(
            replica: String, fleet: AgentPortSettings, enrolment: AgentPortSettings, paces: Paces = Paces(),
            certificateLifetime: Interval = CertificateAuthority.defaultLeafLifetime, maximumSessions: Int = 15_000,
            rememberedEndsFile: String? = nil
        ) {
            self.replica = replica
            self.fleet = fleet
            self.enrolment = enrolment
            self.paces = paces
            self.certificateLifetime = certificateLifetime
            self.maximumSessions = maximumSessions
            self.rememberedEndsFile = rememberedEndsFile
        }
    }

    /// How often things happen, and how long they may take.
    package struct Paces: Sendable {
        /// How often an agent must be heard of.
        package var heartbeat: Interval = RolloutPolicy.agentHeartbeat
        /// How long an agent gathers what is not urgent.
        package var report: Interval = .milliseconds(200)
        /// After how long without a message a session ends.
        package var silenceLimit: Interval = .seconds(60)
        /// How long an agent may take for its hello.
        package var hello: Interval = .seconds(10)
        /// Within how long all agents come again after the store has gone back: 10,000 of them not at once.
        package var regreeting: Interval = .seconds(10)
        /// How long an agent may take to read that its session ends.
        package var goAway: Interval = .seconds(3)
        /// How often changed assignments are looked for without a signal.
        package var poll: Interval = .seconds(1)
        /// How often open previews are looked for without a signal.
        package var previews: Interval = .seconds(2)
        /// How often what is known of agents' presence is written.
        package var presence: Interval = .milliseconds(1_500)
        /// How often the clusters' places are read.
        package var places: Interval = .seconds(3)
        /// How often sessions are checked for silence, for certificates that were denied or have expired, and for newer sessions elsewhere.
        package var checks: Interval = .seconds(5)
        /// How long an agent whose certificate ceased to count may take to read why, before its connection is closed.
        package var cut: Interval = .milliseconds(250)

        package init() {}
    }

    private let fleet: AgentPortListener
    private let enrolment: AgentPortListener
    private let feed: AssignmentFeed
    private let trust: TrustWatch
    private let takeovers: TakeoverWatch
    private let previews: PreviewRelay
    private let presenceWriter: PresenceWriter
    /// Who is connected here and who was seen: decisions wait for it.
    package let presence: FleetPresence
    /// Whom this replica did not let in, and why.
    package let refusals = RefusalMemory()
    private let hub: SessionHub
    private let admission: SessionAdmission

    /// - Parameters:
    ///   - authority: signs agents' certificates, and vouches for them at the fleet port.
    ///   - credential: the coordinator's own, kept fresh by `ServerCredentialRotation`.
    ///   - ingestor: takes in what agents say; what it returned from is acknowledged.
    ///   - assignmentsChanged: sent whenever assignments may have changed. A missing one costs one ``Paces/poll``.
    ///   - previewsWanted: sent whenever previews may have been asked for. A missing one costs one ``Paces/previews``.
    ///   - trustChanged: sent whenever certificates may have ceased to count. A missing one costs one ``Paces/checks``.
    ///   - announceTrustChange: tells all replicas, this one included, that they may have.
    ///   - now: the wall clock, for certificates only.
    ///   - tick: a clock that never goes back, for everything that has to do with silence.
    ///   - chance: 0 up to 1, for spreading what would come together.
    package init(
        store: any Store, authority: RotatingAuthority, credential: RotatingCredential, settings: Settings,
        ingestor: any ReportIngesting, assignmentsChanged: Signal, previewsWanted: Signal,
        trustChanged: Signal = Signal(), announceTrustChange: @escaping @Sendable () -> Void = {},
        now: @escaping @Sendable () -> Timestamp,
        tick: @escaping @Sendable () -> Tick = MonotonicClock.live(),
        chance: @escaping @Sendable () -> Double = { .random(in: 0..<1) },
        logger: Logger = Logger(label: "swell.agents")
    ) throws {
        let presenceChanged = Signal()
        let log = PeerLog(logger: logger, tick: tick)
        var pace = PresenceLedger.Settings()
        pace.interval = settings.paces.presence
        pace.heartbeat = settings.paces.heartbeat
        let presence = FleetPresence(pace, tick: tick)
        let hub = SessionHub(
            presence: presence,
            silence: SilenceWatch(limit: settings.paces.silenceLimit, pace: settings.paces.checks),
            presenceChanged: presenceChanged, logger: logger, log: log)
        let places = PlacementCache { () async throws(StoreError) in try await store.clusterListing() }
        let issuer = CertificateIssuer(
            authority: authority, store: store, lifetime: settings.certificateLifetime, now: now)
        let callers = CallerConnections()
        let ended = try RememberedEnds(path: settings.rememberedEndsFile)
        let authenticator = CallerAuthenticator(
            trustDomain: authority.trustDomain, certificates: store, ended: ended, connections: callers, now: now)
        let admission = SessionAdmission(tick: tick, log: log)
        let context = SessionContext(
            store: store, hub: hub, presence: presence, places: places,
            ingestor: ingestor, previewsWanted: previewsWanted,
            greetingLimiter: ConcurrencyLimiter(running: 32, waiting: 4_096),
            admission: admission, authenticator: authenticator,
            paces: settings.paces,
            maximumSessions: settings.maximumSessions, chance: chance, now: now, tick: tick, logger: logger,
            log: log)
        let fleet = FleetService(
            authenticator: authenticator, sessions: context,
            documents: DocumentDelivery(
                store: store, cache: DocumentCache { digest throws(StoreError) in try await store.document(digest) },
                limiter: ConcurrencyLimiter(running: 32, waiting: 2_048), shares: ClusterShares(limit: 4),
                limit: .minutes(1)),
            issuer: issuer, renewals: RenewalLimit(), refusals: refusals, makeID: Self.makeID)
        let enrolment = EnrollmentService(
            issuer: issuer,
            rate: EnrolmentLimit { Set(try await store.tokens().map(\.id)) },
            announceTrustChange: announceTrustChange,
            limiter: ConcurrencyLimiter(running: 8, waiting: 64), now: now,
            logger: logger, log: log, refusals: refusals)
        let verifier = PeerVerifier(
            authorities: authority.trusted, expecting: .cluster(in: authority.trustDomain),
            now: now)
        let refused = RefusedPeers()
        let refusals = refusals
        self.hub = hub
        self.admission = admission
        let onCut: @Sendable (ConnectionGuard.Cut, AddressBlock) -> Void = { why, address in
            // Dead peers are daily business, and counted.
            log.note(
                .connectionCut, of: "\(address)", level: why == .silent ? .debug : .info,
                ["from": "\(address)", "why": "\(why.rawValue)"])
        }
        self.fleet = try .fleet(
            settings.fleet, credential: credential, verifier: verifier, services: [fleet], callers: callers,
            onRefusal: {
                refused.increment(of: "\($0.code)")
                if let cluster = $0.claimed { refusals.note(claim: $0.message, of: cluster, at: now()) }
                // Who they are is what was not found out; where they are is known, and one hides no other.
                let address = ConnectionGuard.handshakeAddress
                log.note(
                    .handshakeRefused, of: "\(address) \($0.code)", level: .info,
                    ["code": "\($0.code)", "from": "\(address)", "reason": "\($0.message)"])
            }, onCut: onCut)
        self.enrolment = try .enrolment(
            settings.enrolment, credential: credential, services: [enrolment], onCut: onCut)
        self.feed = AssignmentFeed(
            store: store, hub: hub, places: places, changed: assignmentsChanged, paces: settings.paces,
            tick: tick, chance: chance, logger: logger)
        self.trust = TrustWatch(
            store: store, hub: hub, callers: callers, changed: trustChanged, remembered: ended, paces: settings.paces,
            now: now,
            tick: tick, logger: logger)
        self.takeovers = TakeoverWatch(store: store, hub: hub, pace: settings.paces.checks, logger: logger)
        self.previews = PreviewRelay(
            store: store, hub: hub, wanted: previewsWanted, poll: settings.paces.previews,
            logger: logger)
        self.presence = presence
        self.presenceWriter = PresenceWriter(
            store: store, presence: presence, changed: presenceChanged, replica: settings.replica, logger: logger)
    }

    /// Serves agents until graceful shutdown or cancellation.
    package func run() async throws {
        // No `defer`: the last word is written on the way out of both ends.
        let result: Result<Void, any Error> = await withTaskGroup(of: Void.self) { group in
            group.addTask { await feed.run() }
            group.addTask { await trust.run() }
            group.addTask { await takeovers.run() }
            group.addTask { await presenceWriter.run() }
            group.addTask { await previews.run() }
            let result = await listen()
            group.cancelAll()
            return result
        }
        await presenceWriter.goAway()
        try result.get()
    }

    private func listen() async -> Result<Void, any Error> {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await fleet.run() }
                group.addTask { try await enrolment.run() }
                // One without the other serves nobody: the first that fails ends both.
                try await group.next()
                try await group.next()
            }
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    /// The port of the fleet's sessions; waits until it listens.
    package var fleetPort: Int {
        get async throws { try await fleet.port }
    }

    /// The enrolment port; waits until it listens.
    package var enrolmentPort: Int {
        get async throws { try await enrolment.port }
    }

    /// How many connections the port of the fleet's sessions has.
    package var fleetConnections: Int { fleet.openConnections }

    /// How many agents have a session here.
    package var sessionCount: Int {
        get async { await hub.count }
    }

    /// How many sessions the agent of `cluster` has here, greeted or not.
    func openSessions(of cluster: ClusterName) -> Int { admission.sessions(of: cluster) }

    @Sendable private static func makeID() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }
}
