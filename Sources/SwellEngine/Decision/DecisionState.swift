internal import SwellModel

/// One decision in the making: the rollout as changed so far, what it looks at, and what it has to say.
///
/// The rules are extensions in `Rules/`, one concern a file. Nothing outside this value is read or written.
struct DecisionState {
    var rollout: Rollout
    let snapshot: FleetSnapshot
    let now: Timestamp
    let epoch: Int64
    /// The assignments decided so far; the last one for a cluster counts.
    private(set) var assignments: [ClusterName: Assignment] = [:]
    private(set) var proven: [ProvenRelease] = []
    /// The targets in a fixed order, so that a replay decides alike.
    private(set) var names: [ClusterName]
    /// Rises with every change, so that settling knows when nothing moves any more.
    private(set) var changes = 0
    /// The highest generation that an agent spoke of in this decision's reports.
    private var seenGenerations: [ClusterName: Int64] = [:]
    /// The highest epoch that an agent spoke of in this decision's reports.
    private var seenEpochs: [ClusterName: Int64] = [:]
    /// What is left of the fleet's headroom.
    var headroom: Int?
    /// Whether another rollout has taken this one's place and its clusters, by an order that this decision comes to.
    let isReplaced: Bool

    init(rollout: Rollout, snapshot: FleetSnapshot, now: Timestamp, epoch: Int64, isReplaced: Bool) {
        self.rollout = rollout
        self.snapshot = snapshot
        self.now = now
        self.epoch = epoch
        self.names = rollout.targets.keys.sorted()
        self.headroom = snapshot.fleetHeadroom
        self.isReplaced = isReplaced
    }

    // MARK: Changing

    /// Changes one target; notes when its phase changed.
    mutating func update(_ name: ClusterName, _ change: (inout TargetState) -> Void) {
        guard let before = rollout.targets[name] else { return }
        var after = before
        change(&after)
        guard after != before else { return }
        if after.phase != before.phase { after.changedAt = now }
        after.reason = after.reason?.shortened(to: 1_024)
        rollout.targets[name] = after
        changes += 1
    }

    /// Changes one stage.
    mutating func updateStage(_ index: Int, _ change: (inout StageState) -> Void) {
        var stage = rollout.stages[index]
        change(&stage)
        guard stage != rollout.stages[index] else { return }
        rollout.stages[index] = stage
        changes += 1
    }

    /// Changes the rollout itself: its phase, pauses, reason.
    mutating func updateRollout(_ change: (inout Rollout) -> Void) {
        change(&rollout)
        changes += 1
    }

    mutating func moveRollout(to phase: RolloutPhase, reason: String?) {
        guard rollout.phase != phase || rollout.reason != reason else { return }
        updateRollout { [now] in
            $0.phase = phase
            $0.reason = reason
            if phase.isEnded { $0.endedAt = now }
        }
    }

    mutating func add(_ target: TargetState) {
        rollout.targets[target.cluster] = target
        names = rollout.targets.keys.sorted()
        changes += 1
    }

    // MARK: Speaking

    /// The highest epoch above ours that an agent of a target has seen; what we decide would be refused there (invariant 9).
    var requiredEpoch: Int64? {
        guard !rollout.phase.isEnded else { return nil }
        let seen = names.compactMap { name -> Int64? in
            guard let target = rollout.targets[name], target.phase != .skipped else { return nil }
            return seenEpoch(at: name)
        }
        return seen.max().flatMap { $0 > epoch ? $0 : nil }
    }

    /// The epoch that a cluster's agent spoke of last.
    func seenEpoch(at name: ClusterName) -> Int64 {
        max(snapshot.fleet[name]?.report?.epoch ?? 0, seenEpochs[name] ?? 0)
    }

    /// Notes an epoch that an agent spoke of.
    mutating func noteSeen(epoch: Int64, at name: ClusterName) {
        seenEpochs[name] = max(seenEpochs[name] ?? 0, epoch)
    }

    /// Notes a generation that an agent spoke of, so that the next one is above it (invariant 8).
    mutating func noteSeen(_ generation: Int64, at name: ClusterName) {
        seenGenerations[name] = max(seenGenerations[name] ?? 0, generation)
    }

    /// The next generation of a target: above all that is known of its cluster and application (invariant 8).
    private func nextGeneration(_ target: TargetState) -> Int64 {
        let known = snapshot.fleet[target.cluster]?.highestGeneration ?? 0
        return max(known, target.generation ?? 0, seenGenerations[target.cluster] ?? 0) + 1
    }

    /// Decides a new assignment for a target and marks it as dispatched under it, in the given phase.
    mutating func assign(
        _ name: ClusterName, goal: Assignment.Goal, fallback: ReleaseReference?, phase: TargetPhase, reason: String?
    ) {
        guard let target = rollout.targets[name] else { return }
        let generation = nextGeneration(target)
        assignments[name] = Assignment(
            cluster: name, application: rollout.application, generation: generation, epoch: epoch,
            rollout: rollout.name, goal: goal, fallback: fallback,
            settings: AssignmentSettings(
                minHealthyTime: rollout.policy.minHealthyTime, progressDeadline: rollout.policy.progressDeadline,
                selfRollback: fallback != nil && rollout.strategy.selfRollback,
                whenDisconnected: phase == .rollingBack ? .finish : rollout.strategy.whenDisconnected,
                drift: rollout.strategy.drift))
        update(name) { [now, epoch, deadline = now + rollout.policy.progressDeadline] in
            $0.generation = generation
            $0.epoch = epoch
            if case .run(let release) = goal { $0.assigned = release } else { $0.assigned = nil }
            $0.phase = phase
            $0.reason = reason
            $0.dispatchedAt = now
            $0.deadlineAt = deadline
            $0.healthySince = nil
            $0.assertedAt = nil
            $0.healthyAt = nil
            $0.provenAt = nil
        }
    }

    /// Notes that what a target is assigned was proven healthy there (invariant 13).
    mutating func noteProof(_ target: TargetState) {
        guard let release = target.assigned, let generation = target.generation else { return }
        proven.append(
            ProvenRelease(
                cluster: target.cluster, application: rollout.application, release: release, generation: generation,
                at: now))
    }

    // MARK: Looking

    func isUnreachable(_ name: ClusterName) -> Bool {
        snapshot.fleet[name]?.isUnreachable(at: now, after: rollout.policy.unreachableAfter) ?? true
    }

    /// The pause that covers a region, the rollout's own or everybody's.
    func pause(of region: RegionName) -> Pause? { rollout.pause(of: region, snapshot) }

    /// The pause that covers a cluster on its own.
    func pause(of cluster: ClusterName) -> Pause? { rollout.pause(of: cluster, snapshot) }
}

extension Rollout {
    func pause(of region: RegionName, _ snapshot: FleetSnapshot) -> Pause? {
        pausedRegions[region] ?? snapshot.pausedRegions[region]
    }

    func pause(of cluster: ClusterName, _ snapshot: FleetSnapshot) -> Pause? {
        pausedClusters[cluster] ?? snapshot.pausedClusters[cluster]
    }

    /// Whether a stage goes on without this target for now, since its region is paused and the policy says to skip.
    func isExcluded(_ target: TargetState, _ snapshot: FleetSnapshot) -> Bool {
        policy.pausedRegion == .skip && !target.isSettled && pause(of: target.region, snapshot) != nil
    }

    /// How many of a stage's clusters failed.
    func failures(inStage index: Int) -> Int {
        targets.values.reduce(0) { $0 + ($1.stage == index && $1.countsAsFailure ? 1 : 0) }
    }

    /// How many of a stage's clusters may fail; of the stage as snapshotted.
    func failureBudget(ofStage index: Int) -> Int {
        policy.stages[index].failureBudget.resolved(of: stages[index].lanes.values.reduce(0, +), atLeast: 0)
    }

    /// Whether more failed than the budget allows.
    func exceedsBudget(stage index: Int) -> Bool { failures(inStage: index) > failureBudget(ofStage: index) }

    /// Whether a stage failed under a policy that stops for it: nothing forward goes anywhere then (invariant 5).
    ///
    /// Under `continue` the budget stops nothing; it says at the end whether the rollout succeeded or failed.
    var isStoppedByFailure: Bool {
        policy.onFailure.action != .continue && stages.indices.contains { exceedsBudget(stage: $0) }
    }
}
