public import SwellModel

/// Why a rollout waits, and until when: the machine-readable list behind `waitingFor`.
///
/// Derived from the state and the snapshot alone, by the same rules that dispatch. A rollout that has not ended has at least one
/// (invariant 19: it ends, or waits at a named gate).
public enum Blockers {
    /// At most this many clusters are named in one blocker.
    public static let namedClusters = 20

    public static func of(_ rollout: Rollout, snapshot: FleetSnapshot, now: Timestamp) -> [Blocker] {
        guard !rollout.phase.isEnded else { return [] }
        var list = BlockerList(
            state: DecisionState(DecisionInput(rollout: rollout, snapshot: snapshot, now: now, epoch: 0)))
        list.addRollout()
        for index in rollout.stages.indices { list.addStage(index) }
        list.addTargets()
        if list.blockers.isEmpty {
            list.blockers.append(Blocker(what: .health, why: "the next decision", until: now))
        }
        return list.blockers
    }
}

private struct BlockerList {
    /// What decides; it is asked, and decides nothing.
    let state: DecisionState
    var blockers: [Blocker] = []

    private var rollout: Rollout { state.rollout }
    private var snapshot: FleetSnapshot { state.snapshot }
    private var now: Timestamp { state.now }

    private struct Group: Hashable {
        var what: Blocker.Kind
        var stage: Int
        var region: RegionName?
    }

    mutating func addRollout() {
        if let start = rollout.startsAt, now < start, rollout.phase == .scheduled {
            blockers.append(Blocker(what: .start, why: "it starts at \(start)", until: start))
        } else if rollout.awaitsStart, rollout.pause == nil {
            let taken = rollout.taken(in: snapshot)
            if !taken.isEmpty {
                let holders = Set(taken.compactMap { snapshot.fleet[$0]?.heldBy }).sorted().map(\.rawValue)
                blockers.append(
                    Blocker(
                        what: .held,
                        why:
                            "it starts when \(named(taken)) are free, held by rollout \(holders.joined(separator: ", "))",
                        clusters: Array(taken.prefix(Blockers.namedClusters))))
            }
        }
        if let hold = rollout.hold {
            blockers.append(Blocker(what: .invariant, why: "held, since its decision was wrong: \(hold.breach)"))
        }
        if let pause = rollout.pause {
            let reason = pause.reason.map { ": \($0)" } ?? ""
            blockers.append(Blocker(what: .pause, why: "paused by \(pause.by)\(reason)"))
        }
    }

    mutating func addStage(_ index: Int) {
        let stage = rollout.stages[index]
        switch stage.phase {
        case .gated:
            blockers.append(
                Blocker(
                    what: .approval, why: "stage '\(stage.name)' waits for approval before it starts",
                    stage: stage.name))
        case .soaking:
            blockers.append(
                Blocker(
                    what: .soak, why: "stage '\(stage.name)' soaks", until: stage.soakEndsAt, stage: stage.name))
        case .failed:
            let names = failed(index)
            blockers.append(
                Blocker(
                    what: .failure, why: "stage '\(stage.name)': \(stage.reason ?? "failed")\(wordsOn(failed: names))",
                    stage: stage.name, clusters: Array(names.prefix(Blockers.namedClusters))))
        case .verifying:
            let needsApproval = state.awaitsApprovalToPass(stage: index)
            blockers.append(
                Blocker(
                    what: needsApproval ? .approval : .health,
                    why: "stage '\(stage.name)' \(stage.reason ?? "verifies its clusters")", stage: stage.name))
        case .waiting, .progressing, .passed:
            break
        }
    }

    private func failed(_ index: Int) -> [ClusterName] {
        state.names(inStage: index).filter { state.target($0).countsAsFailure }
    }

    /// Who failed, and who was retried and waits for the others.
    private func wordsOn(failed: [ClusterName]) -> String {
        guard !failed.isEmpty else { return "" }
        let again = state.names.filter { state.target($0).phase == .queued && state.target($0).attempts > 0 }
        let wait =
            again.isEmpty ? "" : "; \(named(again)), to be tried again, wait\(again.count == 1 ? "s" : "") for that"
        return " (\(named(failed)))\(wait)"
    }

    /// Agents that have missed more than one heartbeat: they may be gone, and count so only once the policy's time is up.
    private func silence(of targets: [TargetState]) -> String {
        let limit = RolloutPolicy.agentHeartbeat + RolloutPolicy.agentHeartbeat
        let silent = targets.filter { target in
            snapshot.fleet[target.cluster]?.lastSeenAt.map { now - $0 > limit } ?? false
        }
        guard let first = silent.first, let seen = snapshot.fleet[first.cluster]?.lastSeenAt else { return "" }
        let others = silent.count == 1 ? "" : " (and \(silent.count - 1) more are silent)"
        return "; the agent of \(first.cluster) was last heard at \(seen)\(others), and counts as away "
            + "\(rollout.policy.unreachableAfter) after that"
    }

    /// Targets grouped by what they wait for, so that a thousand clusters give a handful of lines.
    mutating func addTargets() {
        var groups: [Group: [TargetState]] = [:]
        var limits = DispatchLimits(rollout, state.tally, headroom: snapshot.fleetHeadroom)
        let dispatch = DispatchBlockers(
            rollout, snapshot, isStoppedByFailure: state.isStoppedByFailure, now: now)
        for name in state.names {
            let target = state.target(name)
            var waits = [restingPause(of: target)]
            waits.append(wait(of: target, dispatch, &limits))
            for what in waits.compactMap({ $0 }) {
                let group = Group(
                    what: what, stage: target.stage, region: what == .regionPause ? target.region : nil)
                groups[group, default: []].append(target)
            }
        }
        let order = Dictionary(uniqueKeysWithValues: Blocker.Kind.allCases.enumerated().map { ($1, $0) })
        let sorted = groups.sorted {
            ($0.key.stage, order[$0.key.what] ?? 0, $0.key.region?.rawValue ?? "")
                < ($1.key.stage, order[$1.key.what] ?? 0, $1.key.region?.rawValue ?? "")
        }
        for (group, targets) in sorted { blockers.append(blocker(group, targets)) }
    }

    /// The pause under which the clock of what is under way rests: it may stand still for as long as that lasts.
    private func restingPause(of target: TargetState) -> Blocker.Kind? {
        switch target.phase {
        case .dispatched, .applying, .verifying:
            if rollout.regionPause(of: target, snapshot) != nil { return .regionPause }
            return rollout.clusterPause(of: target, snapshot) != nil ? .clusterPause : nil
        case .queued, .unreachable, .healthy, .rollingBack, .failed, .rolledBack, .rollbackFailed, .skipped: return nil
        }
    }

    private func wait(
        of target: TargetState, _ dispatch: DispatchBlockers, _ limits: inout DispatchLimits
    ) -> Blocker.Kind? {
        switch target.phase {
        case .unreachable: return target.attempt?.evidence.isUnknown == true ? .unknown : .unreachable
        case .rollingBack:
            if target.attempt?.evidence.isUnknown == true { return .unknown }
            return state.isUnreachable(target.cluster) ? .unreachable : .rollback
        case .dispatched, .applying: return .health
        case .verifying: return target.healthySince == nil ? .health : .minHealthyTime
        case .queued: return queuedWait(of: target, dispatch, &limits)
        case .healthy, .failed, .rolledBack, .rollbackFailed, .skipped: return nil
        }
    }

    private func queuedWait(
        of target: TargetState, _ dispatch: DispatchBlockers, _ limits: inout DispatchLimits
    ) -> Blocker.Kind? {
        // Pauses are told even where something else hinders too: people ask for them first.
        let isNext = rollout.stages[target.stage].startedAt != nil
        if isNext, rollout.regionPause(of: target, snapshot) != nil { return .regionPause }
        if isNext, rollout.clusterPause(of: target, snapshot) != nil { return .clusterPause }
        switch dispatch.blocker(of: target) {
        case nil: return limits.admit(target) == nil ? nil : .concurrency
        case .regionPaused: return .regionPause
        case .clusterPaused: return .clusterPause
        case .held: return .held
        case .unreachable: return .unreachable
        case .notQueued, .rolloutNotProgressing, .failure, .earlierStage, .stageNotOpen, .away: return nil
        }
    }

    private func blocker(_ group: Group, _ targets: [TargetState]) -> Blocker {
        let names = targets.map(\.cluster)
        let stage = rollout.stages[group.stage].name
        let what = named(names)
        var until: Timestamp?
        let why: String
        switch group.what {
        case .unreachable:
            why = "the agent of \(what) is not heard of"
        case .unknown:
            let doubt = targets.lazy.compactMap(\.reason).first { reason in
                DecisionState.doubts.values.contains { reason.hasPrefix($0) }
            }
            why = doubt.map { "\(what): \($0)" } ?? "\(what) cannot be seen by its agent"
        case .held:
            let holders = Set(names.compactMap { snapshot.fleet[$0]?.heldBy }).sorted().map(\.rawValue)
            why = "\(what) held by rollout \(holders.joined(separator: ", "))"
        case .rollback:
            why = "\(what) going back\(silence(of: targets))"
            until = targets.compactMap(\.deadlineAt).max()
        case .health:
            why = "\(what) becoming healthy\(silence(of: targets))"
            until = targets.compactMap(\.deadlineAt).max()
        case .minHealthyTime:
            why = "\(what) staying healthy for \(rollout.policy.minHealthyTime)"
            until = targets.compactMap(\.healthySince).max().map { $0 + rollout.policy.minHealthyTime }
        case .regionPause:
            let pause = targets.lazy.compactMap { rollout.regionPause(of: $0, snapshot) }.first
            let reason = pause?.reason.map { ": \($0)" } ?? ""
            why = "region '\(group.region?.rawValue ?? "")' paused by \(pause?.by ?? "an operator")\(reason)"
        case .clusterPause:
            why = "\(what) paused"
        case .concurrency:
            why = "\(what) waiting for a slot under the caps"
        case .start, .approval, .soak, .pause, .failure, .invariant:
            why = what
        }
        return Blocker(
            what: group.what, why: why, until: until, stage: stage, region: group.region,
            clusters: Array(names.prefix(Blockers.namedClusters)))
    }
}
