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
        var list = BlockerList(rollout: rollout, snapshot: snapshot, now: now)
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
    let rollout: Rollout
    let snapshot: FleetSnapshot
    let now: Timestamp
    var blockers: [Blocker] = []

    private struct Group: Hashable {
        var what: Blocker.Kind
        var stage: Int
        var region: RegionName?
    }

    mutating func addRollout() {
        if let start = rollout.startsAt, now < start, rollout.phase == .scheduled {
            blockers.append(Blocker(what: .start, why: "it starts at \(start)", until: start))
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
            blockers.append(
                Blocker(
                    what: .failure, why: "stage '\(stage.name)': \(stage.reason ?? "failed")", stage: stage.name,
                    clusters: failed(index)))
        case .verifying:
            let needsApproval = rollout.awaitsApprovalToPass(stage: index, snapshot)
            blockers.append(
                Blocker(
                    what: needsApproval ? .approval : .health,
                    why: "stage '\(stage.name)' \(stage.reason ?? "verifies its clusters")", stage: stage.name))
        case .waiting, .progressing, .passed:
            break
        }
    }

    private func failed(_ index: Int) -> [ClusterName] {
        let names = rollout.targets.values.filter { $0.stage == index && $0.countsAsFailure }.map(\.cluster)
        return Array(names.sorted().prefix(Blockers.namedClusters))
    }

    /// Targets grouped by what they wait for, so that a thousand clusters give a handful of lines.
    mutating func addTargets() {
        var groups: [Group: [TargetState]] = [:]
        var limits = DispatchLimits(rollout, headroom: snapshot.fleetHeadroom)
        for target in rollout.targets.values.sorted(by: { $0.cluster < $1.cluster }) {
            guard let what = wait(of: target, &limits) else { continue }
            let group = Group(
                what: what, stage: target.stage, region: what == .regionPause ? target.region : nil)
            groups[group, default: []].append(target)
        }
        let order = Dictionary(uniqueKeysWithValues: Blocker.Kind.allCases.enumerated().map { ($1, $0) })
        let sorted = groups.sorted {
            ($0.key.stage, order[$0.key.what] ?? 0, $0.key.region?.rawValue ?? "")
                < ($1.key.stage, order[$1.key.what] ?? 0, $1.key.region?.rawValue ?? "")
        }
        for (group, targets) in sorted { blockers.append(blocker(group, targets)) }
    }

    private func wait(of target: TargetState, _ limits: inout DispatchLimits) -> Blocker.Kind? {
        switch target.phase {
        case .unreachable: return .unreachable
        case .rollingBack: return isUnreachable(target) ? .unreachable : .rollback
        case .dispatched, .applying: return .health
        case .verifying: return target.healthySince == nil ? .health : .minHealthyTime
        case .queued: return queuedWait(of: target, &limits)
        case .healthy, .failed, .rolledBack, .rollbackFailed, .skipped: return nil
        }
    }

    private func queuedWait(of target: TargetState, _ limits: inout DispatchLimits) -> Blocker.Kind? {
        // Pauses are told even where something else hinders too: people ask for them first.
        let isNext = rollout.stages[target.stage].startedAt != nil
        if isNext, rollout.pause(of: target.region, snapshot) != nil { return .regionPause }
        if isNext, rollout.pause(of: target.cluster, snapshot) != nil { return .clusterPause }
        switch rollout.dispatchBlocker(of: target, snapshot) {
        case nil: return limits.admit(target) == nil ? nil : .concurrency
        case .regionPaused: return .regionPause
        case .clusterPaused: return .clusterPause
        case .held: return .concurrency
        case .notQueued, .rolloutNotProgressing, .failure, .earlierStage, .stageNotOpen, .away: return nil
        }
    }

    private func isUnreachable(_ target: TargetState) -> Bool {
        snapshot.fleet[target.cluster]?.isUnreachable(at: now, after: rollout.policy.unreachableAfter) ?? true
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
        case .rollback:
            why = "\(what) going back"
            until = targets.compactMap(\.deadlineAt).max()
        case .health:
            why = "\(what) becoming healthy"
            until = targets.compactMap(\.deadlineAt).max()
        case .minHealthyTime:
            why = "\(what) staying healthy for \(rollout.policy.minHealthyTime)"
            until = targets.compactMap(\.healthySince).max().map { $0 + rollout.policy.minHealthyTime }
        case .regionPause:
            let pause = group.region.flatMap { rollout.pause(of: $0, snapshot) }
            let reason = pause?.reason.map { ": \($0)" } ?? ""
            why = "region '\(group.region?.rawValue ?? "")' paused by \(pause?.by ?? "an operator")\(reason)"
        case .clusterPause:
            why = "\(what) paused"
        case .concurrency:
            why = "\(what) waiting for a place under the caps"
        case .start, .approval, .soak, .pause, .failure:
            why = what
        }
        return Blocker(
            what: group.what, why: why, until: until, stage: stage, region: group.region,
            clusters: Array(names.prefix(Blockers.namedClusters)))
    }
}
