internal import SwellModel

/// One decision in the making: the rollout as changed so far, what it looks at, and what it has to say.
///
/// The rules are extensions in `Rules/`, one concern a file. Nothing outside this value is read or written.
struct DecisionState {
    private(set) var rollout: Rollout
    let snapshot: FleetSnapshot
    let now: Timestamp
    let epoch: Int64
    /// The clusters that have said more than was read.
    let unread: Set<ClusterName>
    /// The targets, counted; kept along with every change.
    private(set) var tally: RolloutTally
    /// The assignments decided so far; the last one for a cluster counts.
    private(set) var assignments: [ClusterName: Assignment] = [:]
    private(set) var proven: [ProvenRelease] = []
    /// What agents are told of pauses; the last word for a cluster counts.
    private(set) var pauses: [ClusterName: PauseNotice] = [:]
    /// The targets in a fixed order, so that a replay decides alike; and those of each stage.
    private(set) var names: [ClusterName]
    private var namesByStage: [[ClusterName]]
    /// Rises with every change, so that settling knows when nothing moves any more.
    private(set) var changes = 0
    /// The highest generation and epoch that an agent spoke of in this decision's reports.
    private var seenGenerations: [ClusterName: Int64] = [:]
    private var seenEpochs: [ClusterName: Int64] = [:]
    /// What is left of the fleet's headroom.
    var headroom: Int?
    /// Whether another rollout has taken this one's place and its clusters, by an order that this decision comes to.
    let isReplaced: Bool

    init(_ input: DecisionInput) {
        rollout = input.rollout
        snapshot = input.snapshot
        now = input.now
        epoch = input.epoch
        unread = input.unread
        tally = RolloutTally(input.rollout)
        names = input.rollout.targets.keys.sorted()
        namesByStage = Self.byStage(names, of: input.rollout)
        headroom = input.snapshot.fleetHeadroom
        isReplaced = input.commands.contains { if case .supersede = $0.command { true } else { false } }
    }

    private static func byStage(_ names: [ClusterName], of rollout: Rollout) -> [[ClusterName]] {
        var byStage = Array(repeating: [ClusterName](), count: rollout.stages.count)
        for name in names { if let target = rollout.targets[name] { byStage[target.stage].append(name) } }
        return byStage
    }

    // MARK: Changing

    /// A target that is known to be there.
    func target(_ name: ClusterName) -> TargetState {
        guard let target = rollout.targets[name] else { preconditionFailure("\(name) is no target") }
        return target
    }

    /// Changes one target; notes when its phase changed.
    mutating func update(_ name: ClusterName, _ change: (inout TargetState) -> Void) {
        let before = target(name)
        var after = before
        change(&after)
        guard after != before else { return }
        precondition(after.stage == before.stage, "a target keeps its stage")
        if after.phase != before.phase { after.changedAt = now }
        after.reason = after.reason?.shortened(to: 1_024)
        rollout.targets[name] = after
        tally.moved(from: before, to: after)
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
    mutating func updateHeader(_ change: (inout RolloutHeader) -> Void) {
        var header = rollout.header
        change(&header)
        guard header != rollout.header else { return }
        rollout.header = header
        changes += 1
    }

    mutating func moveRollout(to phase: RolloutPhase, reason: String?) {
        updateHeader { [now] in
            guard $0.phase != phase || $0.reason != reason else { return }
            $0.phase = phase
            $0.reason = reason
            if phase.isEnded { $0.endedAt = now }
        }
    }

    /// Takes in new targets, all at once, since their names are put in order.
    mutating func add(_ targets: [TargetState]) {
        guard !targets.isEmpty else { return }
        for target in targets {
            precondition(rollout.targets[target.cluster] == nil, "a joiner is no target yet")
            rollout.targets[target.cluster] = target
            tally.moved(from: nil, to: target)
        }
        names = rollout.targets.keys.sorted()
        namesByStage = Self.byStage(names, of: rollout)
        changes += 1
    }

    // MARK: Speaking

    /// The epoch that an assignment to a cluster carries: the lease's, or what the cluster's agent has seen where that is higher, since
    /// it would refuse a lower one. So what an agent says of epochs moves its own cluster's, and no number of the fleet (invariants 9
    /// and 22); who may decide at all is checked by the lease, in the transaction.
    func epoch(for name: ClusterName) -> Int64 {
        max(epoch, snapshot.fleet[name]?.report?.epoch ?? 0, seenEpochs[name] ?? 0, rollout.targets[name]?.epoch ?? 0)
    }

    /// Notes what an agent spoke of, so that what it is assigned next is not below it (invariants 8 and 9).
    mutating func noteSeen(_ report: ApplicationReport, at name: ClusterName) {
        seenGenerations[name] = max(seenGenerations[name] ?? 0, report.generation)
        seenEpochs[name] = max(seenEpochs[name] ?? 0, report.epoch)
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
        let attempt = Attempt(
            generation: nextGeneration(target(name)), epoch: epoch(for: name), goal: goal, dispatchedAt: now,
            deadline: .running(until: now + rollout.policy.progressDeadline))
        // What takes back is carried out whatever becomes of the line: else an agent would go back to what is being taken back.
        let takesBack = phase == .rollingBack || rollout.kind != .release
        assignments[name] = Assignment(
            cluster: name, application: rollout.application, generation: attempt.generation, epoch: attempt.epoch,
            rollout: rollout.name, goal: goal, fallback: fallback,
            settings: AssignmentSettings(
                minHealthyTime: rollout.policy.minHealthyTime, progressDeadline: rollout.policy.progressDeadline,
                selfRollback: fallback != nil && rollout.strategy.selfRollback,
                whenDisconnected: takesBack ? .finish : rollout.strategy.whenDisconnected,
                drift: rollout.strategy.drift, silentControllers: rollout.policy.silentControllers))
        pauses[name] = nil
        update(name) { $0.begin(attempt, as: phase, reason: reason) }
    }

    /// Decides that an agent is told whether a pause covers its cluster.
    mutating func tell(_ name: ClusterName, isPaused: Bool) {
        guard snapshot.fleet[name] != nil, let attempt = target(name).attempt else { return }
        changes += 1
        pauses[name] = PauseNotice(cluster: name, generation: attempt.generation, isPaused: isPaused)
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

    /// The targets of a stage, in order.
    func names(inStage index: Int) -> [ClusterName] { namesByStage[index] }

    /// Whether more failed than a budget allows, under a policy that stops for it: nothing forward goes anywhere then (invariant 5).
    ///
    /// Under `continue` the budget stops nothing; it says at the end whether the rollout succeeded or failed.
    var isStoppedByFailure: Bool { rollout.policy.onFailure.action != .continue && tally.overspent != nil }

    func isUnreachable(_ name: ClusterName) -> Bool {
        snapshot.fleet[name]?.isUnreachable(at: now, after: rollout.policy.unreachableAfter) ?? true
    }

    /// Whether a pause by a person covers a target: then its clock rests.
    func isPaused(_ target: TargetState) -> Bool {
        rollout.pause != nil || rollout.regionPause(of: target, snapshot) != nil
            || rollout.clusterPause(of: target, snapshot) != nil
    }

    /// Whether the agent was told last that a pause covers its cluster; the assignment says so, whoever decided before.
    func isToldPaused(_ target: TargetState) -> Bool {
        guard let generation = target.attempt?.generation else { return false }
        return pauses[target.cluster]?.isPaused ?? (snapshot.fleet[target.cluster]?.pausedGeneration == generation)
    }

    /// Whether a stage goes on without this target for now, since its region is paused and the policy says to skip.
    func isExcluded(_ target: TargetState) -> Bool {
        rollout.policy.pausedRegion == .skip && !target.isSettled && rollout.regionPause(of: target, snapshot) != nil
    }
}

extension Rollout {
    /// The pause of a region that covers a target, the rollout's own or everybody's: of the region as it was planned, and of the one
    /// in which the cluster is by now (invariant 6).
    func regionPause(of target: TargetState, _ snapshot: FleetSnapshot) -> Pause? {
        if let pause = self.pausedRegions[target.region] ?? snapshot.pausedRegions[target.region] { return pause }
        guard let region = snapshot.fleet[target.cluster]?.cluster.region, region != target.region else { return nil }
        return self.pausedRegions[region] ?? snapshot.pausedRegions[region]
    }

    /// The pause that covers a cluster on its own.
    func clusterPause(of target: TargetState, _ snapshot: FleetSnapshot) -> Pause? {
        self.pausedClusters[target.cluster] ?? snapshot.pausedClusters[target.cluster]
    }
}
