internal import SwellEngine
internal import SwellModel

/// What a session needs of the rest of the agent.
struct SessionPorts: Sendable {
    var inbox: Mailbox<MachineEvent>
    var outbox: Outbox
    var placement: PlacementFile
    var previews: PreviewQueue
    var journal: JournalView
    /// Names the cluster; asked before each session, since it tells a rebuilt one.
    var clusterUID: @Sendable () async -> String?
    /// Told when the coordinator takes this for another cluster than the one that enrolled, with its words.
    var refusedAsAnother: @Sendable (String) async -> Void
    /// Told when the coordinator has welcomed the agent.
    var welcomed: @Sendable () async -> Void
    var bootID: String
    var now: @Sendable () -> Timestamp
    var chance: @Sendable () -> Double
}

/// The journal as it is on disk, for those who only look at it.
actor JournalView {
    private(set) var journal: AgentJournal

    init(_ journal: AgentJournal) { self.journal = journal }

    func show(_ journal: AgentJournal) { self.journal = journal }
}

/// Where documents come from.
protocol DocumentSource: Sendable {
    /// Fetches documents, each checked against its digest.
    ///
    /// - Throws: ``AgentError``: `notConnected`, or `contentUnavailable` when the coordinator does not give them out.
    func fetch(_ digests: [ContentDigest], onDocument: @Sendable (ContentDocument) async throws -> Void) async throws
}
