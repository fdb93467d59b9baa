/// What taking a cluster out of the fleet would do, before it is done.
public struct RemovalView: Sendable, Hashable, Codable {
    public var apiVersion = DocumentKind.apiVersion
    public var kind = "ClusterRemoval"
    public var cluster: ClusterName
    /// What is assigned there, and goes on running: nobody takes it away.
    public var runs: [Running]
    /// The active rollouts that have the cluster as a target, at most ``maximumRollouts``.
    public var rollouts: [Concerned]
    /// How many more there are.
    public var omitted: Int

    /// How many rollouts are told of in full.
    public static let maximumRollouts = 20

    public init(cluster: ClusterName, runs: [Running], rollouts: [Concerned], omitted: Int = 0) {
        self.cluster = cluster
        self.runs = runs
        self.rollouts = rollouts
        self.omitted = omitted
    }

    public struct Running: Sendable, Hashable, Codable {
        public var application: ApplicationName
        public var version: String

        public init(application: ApplicationName, version: String) {
            self.application = application
            self.version = version
        }
    }

    /// An active rollout that the cluster is a target of.
    public struct Concerned: Sendable, Hashable, Codable {
        public var rollout: RolloutName
        public var application: ApplicationName
        public var version: String
        public var phase: String
        public var stage: StageName
        /// Where the cluster stands in it.
        public var target: String
        /// Whether it failed there: that stays counted.
        public var failed: Bool
        /// Whether its stage, which has not passed, is left without a cluster that is healthy or may become so.
        public var leavesStageUnproven: Bool

        public init(
            rollout: RolloutName, application: ApplicationName, version: String, phase: String, stage: StageName,
            target: String, failed: Bool, leavesStageUnproven: Bool
        ) {
            self.rollout = rollout
            self.application = application
            self.version = version
            self.phase = phase
            self.stage = stage
            self.target = target
            self.failed = failed
            self.leavesStageUnproven = leavesStageUnproven
        }
    }

    /// Whether a person's word is asked for before it is done.
    public var needsConfirmation: Bool { !rollouts.isEmpty }

    /// All of it, a line a fact, for people.
    public var lines: [String] {
        var lines: [String] = []
        if !rollouts.isEmpty {
            let count = rollouts.count + omitted
            lines.append("cluster '\(cluster)' is a target of \(count) active rollout\(count == 1 ? "" : "s"):")
            lines += rollouts.map(\.text)
            if omitted > 0 { lines.append("  and \(omitted) more") }
        }
        if !runs.isEmpty {
            let names = runs.prefix(Self.maximumRollouts).map { "\($0.application) \($0.version)" }
            let more = runs.count > names.count ? " and \(runs.count - names.count) more" : ""
            lines.append("what runs there goes on running: \(names.joined(separator: ", "))\(more)")
        }
        lines.append("its agent is not let in any more, until the cluster is applied again")
        return lines
    }
}

extension RemovalView.Concerned {
    fileprivate var text: String {
        var text =
            "  rollout '\(rollout)' (\(application) \(version), \(phase)): \(target) in stage '\(stage)'; it is skipped there"
        if failed { text += "; what it failed stays counted" }
        if leavesStageUnproven {
            text += "; stage '\(stage)' is left without a healthy cluster, and waits for a person"
        }
        return text
    }
}
