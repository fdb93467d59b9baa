internal import AsyncSupport
internal import Crypto
internal import FoundationEssentials
internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import Logging
internal import SwellEngine
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol

/// How a session came to its end.
enum SessionEnd: Sendable, Equatable {
    /// The coordinator ended it, and asked to be left alone for this long.
    case retryLater(Interval, reason: String)
    /// The certificate was renewed: come back with it at once.
    case renewed
    /// The stream ended.
    case closed
}

/// One session with the coordinator, from Hello until the stream ends.
struct Session: Sendable {
    typealias FleetClient = Swell_V1_Fleet.Client<HTTP2ClientTransport.Posix>

    let fleet: FleetClient
    let settings: LinkSettings
    let ports: SessionPorts
    let logger: Logger
    /// Called once the coordinator has welcomed the agent.
    let onWelcome: @Sendable (SessionWelcome) async -> Void

    /// Runs the stream.
    func run() async throws -> SessionEnd {
        let welcome = LatestValue<SessionWelcome>()
        let pending = PendingReports()
        let hello = await hello()
        return try await fleet.session(
            options: LinkSettings.call(),
            requestProducer: { writer in
                try await writer.write(Swell_V1_AgentMessage(.hello(hello)))
                guard let welcome = await welcome.next() else { return }
                try await speak(writer, pending, welcome)
            },
            onResponse: { response in
                try await withThrowingTaskGroup(of: SessionEnd?.self) { group in
                    group.addTask { try await listen(response, welcome, pending) }
                    group.addTask {
                        try await Task.sleep(for: settings.helloTimeout)
                        return nil
                    }
                    while let end = try await group.next() {
                        if let end {
                            group.cancelAll()
                            return end
                        }
                        guard await pending.isWelcome else {
                            group.cancelAll()
                            throw AgentError(
                                .notConnected, "the coordinator said nothing within \(settings.helloTimeout)")
                        }
                    }
                    return .closed
                }
            })
    }

    private func hello() async -> AgentHello {
        let journal = await ports.journal.journal
        return AgentHello(
            agentVersion: settings.version, clusterUID: await ports.clusterUID() ?? "unknown", bootID: ports.bootID,
            journal: journal.statuses.prefix(WireLimits.applications).map { report in
                // A hello of many applications must stay small; drift is told by the reports that follow.
                var report = report
                report.drift = nil
                return report
            }, highestEpoch: journal.highestEpoch, capabilities: [WireLimits.previewCapability])
    }

    // MARK: - What is said

    private func speak(
        _ writer: RPCWriter<Swell_V1_AgentMessage>, _ pending: PendingReports, _ welcome: SessionWelcome
    ) async throws {
        var sequence: UInt64 = 0
        var paces = SessionPaces(heartbeat: welcome.heartbeatInterval, gathering: welcome.reportInterval)
        note(HeardBounds.bound(&paces))
        while !Task.isCancelled {
            let batch = await ports.outbox.take(within: paces.heartbeat.duration)
            if batch.isEmpty {
                guard !Task.isCancelled else { return }
                sequence += 1
                try await writer.write(Swell_V1_AgentMessage(.heartbeat(sequence: sequence)))
                continue
            }
            if !batch.acknowledgements.isEmpty {
                try await writer.write(Swell_V1_AgentMessage(.acknowledged(batch.acknowledgements)))
            }
            if !batch.reports.isEmpty {
                let id = await pending.add(batch.reports)
                let message = Swell_V1_AgentMessage(
                    .report(id: id, batch.reports.map(\.report)), observedAt: ports.now())
                try await writer.write(message)
            }
            if let preview = batch.preview {
                for part in PreviewPart.parts(of: preview.answer, to: preview.id) {
                    try await writer.write(Swell_V1_AgentMessage(.previewPart(part)))
                }
            }
            // Gathering makes one message of many changes.
            try await Task.sleep(for: paces.gathering.duration)
        }
    }

    // MARK: - What is heard

    private func listen(
        _ response: StreamingClientResponse<Swell_V1_CoordinatorMessage>, _ latestWelcome: LatestValue<SessionWelcome>,
        _ pending: PendingReports
    ) async throws -> SessionEnd {
        var named: Set<ApplicationName> = []
        var pace = HearingPace()
        for try await message in response.messages {
            let wait = pace.hear(at: .now)
            if wait > .zero {
                note([
                    "more than \(HeardBounds.messagesPerSecond) messages within a second: the next is heard in \(wait)"
                ])
                try await Task.sleep(for: wait)
            }
            let event: CoordinatorEvent
            do {
                event = try CoordinatorEvent(message, cluster: settings.cluster)
            } catch {
                throw AgentError(.protocolBreach, "the coordinator's message cannot be taken: \(error)")
            }
            switch event {
            case .welcome(let welcome):
                await pending.welcome()
                try await ports.placement.update(welcome.placement)
                await onWelcome(welcome)
                await ports.inbox.send(.connected)
                latestWelcome.send(welcome)
            case .assignments(var list, let resyncComplete):
                for index in list.indices { note(HeardBounds.bound(&list[index])) }
                named.formUnion(list.map(\.application))
                if !list.isEmpty { await ports.inbox.send(.assigned(list)) }
                if resyncComplete { await reportUnassigned(named) }
            case .reportsAcknowledged(let ids):
                for report in await pending.acknowledged(ids) {
                    await ports.inbox.send(
                        .reportAcknowledged(report.report.application, sequence: report.sequence))
                }
            case .retryLater(let after, let reason):
                let (bounded, remark) = HeardBounds.bound(after, to: HeardBounds.away, "a wait before coming back")
                note([remark].compactMap { $0 })
                return .retryLater(bounded, reason: reason)
            case .placement(let cluster): try await ports.placement.update(cluster)
            case .previewRequested(let question):
                if !ports.previews.offer(question) {
                    ports.outbox.put(.failed("Busy", "the agent has other previews to answer"), to: question.id)
                }
            }
        }
        return .closed
    }

    /// Says what of the coordinator's word is not followed as it was said.
    private func note(_ remarks: [String]) {
        for remark in remarks {
            logger.warning("the coordinator asks for more than an agent takes", metadata: ["remark": "\(remark)"])
        }
    }

    private func reportUnassigned(_ named: Set<ApplicationName>) async {
        let journal = await ports.journal.journal
        let kept = journal.applications.keys.filter { !named.contains($0) }.sorted()
        guard !kept.isEmpty else { return }
        logger.info(
            "applications that nobody assigns are kept as they are",
            metadata: ["applications": "\(kept.prefix(20).map(\.rawValue).joined(separator: ", "))"])
    }
}

/// Reports that were said in this session and not acknowledged yet.
actor PendingReports {
    private var reports: [UInt64: [OutgoingReport]] = [:]
    private var lastID: UInt64 = 0
    private(set) var isWelcome = false

    func welcome() { isWelcome = true }

    /// Takes note of a message's reports and numbers it. A report that a later one replaces is forgotten, which bounds the memory.
    func add(_ batch: [OutgoingReport]) -> UInt64 {
        lastID += 1
        let names = Set(batch.map(\.report.application))
        for (id, earlier) in reports {
            let rest = earlier.filter { !names.contains($0.report.application) }
            reports[id] = rest.isEmpty ? nil : rest
        }
        reports[lastID] = batch
        return lastID
    }

    func acknowledged(_ ids: [UInt64]) -> [OutgoingReport] {
        ids.flatMap { reports.removeValue(forKey: $0) ?? [] }
    }
}
