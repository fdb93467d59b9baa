public import SwellModel

/// Makes a rollout of a request, or says why it cannot be.
///
/// What it snapshots holds for the rollout's life: the policy, the strategy, each stage's lanes and their sizes (invariant 1).
public enum RolloutPlanner {
    /// The planned rollout, nothing dispatched yet.
    public static func plan(
        _ request: PlanRequest, snapshot: FleetSnapshot, now: Timestamp
    ) throws(PlanError) -> Rollout {
        try preview(request, snapshot: snapshot, now: now).rollout
    }

    /// The planned rollout, with what its author should know.
    public static func preview(
        _ request: PlanRequest, snapshot: FleetSnapshot, now: Timestamp
    ) throws(PlanError) -> RolloutPlan {
        try PolicyRules.check(request.policy)
        try checkNames(request, snapshot)

        var warnings: [PlanWarning] = []
        let fleet = snapshot.fleet.values.sorted { $0.cluster.name < $1.cluster.name }
        let stageOf = try stages(of: fleet, in: request.policy)
        var candidates = fleet.filter { request.select.matches($0.cluster) }

        let uncovered = candidates.filter { stageOf[$0.cluster.name] == nil }.map(\.cluster.name)
        if !uncovered.isEmpty {
            warnings.append(
                PlanWarning(kind: .notCovered, message: "no stage selects \(named(uncovered))", clusters: uncovered))
        }
        candidates = candidates.filter { stageOf[$0.cluster.name] != nil }
        if request.kind.takesOff != nil {
            let untouched = candidates.filter { !Self.isThere($0, request) }.map(\.cluster.name)
            if !untouched.isEmpty {
                warnings.append(
                    PlanWarning(
                        kind: .unchanged,
                        message: "\(named(untouched)) not assigned \(request.release.version): nothing to take back",
                        clusters: untouched))
            }
            if !request.spared.isEmpty {
                warnings.append(
                    PlanWarning(
                        kind: .unchanged,
                        message:
                            "\(named(request.spared)) ran \(request.release.version) before the rollout: left as it is",
                        clusters: request.spared))
            }
            candidates = candidates.filter { Self.isThere($0, request) }
            guard !candidates.isEmpty else {
                throw PlanError(
                    code: .nothingToUndo,
                    message: "no selected cluster is assigned \(request.release.version) of \(request.application)")
            }
            try Self.checkWayBack(of: candidates, request)
        }
        if case .undo = request.kind {
            let movedOn = candidates.filter { Self.ranAnotherSince($0, request) }.map(\.cluster.name)
            if !movedOn.isEmpty {
                let message = Self.wordsOnMovedOn(candidates.filter { Self.ranAnotherSince($0, request) }, request)
                guard movedOn.count < candidates.count else { throw PlanError(code: .nothingToUndo, message: message) }
                warnings.append(PlanWarning(kind: .unchanged, message: message, clusters: movedOn))
                candidates = candidates.filter { !Self.ranAnotherSince($0, request) }
            }
        }
        guard !candidates.isEmpty else {
            throw PlanError(
                code: .noTargets,
                message: "no cluster of \(request.application) is selected by the policy's stages and the request")
        }

        var targets: [ClusterName: TargetState] = [:]
        for facts in candidates {
            let name = facts.cluster.name
            targets[name] = TargetState(
                cluster: name, region: facts.cluster.region, stage: stageOf[name] ?? 0,
                previous: request.kind.isRemoval ? nil : facts.provenOther(than: request.release), changedAt: now)
        }
        let states = stageStates(request.policy, targets: targets)
        warnings += try emptiness(request, states: states, snapshot: snapshot)
        warnings += ClusterWarnings.of(candidates, request: request, now: now)
        warnings += LimitWarnings.of(request.policy, stages: states)
        let header = RolloutHeader(
            name: request.name, application: request.application, kind: request.kind, release: request.release,
            policy: request.policy, strategy: request.strategy, createdBy: request.createdBy, createdAt: now,
            startsAt: request.startsAt, select: request.select)
        let rollout = Rollout(header: header, stages: states, targets: targets)
        return RolloutPlan(rollout: rollout, warnings: warnings)
    }

    /// What a policy becomes for taking back what it brought: one stage `undo` over the whole fleet at once, every failure
    /// tolerated on the way, since each cluster that gets back is better than one that does not.
    public static func undoPolicy(from policy: RolloutPolicy) -> RolloutPolicy {
        var undo = policy
        undo.stages = [
            PolicyStage(
                name: "undo", select: ClusterSelector(), maxConcurrent: .percent(100), failureBudget: .count(0))
        ]
        undo.maxConcurrent = nil
        undo.onFailure = FailurePolicy(action: .continue, scope: .cluster)
        undo.pausedRegion = .wait
        return undo
    }

    /// An undo that would find nowhere to go on any of its clusters is refused, with what it would take.
    private static func checkWayBack(of candidates: [ClusterFacts], _ request: PlanRequest) throws(PlanError) {
        guard request.strategy.whenNeverHealthy == .hold,
            candidates.allSatisfy({ $0.provenOther(than: request.release) == nil })
        else { return }
        throw PlanError(
            code: .nothingToUndo,
            message: "no other release of \(request.application) was ever proven on "
                + "\(named(candidates.map(\.cluster.name))), so that there is nothing to go back to: an undo would remove what "
                + "\(request.release.version) brought there. Say --remove for that")
    }

    /// Whether the last release proven on a cluster beside the one to undo came after the rollout: it may itself have been taken back,
    /// and going to it would be no going back.
    private static func ranAnotherSince(_ facts: ClusterFacts, _ request: PlanRequest) -> Bool {
        guard let other = facts.provenOther(than: request.release) else { return false }
        return other.digest != request.returns[facts.cluster.name]?.digest
    }

    private static func wordsOnMovedOn(_ movedOn: [ClusterFacts], _ request: PlanRequest) -> String {
        let others = Set(movedOn.compactMap { $0.provenOther(than: request.release)?.version }).sorted()
        let former = Set(movedOn.map { request.returns[$0.cluster.name]?.version ?? "nothing" }).sorted()
        return
            "\(named(movedOn.map(\.cluster.name))) ran \(others.joined(separator: ", ")) since the rollout that is to be undone, "
            + "and \(former.joined(separator: ", ")) before it: left as it is, since an undo goes to what was proven last. Start the "
            + "release that is wanted there (swell rollout start \(request.application) --version ...)"
    }

    /// Whether a cluster is assigned the release, so that there is something to take back, or an earlier removal has not come to its
    /// end there, which another goes on with.
    private static func isThere(_ facts: ClusterFacts, _ request: PlanRequest) -> Bool {
        facts.assigned?.digest == request.release.digest || request.kind.isRemoval && facts.awaitsRemoval
    }

    /// The stage of each cluster; two stages that select the same cluster are refused, naming both.
    private static func stages(
        of fleet: [ClusterFacts], in policy: RolloutPolicy
    ) throws(PlanError) -> [ClusterName: Int] {
        var stageOf: [ClusterName: Int] = [:]
        for facts in fleet {
            let name = facts.cluster.name
            for (index, stage) in policy.stages.enumerated() where stage.select.matches(facts.cluster) {
                if let other = stageOf[name] {
                    throw PlanError(
                        code: .overlap,
                        message: "cluster '\(name)' is selected by stages '\(policy.stages[other].name)' and "
                            + "'\(stage.name)': narrow one of them, a cluster belongs to one stage",
                        path: "spec.stages[\(index)].select")
                }
                stageOf[name] = index
            }
        }
        return stageOf
    }

    private static func stageStates(_ policy: RolloutPolicy, targets: [ClusterName: TargetState]) -> [StageState] {
        var states = policy.stages.map { StageState(name: $0.name) }
        for target in targets.values { states[target.stage].lanes[target.region, default: 0] += 1 }
        return states
    }

    private static func checkNames(_ request: PlanRequest, _ snapshot: FleetSnapshot) throws(PlanError) {
        let regions = Set(snapshot.fleet.values.map(\.cluster.region))
        func unknown(_ region: RegionName, _ path: String) -> PlanError {
            let known = regions.sorted().map(\.rawValue).joined(separator: ", ")
            return PlanError(
                code: .unknownRegion,
                message: "no cluster of \(request.application) is in region '\(region)': there are \(known)", path: path
            )
        }
        for (index, stage) in request.policy.stages.enumerated() {
            for region in stage.select.regions where !regions.contains(region) {
                throw unknown(region, "spec.stages[\(index)].select.regions")
            }
        }
        for region in request.select.regions where !regions.contains(region) { throw unknown(region, "select.regions") }
        for cluster in request.select.clusters where snapshot.fleet[cluster] == nil {
            // An undo goes on without the clusters that left since.
            if request.kind.takesOff != nil { continue }
            throw PlanError(
                code: .unknownCluster,
                message: "'\(cluster)' is not a cluster that \(request.application) selects", path: "select.clusters")
        }
    }

    private static func emptiness(
        _ request: PlanRequest, states: [StageState], snapshot: FleetSnapshot
    ) throws(PlanError) -> [PlanWarning] {
        var warnings: [PlanWarning] = []
        for (index, stage) in request.policy.stages.enumerated() {
            if states[index].lanes.isEmpty {
                guard !request.select.isEmpty || request.kind != .release else {
                    throw PlanError(
                        code: .emptyStage, message: "stage '\(stage.name)' selects no cluster",
                        path: "spec.stages[\(index)].select")
                }
                warnings.append(
                    PlanWarning(
                        kind: .emptyLane, message: "stage '\(stage.name)' has no cluster left: it passes by itself",
                        stage: stage.name))
                continue
            }
            for region in stage.select.regions where states[index].lanes[region] == nil {
                warnings.append(
                    PlanWarning(
                        kind: .emptyLane, message: "stage '\(stage.name)' has no cluster in region '\(region)'",
                        stage: stage.name))
            }
        }
        return warnings
    }
}

/// What a policy must be to be run at all.
enum PolicyRules {
    static func check(_ policy: RolloutPolicy) throws(PlanError) {
        guard !policy.stages.isEmpty else {
            throw PlanError(
                code: .noStages, message: "policy '\(policy.name)' has no stages: write at least one",
                path: "spec.stages")
        }
        var seen: Set<StageName> = []
        for (index, stage) in policy.stages.enumerated() {
            guard seen.insert(stage.name).inserted else {
                throw PlanError(
                    code: .duplicateStage, message: "two stages are named '\(stage.name)': names must differ",
                    path: "spec.stages[\(index)].name")
            }
            try check(stage.maxConcurrent, "spec.stages[\(index)].maxConcurrent")
            try check(stage.maxConcurrentInStage, "spec.stages[\(index)].maxConcurrentInStage")
        }
        try check(policy.maxConcurrent, "spec.maxConcurrent")
    }

    private static func check(_ limit: Limit?, _ path: String) throws(PlanError) {
        guard limit == .count(0) || limit == .percent(0) else { return }
        throw PlanError(
            code: .zeroLimit, message: "a cap of 0 lets nothing go: write 1 or more, or pause instead", path: path)
    }
}

/// At most three names and how many more there are, for messages.
func named(_ clusters: [ClusterName]) -> String {
    let shown = clusters.prefix(3).map(\.rawValue).joined(separator: ", ")
    return clusters.count > 3 ? "\(shown) and \(clusters.count - 3) more" : shown
}
