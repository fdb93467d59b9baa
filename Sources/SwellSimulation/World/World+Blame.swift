internal import SwellEngine
internal import SwellModel

/// What befell clusters that may fail there what is healthy by fate. Nothing takes that back, a failover neither.
struct Blame {
    private struct Release: Hashable {
        var cluster: ClusterName
        var digest: ContentDigest
    }

    private struct Saying: Hashable {
        var place: ClusterApplication
        var generation: Int64
    }

    /// Clusters whose agents have lied, or had a second agent beside them.
    private var doubted: Set<ClusterName> = []
    /// What was refused, and where.
    private var refused: Set<Release> = []
    /// Clusters of which a generation was said that leaves none above it. Nothing they say is believed any more: their own loss.
    private(set) var spoiled: Set<ClusterName> = []
    /// What agents went back from as people chose, since the coordinator was out of reach for long.
    private var abandoned: Set<Saying> = []

    func doubts(_ cluster: ClusterName) -> Bool { doubted.contains(cluster) }
    mutating func doubt(_ cluster: ClusterName) { doubted.insert(cluster) }
    mutating func spoil(_ cluster: ClusterName) { spoiled.insert(cluster) }

    mutating func hit(_ cluster: ClusterName, _ digest: ContentDigest) {
        refused.insert(Release(cluster: cluster, digest: digest))
    }

    mutating func abandoned(_ place: ClusterApplication, generation: Int64) {
        abandoned.insert(Saying(place: place, generation: generation))
    }

    /// Whether anything but its fate may make a release fail on a cluster, under this generation.
    func covers(_ place: ClusterApplication, _ digest: ContentDigest, generation: Int64) -> Bool {
        doubted.contains(place.cluster) || refused.contains(Release(cluster: place.cluster, digest: digest))
            || abandoned.contains(Saying(place: place, generation: generation))
    }
}

// What is healthy is never failed, stopped or taken back but by people, or for a real failure elsewhere (invariant 20). The world
// alone knows what is healthy: by fate.
extension World {
    mutating func checkBlame(_ input: DecisionInput, _ decision: Decision) throws(Violation) {
        guard !decision.transitions.isEmpty else { return }
        let before = input.rollout
        let after = decision.rollout
        for target in after.targets.values where target.failedAt != nil {
            guard let former = before.targets[target.cluster], former.failedAt == nil else { continue }
            try checkFate(of: former, why: target.reason, in: before)
        }
        // From here on every failure that counts is a real one.
        guard after.phase != before.phase, !after.targets.values.contains(where: { $0.failedAt != nil }) else { return }
        let isOrdered = checker.ledger.active[after.name].map { $0.stoppedBy != nil || !$0.takenBack.isEmpty } ?? true
        switch after.phase {
        case .rollingBack, .failed, .rolledBack:
            guard !isOrdered, before.phase != .rollingBack else { return }
        case .paused:
            guard after.pause == nil else { return }
        case .scheduled, .progressing, .succeeded, .aborted, .superseded: return
        }
        throw Violation(
            invariant: 20, message: "\(after.name) is \(after.phase), though nothing failed and nobody ordered it")
    }

    private mutating func checkFate(of target: TargetState, why: String?, in rollout: Rollout) throws(Violation) {
        guard let digest = target.assigned?.digest, let generation = target.generation,
            let agent = agents.indices.first(where: { agents[$0].cluster.name == target.cluster }),
            case .healthy = fate(of: digest, application: rollout.application, agent),
            !blame.covers(
                ClusterApplication(target.cluster, rollout.application), digest, generation: generation)
        else { return }
        throw Violation(
            invariant: 20,
            message: "\(target.cluster) counts as failed in \(rollout.name), where the release is healthy by fate: "
                + (why ?? "for no reason"))
    }
}
