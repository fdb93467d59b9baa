internal import AsyncSupport
package import Logging
package import SwellEngine
package import SwellIdentity
package import SwellModel
package import X509

/// What a wired agent does in the place of a cluster's API server.
package protocol AgentWorker: Sendable {
    /// Carries an order (`apply`, `remove`, `watch`, `cancel` or `giveUp`) out, and says how it goes. It is cancelled by the next order
    /// for the application; one that ends before is not called again.
    func carryOut(_ order: AgentAction, say: @escaping @Sendable (AgentEvent) async -> Void) async
}

/// An agent without disk and cluster: everything that is said over the wire and decided behind it is the agent's own, so that many in one
/// process are to a coordinator what as many clusters are. What it remembers is gone when it ends.
package struct WiredAgent: Sendable {
    /// How an agent comes by releases.
    package enum Content: Sendable {
        /// Nothing is asked for: each is at hand as soon as it is assigned.
        case assumed
        /// Indexes and documents are fetched as ever, each once, given to the closure and forgotten.
        case fetched(@Sendable (ContentDocument) async -> Void)
    }

    /// What makes one agent another than the next.
    package struct Settings: Sendable {
        package var cluster: ClusterName
        /// The fleet port.
        package var coordinator: Endpoint
        /// Who it is: it does not enrol, though it renews.
        package var credential: Credential
        package var authorities: [Certificate]
        /// What it calls its cluster at each hello.
        package var clusterUID: String
        /// The address of this machine that it dials from; nil for whatever the system takes. One address has some 28,000 ports, and
        /// coordinators count connections by it.
        package var source: String?
        package var content: Content
        package var rules: AgentRules

        package init(
            cluster: ClusterName, coordinator: Endpoint, credential: Credential, authorities: [Certificate],
            clusterUID: String, source: String? = nil, content: Content = .assumed, rules: AgentRules = AgentRules()
        ) {
            self.cluster = cluster
            self.coordinator = coordinator
            self.credential = credential
            self.authorities = authorities
            self.clusterUID = clusterUID
            self.source = source
            self.content = content
            self.rules = rules
        }
    }

    private let loop: AgentLoop
    private let machine: AgentMachine
    private let alarm: Alarm
    private let hands: WiredHands
    private let link: Link

    /// - Parameters:
    ///   - journal: what it begins with, as after an earlier life.
    ///   - onWelcome: called at each welcome.
    ///   - onJournal: called with each state that an agent with a disk would have written, before what follows from it; it must not block.
    ///   - now: the wall clock.
    ///   - chance: draws evenly from 0 ..< 1, for jitter.
    package init(
        _ settings: Settings, journal: AgentJournal = AgentJournal(), worker: any AgentWorker,
        onWelcome: @escaping @Sendable () async -> Void = {},
        onJournal: @escaping @Sendable (AgentJournal) -> Void = { _ in }, now: @escaping @Sendable () -> Timestamp,
        chance: @escaping @Sendable () -> Double, logger: Logger
    ) {
        let inbox = Mailbox<MachineEvent>(capacity: 1_024)
        let wanted = Mailbox<ContentDigest>(capacity: 1_024)
        let alarms = LatestValue<Timestamp>()
        let outbox = Outbox()
        let board = ApplicationOrders()
        let view = JournalView(journal)
        let documents = SessionDocuments()
        let previews = PreviewQueue()
        self.machine = AgentMachine(journal: journal, rules: settings.rules)
        self.loop = AgentLoop(
            inbox: inbox, file: MemoryJournal(onWrite: onJournal), view: view, board: board, wanted: wanted,
            outbox: outbox,
            alarm: alarms, now: now, logger: logger)
        self.alarm = Alarm(alarms: alarms, inbox: inbox, now: now)
        self.hands = WiredHands(
            worker: worker, board: board, inbox: inbox, wanted: wanted, content: settings.content,
            documents: documents, journal: view, previews: previews, outbox: outbox, chance: chance)
        var link = LinkSettings(
            cluster: settings.cluster, coordinator: settings.coordinator, enrolment: settings.coordinator)
        link.source = settings.source
        let uid = settings.clusterUID
        let boot = UInt64.random(in: 0...UInt64.max)
        let ports = SessionPorts(
            inbox: inbox, outbox: outbox, placement: PlacementFile(stateDirectory: nil), previews: previews,
            journal: view, clusterUID: { uid }, refusedAsAnother: { _ in }, welcomed: onWelcome,
            bootID: String(boot, radix: 16), now: now, chance: chance)
        self.link = Link(
            settings: link, ports: ports,
            directory: MemoryCredentials(settings.credential, authorities: settings.authorities),
            documents: documents, logger: logger)
    }

    /// Runs until cancelled.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await loop.run(machine) }
            group.addTask { await alarm.run() }
            group.addTask { await hands.serve() }
            group.addTask { await hands.fetch() }
            group.addTask { await hands.answerPreviews() }
            group.addTask { try await link.run() }
            defer { group.cancelAll() }
            while try await group.next() != nil {}
        }
    }
}
