internal import AsyncSupport
internal import SwellEngine
internal import SwellModel

/// What is seen of a release: its health; or requests that the API server puts off, which say why the health does not change;
/// or that the API server is out of reach, which exceeds any older observer.
actor ReleaseObserver {
    private let work: AgentWork
    private let inbox: Mailbox<MachineEvent>
    private let isEvidence: Bool
    private var health: ObservedHealth?
    private var outage: ObservedHealth?
    private var holdUps: [String: ObservedHealth] = [:]
    /// Sent when the API server is back.
    nonisolated let recovered = Signal()

    /// - Parameter isEvidence: Whether what is seen counts for the release, so that after an outage only a new observer does.
    init(work: AgentWork, inbox: Mailbox<MachineEvent>, isEvidence: Bool) {
        self.work = work
        self.inbox = inbox
        self.isEvidence = isEvidence
    }

    /// Takes what the watches say.
    func take(health: ObservedHealth) async {
        self.health = health
        if outage == nil, holdUps.isEmpty { await inbox.send(.healthObserved(work, health)) }
    }

    /// Takes that a request is put off, or (nil) no more.
    func take(holdUp: ObservedHealth?, of request: String) async {
        holdUps[request] = holdUp
        guard outage == nil else { return }
        await inbox.send(.healthObserved(work, holdUps.min { $0.key < $1.key }?.value ?? health ?? .init(.progressing)))
    }

    /// Takes that the API server is out of reach, or (nil) is back.
    func take(outage: ObservedHealth?) async {
        self.outage = outage
        if let outage { return await inbox.send(.healthObserved(work, outage)) }
        health = nil
        recovered.send()
        let now =
            isEvidence
            ? ObservedHealth(.unknown, message: "the API server answers again; its objects are read again")
            : holdUps.min { $0.key < $1.key }?.value ?? ObservedHealth(.progressing)
        await inbox.send(.healthObserved(work, now))
    }
}
