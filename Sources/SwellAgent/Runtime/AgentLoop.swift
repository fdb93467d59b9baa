internal import AsyncSupport
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol

/// Feeds the machine one event after another, and hands its actions on. The journal is on disk before what follows from it.
struct AgentLoop: Sendable {
    let inbox: Mailbox<MachineEvent>
    let file: any JournalKeeping
    let view: JournalView
    let board: ApplicationOrders
    let wanted: Mailbox<ContentDigest>
    let outbox: Outbox
    let alarm: LatestValue<Timestamp>
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// Runs until cancelled.
    ///
    /// - Throws: ``AgentError`` when the journal cannot be written: to go on would be to act without remembering.
    func run(_ start: AgentMachine) async throws {
        var machine = start
        try await perform(machine.handle(.restarted, now: now()), machine)
        while let event = await inbox.receive() {
            try await perform(machine.handle(event, now: now()), machine)
        }
    }

    private func perform(_ actions: [AgentAction], _ machine: AgentMachine) async throws {
        for action in actions {
            switch action {
            case .persist(let journal):
                try await file.write(journal)
                await view.show(journal)
            case .acknowledge(let application, let generation, let epoch):
                outbox.put(AcknowledgedAssignment(application: application, generation: generation, epoch: epoch))
            case .fetch(let digest): await wanted.send(digest)
            case .apply(let work):
                await board.put(.apply(work, terms(of: work, machine)), for: work.application)
            case .remove(let work):
                await board.put(.remove(work, epoch: terms(of: work, machine).epoch), for: work.application)
            case .cancel(let work): await board.put(.idle, for: work.application)
            case .giveUp(let work): await board.put(.giveUp(work), for: work.application)
            case .watch(let work, let drift):
                await board.put(.watch(work, drift, terms(of: work, machine)), for: work.application)
            case .report(let report): outbox.put(report)
            case .wake(let moment): alarm.send(moment)
            case .note(let note): log(note)
            }
        }
    }

    private func terms(of work: AgentWork, _ machine: AgentMachine) -> OrderTerms {
        guard let record = machine.journal.applications[work.application] else { return OrderTerms(epoch: 0) }
        let wasProven = record.proven.contains { $0.digest == work.release?.digest }
        return OrderTerms(
            epoch: record.highestEpoch, proven: record.proven.first?.digest, wasProven: wasProven,
            // Nothing on the wire says so: but forward, in another one's place, there would be one to go back to.
            takesBack: wasProven && record.assignment?.fallback == nil && record.replaced != nil
                && record.replaced != work.release?.digest,
            provenGeneration: record.provenGeneration,
            silentControllers: record.assignment?.settings.silentControllers ?? .wait)
    }

    private func log(_ note: AgentNote) {
        logger.info(
            "decided",
            metadata: [
                "what": "\(note.what)", "application": "\(note.application)", "generation": "\(note.generation)",
                "why": "\(note.why)",
            ])
    }
}

/// Sends a tick at the moment that was last asked for.
struct Alarm: Sendable {
    let alarms: LatestValue<Timestamp>
    let inbox: Mailbox<MachineEvent>
    let now: @Sendable () -> Timestamp

    /// Runs until cancelled.
    func run() async {
        var alarm = await alarms.next()
        while let moment = alarm {
            let wait = max(.zero, moment - now())
            if let newer = await alarms.next(within: wait.duration) {
                alarm = newer
                continue
            }
            guard !Task.isCancelled else { return }
            await inbox.send(.tick)
            alarm = await alarms.next()
        }
    }
}
