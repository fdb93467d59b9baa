internal import SwellModel

/// What the author of a plan should know of its clusters.
enum ClusterWarnings {
    /// Warnings on the clusters as they stand now: silent agents, other holders, and clusters that have nothing to go back to.
    static func of(
        _ candidates: [ClusterFacts], request: PlanRequest, now: Timestamp
    ) -> [PlanWarning] {
        var warnings: [PlanWarning] = []
        let silent = candidates.filter { $0.isUnreachable(at: now, after: request.policy.unreachableAfter) }
        if !silent.isEmpty {
            let names = silent.map(\.cluster.name)
            warnings.append(
                PlanWarning(
                    kind: .unreachable, message: "the agents of \(named(names)) were not heard of lately",
                    clusters: names))
        }
        let held = candidates.filter { $0.heldBy != nil && $0.heldBy != request.name }
        for (holder, facts) in Dictionary(grouping: held, by: { $0.heldBy }).sorted(by: {
            ($0.key?.rawValue ?? "") < ($1.key?.rawValue ?? "")
        }) {
            let names = facts.map(\.cluster.name)
            warnings.append(
                PlanWarning(
                    kind: .held, message: "\(named(names)) held by rollout '\(holder?.rawValue ?? "")'", clusters: names
                ))
        }
        return warnings + wayBack(candidates, request)
    }

    /// What becomes of clusters where no other release was ever proven: an undo, or a failure, holds or removes.
    private static func wayBack(_ candidates: [ClusterFacts], _ request: PlanRequest) -> [PlanWarning] {
        if request.kind.isRemoval {
            let names = candidates.map(\.cluster.name)
            return [
                PlanWarning(
                    kind: .removes,
                    message: "what \(request.release.version) brought is removed from \(named(names))", clusters: names)
            ]
        }
        let stuck = candidates.filter { $0.provenOther(than: request.release) == nil }.map(\.cluster.name)
        guard !stuck.isEmpty else { return [] }
        let none = "no other release was ever proven on \(named(stuck))"
        switch (request.kind, request.strategy.whenNeverHealthy) {
        case (.undo, .hold):
            return [PlanWarning(kind: .unchanged, message: "\(none): held as they are", clusters: stuck)]
        case (.undo, .remove):
            return [
                PlanWarning(
                    kind: .removes, message: "\(none): what \(request.release.version) brought is removed there",
                    clusters: stuck)
            ]
        case (.release, .remove):
            return [
                PlanWarning(
                    kind: .removes,
                    message: "\(none): if \(request.release.version) fails, what it brought is removed there",
                    clusters: stuck)
            ]
        case (.release, .hold), (.removal, _): return []
        }
    }
}
