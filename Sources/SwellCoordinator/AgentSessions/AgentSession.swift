internal import AsyncSupport
internal import GRPCCore
internal import Logging
internal import ServiceLifecycle
internal import SwellEngine
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore

/// What all sessions share.
struct SessionContext: Sendable {
    let store: any AgentStore & LeaseStore & PreviewStore
    let hub: SessionHub
    let presence: FleetPresence
    let places: PlacementCache
    let ingestor: any ReportIngesting
    /// Woken when a session begins, which may be the one that an open preview waits for.
    let previewsWanted: Signal
    /// Greeting costs several questions to the store: after a restart all agents come at once.
    let greetingLimiter: ConcurrencyLimiter
    /// What each cluster may have of sessions and greetings.
    let admission: SessionAdmission
    let authenticator: CallerAuthenticator
    let paces: AgentPort.Paces
    let maximumSessions: Int
    /// 0 up to 1, for spreading what would come together.
    let chance: @Sendable () -> Double
    let now: @Sendable () -> Timestamp
    let tick: @Sendable () -> Tick
    let logger: Logger
    /// Where everything goes that an agent can cause as often as it likes.
    let log: PeerLog
}

/// One agent's stream, from its Hello to its end.
///
/// One task listens, one speaks, two watch that neither the hello nor the goAway takes too long. Listening waits until what it heard is committed before
/// it hears more, so an agent can never be further ahead of the store than one message.
struct AgentSession: Sendable {
    let id: String
    let caller: AgentCaller
    let context: SessionContext
    let mailbox = SessionMailbox()

    private var cluster: ClusterName { caller.cluster }
    private var logger: Logger { context.logger }

    /// Runs the stream; what it throws is what the agent is told.
    func run(
        _ request: RPCAsyncSequence<Swell_V1_AgentMessage, any Error>,
        _ response: RPCWriter<Swell_V1_CoordinatorMessage>
    ) async throws {
        do {
            let reason = try await withGracefulShutdownHandler {
                try await converse(request, response)
            } onGracefulShutdown: {
                mailbox.end(after: .seconds(1), reason: "the coordinator restarts")
            }
            await context.hub.leave(cluster, session: id, reason: reason)
        } catch {
            await context.hub.leave(cluster, session: id, reason: "\(error)")
            throw error
        }
    }

    /// Returns why the session ended.
    private func converse(
        _ request: RPCAsyncSequence<Swell_V1_AgentMessage, any Error>,
        _ response: RPCWriter<Swell_V1_CoordinatorMessage>
    ) async throws -> String {
        let greeted = Signal()
        return try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { try await listen(request, greeted) }
            group.addTask {
                try await mailbox.drain { try await response.write(Swell_V1_CoordinatorMessage($0)) }
                return mailbox.endReason ?? "the coordinator ended it"
            }
            group.addTask { try await endUngreeted(greeted) }
            group.addTask {
                await mailbox.ending()
                try await Task.sleep(for: context.paces.goAway.duration)
                return "\(mailbox.endReason ?? "the coordinator ended it"); the agent did not read it"
            }
            defer { group.cancelAll() }
            while let end = try await group.next() {
                if let end { return end }
            }
            return "cancelled"
        }
    }

    private func endUngreeted(_ greeted: Signal) async throws -> String? {
        guard await greeted.wait(upTo: context.paces.hello.duration) != .timedOut else {
            throw RPCError(code: .deadlineExceeded, message: "No hello came within \(context.paces.hello).")
        }
        return nil
    }

    // MARK: Listening

    /// Returns why the agent ended the session; nil when the coordinator does.
    private func listen(
        _ request: RPCAsyncSequence<Swell_V1_AgentMessage, any Error>, _ greeted: Signal
    ) async throws -> String? {
        var isGreeted = false
        var previews = PreviewAssembler()
        for try await message in request {
            let event = try AgentEvent(message)
            switch (event, isGreeted) {
            case (.hello(let hello), false):
                isGreeted = true
                greeted.send()
                guard try await attempt("greeting", { try await greetInTurn(hello) }) else { return nil }
            case (.hello, true):
                throw WireError(.invalidValue, at: "kind", "a second hello: expected one a session")
            case (_, false):
                throw WireError(.missingField, at: "hello", "expected hello as the first message")
            case (.report(let id, let reports), true):
                if let observed = message.statusReport.statuses.first?.observedAt, observed > 0 {
                    context.presence.noteClock(
                        of: cluster, showing: Timestamp(milliseconds: observed), now: context.now())
                }
                guard try await attempt("reports", { try await ingest(reports) }) else { return nil }
                guard mailbox.update({ $0.acknowledge(id) }) else {
                    throw RPCError(code: .resourceExhausted, message: "Acknowledgements are left unread.")
                }
            case (.acknowledged(let assignments), true):
                for assignment in assignments {
                    logger.debug(
                        "assignment accepted by the agent",
                        metadata: [
                            "cluster": "\(cluster)", "application": "\(assignment.application)",
                            "generation": "\(assignment.generation)",
                        ])
                }
            case (.contentLacking(let application, let generation, let digests), true):
                context.log.note(
                    .contentLacking, of: cluster,
                    [
                        "application": "\(application)", "generation": "\(generation)",
                        "digests": "\(digests.prefix(5).map(\.short).joined(separator: ", "))",
                    ])
            case (.previewPart(let part), true):
                // What nobody asked for, or has its answer, is not put together and costs no write.
                guard mailbox.awaits(preview: part.id) else { break }
                if let answer = try previews.add(part), mailbox.update({ $0.takeAnswer(to: part.id) }) {
                    await ingest(answer, to: part.id)
                }
            case (.heartbeat, true): break
            }
            await context.hub.heard(from: cluster, session: id, at: context.tick())
        }
        return "the agent ended it"
    }

    /// Does what needs the store. Where the coordinator fails, the session ends with a word on when to come back, nothing
    /// is acknowledged, and the agent says it again; where the agent is at fault, it is told so.
    private func attempt(_ what: String, _ body: () async throws -> Void) async throws -> Bool {
        do {
            try await body()
            return true
        } catch is SessionOvertaken {
            mailbox.endOvertaken()
            return false
        } catch {
            let answer = RPCError(reporting: error)
            guard answer.code.isOurs, !Task.isCancelled else { throw error }
            context.log.note(
                .notIngested, of: cluster, level: .error,
                ["session": "\(id)", "what": "\(what)", "error": "\(error)"])
            mailbox.end(
                after: Interval(milliseconds: 1_000 + Int64(4_000 * context.chance())),
                reason: answer.code == .unavailable ? "the coordinator has no store" : "the coordinator failed")
            return false
        }
    }

    private func ingest(_ reports: [ApplicationReport]) async throws {
        guard !reports.isEmpty else { return }
        try await context.ingestor.ingest(reports, of: cluster, session: id)
    }

    /// Takes in what the agent runs. Statuses that the store refuses do not keep it from what it should run: that may be the cure.
    private func ingestJournal(_ journal: [ApplicationReport]) async throws {
        do {
            try await ingest(journal)
        } catch let error as StoreError where error.code == .invalid {
            context.log.note(
                .partNotIngested, of: cluster, level: .error, ["session": "\(id)", "error": "\(error)"])
        }
    }

    /// Stores the answer to a preview. One that is lost is asked for again, or nobody waits for it any more.
    private func ingest(_ answer: PreviewAnswer, to id: Int64) async {
        do throws(StoreError) {
            let isAwaited = try await context.store.answerPreview(id, from: cluster, answer)
            logger.debug(
                isAwaited ? "preview answered" : "preview answered, and nobody waits for it",
                metadata: ["cluster": "\(cluster)", "preview": "\(id)", "objects": "\(answer.objects.count)"])
        } catch {
            context.log.note(
                .previewNotStored, of: cluster, level: .notice, ["preview": "\(id)", "error": "\(error)"])
        }
    }

    // MARK: Greeting

    /// Greets, unless the cluster's agent has had more than its share: then it is told when to come back, and holds no place meanwhile.
    private func greetInTurn(_ hello: AgentHello) async throws {
        // Between the call and its hello the certificate may have been revoked: then it has no share, and ends no other session.
        try await context.authenticator.check(caller)
        try await context.authenticator.check(caller, clusterUID: hello.clusterUID)
        let wait = await context.ingestor.wait(of: cluster)
        guard wait <= .seconds(1) else {
            context.admission.note(cluster, "it said more than it may")
            mailbox.end(after: wait + .seconds(1), reason: "its reports come faster than they may")
            return
        }
        switch try await context.admission.greet(cluster, { try await greet(hello) }) {
        case .begun: break
        case .busy:
            mailbox.end(
                after: Interval(milliseconds: 1_000 + Int64(2_000 * context.chance())),
                reason: "another session of this cluster is being greeted")
        case .tooOften(let wait):
            mailbox.end(after: wait + .seconds(1), reason: "it comes again and again")
        }
    }

    /// Takes in what the agent runs, says what it should run, and from then on what changes: as ``SessionGreeting`` says.
    private func greet(_ hello: AgentHello) async throws {
        var greeting = SessionGreeting()
        let hasRoom = await context.hub.hasRoom(for: cluster, within: context.maximumSessions)
        let first = greeting.handle(.hello(journal: hello.journal, hasRoom: hasRoom))
        // What asks the store takes its turn; what does not is done at once.
        var actions: [SessionGreeting.Action] = []
        for action in first {
            if !(try await carryOut(action, of: hello)) { actions.append(action) }
        }
        guard !actions.isEmpty else { return }
        try await context.greetingLimiter.run { [actions, greeting] in
            var greeting = greeting
            var rest = actions[...]
            var standing = StartStanding.sole
            while let action = rest.popFirst() {
                if try await carryOut(action, of: hello) { continue }
                rest += greeting.handle(try await answer(to: action, of: hello, &standing))
            }
        }
        context.previewsWanted.send()
    }

    /// Does what needs no answer; false for the rest.
    private func carryOut(_ action: SessionGreeting.Action, of hello: AgentHello) async throws -> Bool {
        switch action {
        case .see: context.presence.see(cluster)
        case .sendAway(.noRoom):
            context.admission.note(cluster, "too many sessions here")
            mailbox.end(
                after: .seconds(10 + Int64(20 * context.chance())), reason: "too many sessions here")
        case .sendAway(.notInFleet):
            context.admission.note(cluster, "the cluster is not in the fleet")
            mailbox.end(after: .seconds(30), reason: "the cluster is not in the fleet")
        case .open(let place, let list):
            let welcome = SessionWelcome(
                sessionID: id, heartbeatInterval: context.paces.heartbeat,
                reportInterval: context.paces.report, placement: place)
            mailbox.update { outbox in
                outbox.open(welcome)
                _ = outbox.assign(list)
                outbox.completeResync()
            }
        case .place, .ingest, .enter, .readList: return false
        }
        return true
    }

    /// Does what is answered.
    private func answer(
        to action: SessionGreeting.Action, of hello: AgentHello, _ standing: inout StartStanding
    ) async throws -> SessionGreeting.Event {
        switch action {
        case .ingest(let journal):
            // From here on this session speaks for the cluster: what a former one said and is still under way comes too late.
            standing = try await context.store.beginSession(
                id, of: cluster, by: AgentStart(bootID: hello.bootID, serial: caller.serial))
            if standing == .takesTurns {
                try await context.authenticator.certificates.reportSharing(
                    of: caller.use,
                    reason:
                        "two agents take turns with it, so somebody has a copy of the agent's state, or of its key; this one's boot id is \(hello.bootID.prefix(64))"
                )
            }
            try await ingestJournal(journal)
            return .ingested
        case .enter(let place):
            let entry = SessionEntry(
                id: id, caller: caller, bootID: hello.bootID, agentVersion: hello.agentVersion,
                canPreview: hello.capabilities.contains(WireLimits.previewCapability), mailbox: mailbox, place: place)
            return .entered(term: await context.hub.enter(entry, standing: standing, now: context.tick()))
        case .readList:
            let page = try await context.store.assignments(of: [cluster])
            return .listed(page, term: await context.hub.term)
        case .place, .see, .open, .sendAway: return .placed(try await context.places.place(of: cluster))
        }
    }
}
