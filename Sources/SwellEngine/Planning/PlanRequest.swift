public import SwellModel

/// What an operator asks for: a release, over the clusters of an application, under a policy.
public struct PlanRequest: Sendable, Hashable {
    public var name: RolloutName
    public var application: ApplicationName
    public var kind: RolloutKind
    /// The release to roll out; for an undo, the one to take back.
    public var release: ReleaseReference
    public var policy: RolloutPolicy
    public var strategy: ApplicationStrategy
    public var createdBy: String
    /// When it may begin; nil at once.
    public var startsAt: Timestamp?
    /// Narrows the policy's stages to these clusters; stages that are left empty are kept and pass by themselves.
    public var select: ClusterSelector
    /// For an undo, the clusters that ran the release before the rollout came, so that it has nothing to take back there.
    public var spared: [ClusterName]
    /// For an undo, what was proven on each cluster before the rollout came: where it may go back to, and to nothing else.
    public var returns: [ClusterName: ReleaseReference]

    public init(
        name: RolloutName, application: ApplicationName, kind: RolloutKind = .release, release: ReleaseReference,
        policy: RolloutPolicy, strategy: ApplicationStrategy, createdBy: String, startsAt: Timestamp? = nil,
        select: ClusterSelector = ClusterSelector(), spared: [ClusterName] = [],
        returns: [ClusterName: ReleaseReference] = [:]
    ) {
        self.name = name
        self.application = application
        self.kind = kind
        self.release = release
        self.policy = policy
        self.strategy = strategy
        self.createdBy = createdBy
        self.startsAt = startsAt
        self.select = select
        self.spared = spared
        self.returns = returns
    }

    /// A request to take back what a rollout brought, also after it ended: on all its clusters, or on those that `scope` covers.
    ///
    /// Without a policy, the rollout's own collapses to one stage `undo` (see `RolloutPlanner.undoPolicy`). Clusters that another
    /// rollout brought to the same release are none of its business, and so are those that ran it before this one came, unless the
    /// scope names one. Refused where the scope covers no cluster of the rollout, or none that it changed.
    ///
    /// - Parameter remove: a person's word that what the release brought is to be removed where no other release was ever proven;
    ///   without it such clusters are held as they are, whatever the strategy says of failures.
    public static func undo(
        of rollout: Rollout, scope: RollbackScope = .rollout, name: RolloutName, createdBy: String,
        policy: RolloutPolicy? = nil, startsAt: Timestamp? = nil, remove: Bool = false
    ) throws(PlanError) -> PlanRequest {
        let covered = rollout.targets.values.filter { rollout.covers(scope, $0) }
        guard !covered.isEmpty else {
            throw PlanError(
                code: .nothingToUndo, message: "rollout '\(rollout.name)' has no cluster in \(scope.description)")
        }
        let spared = covered.filter { rollout.spares($0, from: scope) }.map(\.cluster).sorted()
        let clusters = covered.filter { !rollout.spares($0, from: scope) }.map(\.cluster).sorted()
        guard !clusters.isEmpty else {
            throw PlanError(
                code: .nothingToUndo,
                message:
                    "rollout '\(rollout.name)' changed nothing: \(named(spared)) ran \(rollout.release.version) before it. "
                    + "Undo the rollout that brought it, or name a cluster to take that one back")
        }
        var strategy = rollout.strategy
        strategy.whenNeverHealthy = remove ? .remove : .hold
        return PlanRequest(
            name: name, application: rollout.application, kind: .undo(of: rollout.name), release: rollout.release,
            policy: policy ?? RolloutPlanner.undoPolicy(from: rollout.policy), strategy: strategy,
            createdBy: createdBy, startsAt: startsAt, select: ClusterSelector(clusters: clusters), spared: spared,
            returns: rollout.targets.compactMapValues(\.previous))
    }
}

extension PlanRequest {
    /// A request to take an application off clusters that run what a rollout brought, whatever else was proven there.
    ///
    /// All at once, as an undo; a person has said that everything of it goes.
    public static func removal(
        of rollout: Rollout, from clusters: [ClusterName], name: RolloutName, createdBy: String
    ) -> PlanRequest {
        var strategy = rollout.strategy
        strategy.whenNeverHealthy = .remove
        return PlanRequest(
            name: name, application: rollout.application, kind: .removal(of: rollout.name), release: rollout.release,
            policy: RolloutPlanner.undoPolicy(from: rollout.policy), strategy: strategy, createdBy: createdBy,
            select: ClusterSelector(clusters: clusters))
    }
}

/// A planned rollout with what its author should know before starting it.
public struct RolloutPlan: Sendable, Hashable {
    public var rollout: Rollout
    public var warnings: [PlanWarning]

    public init(rollout: Rollout, warnings: [PlanWarning]) {
        self.rollout = rollout
        self.warnings = warnings
    }
}

/// Something about a plan that is allowed, but may surprise.
public struct PlanWarning: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// Agents that were not heard of lately, or never.
        case unreachable
        /// A stage, or a region named by a stage, without a cluster.
        case emptyLane
        /// Clusters of the application that no stage selects.
        case notCovered
        /// Clusters that another active rollout holds; it must be superseded, or end.
        case held
        /// Clusters that would stay as they are: nothing to take back, or never healthy and the strategy says to hold.
        case unchanged
        /// Clusters where a failure, or the undo itself, would remove what the release brings.
        case removes
        /// A cap or a budget that limits nothing, as the fleet is.
        case voidLimit
    }

    public var kind: Kind
    public var message: String
    public var stage: StageName?
    public var clusters: [ClusterName]

    public init(kind: Kind, message: String, stage: StageName? = nil, clusters: [ClusterName] = []) {
        self.kind = kind
        self.message = message
        self.stage = stage
        self.clusters = clusters
    }
}
