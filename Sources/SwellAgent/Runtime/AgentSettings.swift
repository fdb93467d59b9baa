public import SwellEngine
public import SwellModel

/// How an agent runs.
public struct AgentSettings: Sendable {
    /// Where it keeps its journal, documents and credential; of this agent alone.
    public var stateDirectory: String
    public var link: LinkSettings
    public var rules: AgentRules
    /// How many applies may be under way at once. Each keeps its turn while it waits for health, and the deadline of those that
    /// wait for one goes on; what they ask of the API server at once is bounded elsewhere.
    public var concurrentApplies: Int
    /// How long between two looks for drift.
    public var driftInterval: Duration
    /// The most bytes of documents kept on disk.
    public var documentLimit: Int
    /// Seals the documents on disk; nil to keep them in clear.
    public var sealing: (any DocumentSealing)?
    /// A file that is written once the agent works.
    public var readyFile: String?

    public init(
        stateDirectory: String, link: LinkSettings, rules: AgentRules = AgentRules(), concurrentApplies: Int = 16,
        driftInterval: Duration = .seconds(60), documentLimit: Int = 256 << 20,
        sealing: (any DocumentSealing)? = nil, readyFile: String? = nil
    ) {
        self.stateDirectory = stateDirectory
        self.link = link
        self.rules = rules
        self.concurrentApplies = concurrentApplies
        self.driftInterval = driftInterval
        self.documentLimit = documentLimit
        self.sealing = sealing
        self.readyFile = readyFile
    }
}
