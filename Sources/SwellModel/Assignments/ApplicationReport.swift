/// What an agent says of one application on its cluster.
public struct ApplicationReport: Sendable, Hashable, Codable {
    public var application: ApplicationName
    /// The generation the agent is working on, and the digest that it runs or applies under it.
    public var generation: Int64
    public var digest: ContentDigest?
    public var epoch: Int64
    public var phase: AgentPhase
    public var health: Health
    /// A short code for a reason, such as `ImagePullBackOff` or `ProgressDeadlineExceeded`.
    public var reason: String?
    /// The culprit named, for people. At most 1,024 characters.
    public var message: String?
    /// The last release proven healthy on this cluster, as the agent's journal has it.
    public var proven: ContentDigest?
    /// Objects found changed by others since the last report.
    public var driftCount: Int
    /// What the last look for drift found, where there is news of it.
    public var drift: DriftReport?

    public init(
        application: ApplicationName, generation: Int64, digest: ContentDigest?, epoch: Int64, phase: AgentPhase,
        health: Health, reason: String? = nil, message: String? = nil, proven: ContentDigest? = nil,
        driftCount: Int = 0,
        drift: DriftReport? = nil
    ) {
        self.application = application
        self.generation = generation
        self.digest = digest
        self.epoch = epoch
        self.phase = phase
        self.health = health
        self.reason = reason
        self.message = message
        self.proven = proven
        self.driftCount = driftCount
        self.drift = drift
    }
}

/// How far an agent is with a generation.
public enum AgentPhase: String, Sendable, Codable, CaseIterable {
    /// Taken in, content being fetched.
    case accepted
    /// Objects being applied.
    case applying
    /// Applied; waiting for health to last `minHealthyTime`.
    case verifying
    /// Healthy for at least `minHealthyTime`; `health` goes on telling how it is.
    case healthy
    /// It did not become healthy, or could not be applied.
    case failed
    /// Going back to the fallback by itself.
    case reverting
    /// Went back: the generation is the failed one, the digest the fallback's. Never evidence for the release.
    case reverted
    /// Everything that releases brought was removed, as assigned.
    case removed
}
