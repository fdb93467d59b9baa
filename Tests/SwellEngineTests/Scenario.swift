internal import SwellEngine
internal import SwellModel
internal import Testing

/// A rollout with a fleet around it, driven by hand: what a store would keep between decisions.
struct Scenario {
    var rollout: Rollout
    var snapshot = FleetSnapshot()
    var now = Timestamp(milliseconds: 1_000_000)
    var epoch: Int64 = 1
    var transitions: [Transition] = []
    let planned: Rollout
    private var commandID: Int64 = 0
    private var reports: [ReportRecord] = []
    /// Agents that go on being heard of as time goes by.
    var silent: Set<ClusterName> = []
    /// Agents that are heard of, and that no assignment reaches. Others speak of theirs at once.
    var unreached: Set<ClusterName> = []
    var last: Decision?
    /// Who has said more than decisions come to reading.
    var unread: Set<ClusterName> = []
    /// When the next decision was due; the one after it is in time again.
    var dueAt: Timestamp?

    static let one = ReleaseReference(version: "1", digest: ContentDigest(of: [1]))
    static let two = ReleaseReference(version: "2", digest: ContentDigest(of: [2]))

    /// Clusters are named by region and number: `east-1`.
    init(
        _ regions: [(RegionName, Int)], policy: RolloutPolicy, strategy: ApplicationStrategy = ApplicationStrategy(),
        startsAt: Interval? = nil, proven: [ReleaseReference] = [Scenario.one],
        select: ClusterSelector = ClusterSelector()
    ) throws {
        for (region, count) in regions {
            for number in 1...count {
                let name = try ClusterName("\(region)-\(number)")
                snapshot.fleet[name] = ClusterFacts(
                    cluster: Cluster(name: name, region: region, environment: "production"), isEnrolled: true,
                    lastSeenAt: now, highestGeneration: 5, assigned: proven.first, proven: proven)
            }
        }
        let request = PlanRequest(
            name: "shop-2", application: "shop", release: Self.two, policy: policy, strategy: strategy,
            createdBy: "ann", startsAt: startsAt.map { [now] in now + $0 }, select: select)
        rollout = try RolloutPlanner.plan(request, snapshot: snapshot, now: now)
        planned = rollout
    }

    func target(_ name: ClusterName) -> TargetState? { rollout.targets[name] }
    func phase(_ name: ClusterName) -> TargetPhase? { rollout.targets[name]?.phase }
    func clusters(_ phase: TargetPhase) -> [ClusterName] {
        rollout.targets.values.filter { $0.phase == phase }.map(\.cluster).sorted()
    }

    /// Who promotes in a scenario has looked at what is there, unless the order says what it was.
    private func seen(_ command: RolloutCommand) -> RolloutCommand {
        guard case .promote(let stage, let despiteHealth, nil, nil) = command else { return command }
        return .promote(
            stage: stage, despiteHealth: despiteHealth, digest: rollout.release.digest, plan: rollout.planDigest)
    }

    /// One decision on all that was said since the last.
    @discardableResult
    mutating func decide(_ commands: RolloutCommand..., by actor: String = "ann") -> Decision {
        for name in snapshot.fleet.keys where !silent.contains(name) { snapshot.fleet[name]?.lastSeenAt = now }
        var records: [CommandRecord] = []
        for command in commands {
            commandID += 1
            records.append(
                CommandRecord(id: commandID, rollout: rollout.name, command: seen(command), by: actor, at: now))
        }
        let decision = decide(commands: records)
        accept(decision.assignments)
        last = decision
        return decision
    }

    private mutating func accept(_ assignments: [Assignment]) {
        for assignment in assignments where !silent.union(unreached).contains(assignment.cluster) {
            report(assignment.cluster, .accepted, .progressing)
        }
        guard !reports.isEmpty else { return }
        // What the fleet's limit left is used up by what was just dispatched.
        let headroom = snapshot.fleetHeadroom
        if headroom != nil { snapshot.fleetHeadroom = 0 }
        _ = decide(commands: [])
        snapshot.fleetHeadroom = headroom
    }

    private mutating func decide(commands: [CommandRecord]) -> Decision {
        let decision = DecisionMaker.decide(
            DecisionInput(
                rollout: rollout, commands: commands, reports: reports, unread: unread, snapshot: snapshot, now: now,
                epoch: epoch, dueAt: dueAt))
        reports = []
        dueAt = nil
        rollout = decision.rollout
        transitions += decision.transitions
        for assignment in decision.assignments {
            snapshot.fleet[assignment.cluster]?.highestGeneration = assignment.generation
            if case .run(let release) = assignment.goal { snapshot.fleet[assignment.cluster]?.assigned = release }
        }
        for notice in decision.pauses {
            snapshot.fleet[notice.cluster]?.pausedGeneration = notice.isPaused ? notice.generation : nil
        }
        for proof in decision.proven {
            snapshot.fleet[proof.cluster]?.proven.removeAll { $0.digest == proof.release.digest }
            snapshot.fleet[proof.cluster]?.proven.insert(proof.release, at: 0)
        }
        return decision
    }

    mutating func wait(_ interval: Interval) { now = now + interval }

    /// What an agent says, by default of the generation and digest that it was assigned.
    mutating func report(
        _ name: ClusterName, _ phase: AgentPhase, _ health: Health = .healthy, generation: Int64? = nil,
        digest: ContentDigest?? = nil, epoch: Int64? = nil, reason: String? = nil, isAfterGap: Bool = false
    ) {
        let target = rollout.targets[name]
        let report = ApplicationReport(
            application: "shop", generation: generation ?? target?.generation ?? 0,
            digest: digest ?? target?.assigned?.digest, epoch: epoch ?? target?.epoch ?? 0, phase: phase,
            health: health, reason: reason)
        reports.append(
            ReportRecord(
                id: Int64(reports.count), cluster: name, report: report, receivedAt: now, isAfterGap: isAfterGap))
    }

    /// Every dispatched cluster becomes healthy or, when rolling back, gets back; then one decision.
    @discardableResult
    mutating func settleAgents(except: Set<ClusterName> = []) -> Decision {
        wait(rollout.policy.minHealthyTime)
        for target in rollout.targets.values.sorted(by: { $0.cluster < $1.cluster })
        where target.phase.isUnderWay && !except.contains(target.cluster) {
            report(target.cluster, target.assigned == nil ? .removed : .healthy)
        }
        return decide()
    }
}

extension RolloutPolicy {
    /// A canary of one region, then two regions in lanes.
    static func waves(
        soak: Interval = .zero, cap: Limit = .percent(100), budget: Limit = .count(0),
        onFailure: FailurePolicy = FailurePolicy(), pausedRegion: PausedRegionRule = .wait,
        approval: ApprovalRule = ApprovalRule()
    ) -> RolloutPolicy {
        RolloutPolicy(
            name: "waves",
            stages: [
                PolicyStage(name: "canary", select: ClusterSelector(regions: ["east"]), soak: soak),
                PolicyStage(
                    name: "rest", select: ClusterSelector(regions: ["west", "north"]), maxConcurrent: cap,
                    failureBudget: budget, approval: approval),
            ],
            minHealthyTime: .seconds(10), progressDeadline: .minutes(10), unreachableAfter: .seconds(60),
            onFailure: onFailure, pausedRegion: pausedRegion)
    }

    /// One stage over everything.
    static func single(
        cap: Limit = .percent(100), soak: Interval = .zero, budget: Limit = .count(0),
        onFailure: FailurePolicy = FailurePolicy(), approval: ApprovalRule = ApprovalRule()
    ) -> RolloutPolicy {
        RolloutPolicy(
            name: "single",
            stages: [
                PolicyStage(
                    name: "all", select: ClusterSelector(), maxConcurrent: cap, soak: soak, failureBudget: budget,
                    approval: approval)
            ],
            minHealthyTime: .seconds(10), progressDeadline: .minutes(10), unreachableAfter: .seconds(60),
            onFailure: onFailure)
    }
}
