/// One row of the audit log.
public struct EventView: Sendable, Hashable, Codable {
    public var id: Int64
    public var at: Timestamp
    public var by: String
    /// What happened, such as `rollout.paused` or `target.healthy`.
    public var what: String
    public var rollout: RolloutName?
    public var application: ApplicationName?
    public var stage: StageName?
    public var region: RegionName?
    public var cluster: ClusterName?
    public var from: String?
    public var to: String?
    public var reason: String?

    public init(
        id: Int64, at: Timestamp, by: String, what: String, rollout: RolloutName?, application: ApplicationName?,
        stage: StageName?, region: RegionName?, cluster: ClusterName?, from: String?, to: String?, reason: String?
    ) {
        self.id = id
        self.at = at
        self.by = by
        self.what = what
        self.rollout = rollout
        self.application = application
        self.stage = stage
        self.region = region
        self.cluster = cluster
        self.from = from
        self.to = to
        self.reason = reason
    }
}
