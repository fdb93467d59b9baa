internal import SwellModel

// Rollouts that start later (invariant 11).
//
// Whoever plans for next week takes nothing from whoever works this week. So a rollout that is to start later holds no cluster before it
// starts; it claims all of them when its time has come, and waits where another one holds any, naming it. Only one that took others'
// places when it was planned has their clusters from then on.
extension Rollout {
    /// Whether its start is still to come, so that it needs none of its clusters yet. One that was paused before, or that goes back
    /// without having gone forward, needs none either.
    public var awaitsStart: Bool {
        guard let startsAt = header.startsAt, startsAt > header.createdAt else { return false }
        return header.phase != .progressing && !header.phase.isEnded && stages.allSatisfy { $0.startedAt == nil }
    }

    /// The other rollout of its application that holds a cluster; nil where nobody does, or where it needs none yet. What was left out
    /// before a later start was never claimed, and may have gone to another one.
    func holder(of cluster: ClusterName, in snapshot: FleetSnapshot) -> RolloutName? {
        guard !awaitsStart, let holder = snapshot.fleet[cluster]?.heldBy, holder != header.name else { return nil }
        return holder
    }

    /// The clusters among its targets that other rollouts hold, in the order of names.
    func taken(in snapshot: FleetSnapshot) -> [ClusterName] {
        targets.values.filter { target in
            guard target.phase != .skipped, let holder = snapshot.fleet[target.cluster]?.heldBy else { return false }
            return holder != header.name
        }.map(\.cluster).sorted()
    }
}
