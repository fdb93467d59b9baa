internal import Foundation
internal import Logging
internal import SwellAgent
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// One agent of a load: starts, stops, starts again with what it remembers.
final class VirtualAgent: Sendable {
    private struct State {
        var journal = AgentJournal()
        var isConnected = false
        var task: Task<Void, Never>?
    }

    /// What all agents of a fleet have in common.
    struct Common: Sendable {
        var coordinator: Endpoint
        /// Whom they only come to and hold a connection; nil where they are agents.
        var bare: BareServer?
        var content: WiredAgent.Content
        var ledger: LoadLedger
        var logger: Logger
    }

    let member: FleetFile.Member
    let cluster: ScriptedCluster
    private let source: String?
    private let common: Common
    private let state = Mutex(State())
    private let pages = PageOrders()

    init(_ member: FleetFile.Member, source: String?, script: LoadScript, _ common: Common) {
        self.member = member
        self.source = source
        self.cluster = ScriptedCluster(member.cluster, script: script)
        self.common = common
    }

    var isStarted: Bool { state.withLock { $0.task != nil } }

    /// Starts it; nothing where it runs.
    func start() throws {
        let (credential, authorities) = try member.credential()
        let ledger = common.ledger
        state.withLock { state in
            guard state.task == nil else { return }
            if let bare = common.bare {
                let server: BareClient.Server =
                    switch bare {
                    case .acceptLoop: .acceptLoop
                    case .web: .web(pages: pages, onPage: { ledger.fetched($0) })
                    }
                let client = BareClient(
                    server: server, host: common.coordinator.host, port: common.coordinator.port, source: source,
                    credential: credential, authorities: authorities, now: Self.now, chance: Self.chance,
                    onChange: { [weak self] in self?.take(isConnected: $0) })
                state.task = Task { await client.run() }
                ledger.started(1)
                return
            }
            let agent = WiredAgent(
                WiredAgent.Settings(
                    cluster: member.cluster, coordinator: common.coordinator, credential: credential,
                    authorities: authorities, clusterUID: member.uid, source: source, content: common.content),
                journal: state.journal, worker: cluster, onWelcome: { ledger.welcomed() },
                onJournal: { [weak self] in self?.take($0) },
                now: Self.now, chance: Self.chance, logger: common.logger)
            state.task = Task { try? await agent.run() }
            ledger.started(1)
        }
    }

    /// Asks its web server for the page; nothing where it comes to none.
    func fetchPage() {
        if case .web(let path) = common.bare { pages.ask(for: path) }
    }

    @Sendable private static func now() -> Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }

    @Sendable private static func chance() -> Double { Double.random(in: 0..<1) }

    /// Ends it as suddenly as a crash would, and waits until it has gone; nothing where it does not run.
    func stop() async {
        let task = state.withLock { state in
            defer { state.task = nil }
            return state.task
        }
        guard let task else { return }
        task.cancel()
        await task.value
        let wasConnected = state.withLock { state in
            defer { state.isConnected = false }
            return state.isConnected
        }
        common.ledger.started(-1)
        if wasConnected { common.ledger.note([LoadMark(.disconnected, of: member.cluster)]) }
    }

    /// Takes that a bare connection is there or has ended.
    private func take(isConnected: Bool) {
        let isNews = state.withLock { state in
            defer { state.isConnected = isConnected }
            return state.isConnected != isConnected
        }
        guard isNews else { return }
        if isConnected { common.ledger.welcomed() }
        common.ledger.note([LoadMark(isConnected ? .connected : .disconnected, of: member.cluster)])
    }

    /// Takes what an agent with a disk would have written, and marks what is new in it.
    private func take(_ journal: AgentJournal) {
        let marks = state.withLock { state -> [LoadMark] in
            var marks: [LoadMark] = []
            let isConnected = journal.awaySince == nil
            if isConnected != state.isConnected {
                marks.append(LoadMark(isConnected ? .connected : .disconnected, of: member.cluster))
            }
            for (name, record) in journal.applications {
                let former = state.journal.applications[name]
                let generation = record.highestGeneration
                if generation != former?.highestGeneration {
                    marks.append(
                        LoadMark(.assigned, of: member.cluster, application: name, generation: generation))
                }
                if let end = LoadMark.What(record.phase), former?.phase != record.phase || marks.last?.what == .assigned
                {
                    marks.append(LoadMark(end, of: member.cluster, application: name, generation: generation))
                }
            }
            state.journal = journal
            state.isConnected = isConnected
            return marks
        }
        if !marks.isEmpty { common.ledger.note(marks) }
    }
}
