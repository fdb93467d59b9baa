internal import SwellEngine
internal import SwellModel
internal import Testing

/// One behaviour that a peer's own tests fix, played on the engine: what happens there, and what Swell does and must do.
///
/// Ids are kept for good, a letter behind one tells its variants apart. Where the two differ, `here` says why.
struct PeerRow: Sendable, CustomTestStringConvertible {
    let id: String
    /// The behaviour in one sentence.
    let what: String
    /// The peer's file and test.
    let source: String
    /// What happens there, in Swell's words.
    let there: String
    /// What Swell does, and why where that differs.
    let here: String
    let fleet: [(RegionName, Int)]
    let policy: RolloutPolicy
    let strategy: ApplicationStrategy
    let proven: [ReleaseReference]
    let select: ClusterSelector
    let steps: [PeerStep]

    init(
        _ id: String, _ what: String, source: String, there: String, here: String = "the same",
        fleet: [(RegionName, Int)] = [("west", 4)], policy: RolloutPolicy = .peer(),
        strategy: ApplicationStrategy = ApplicationStrategy(), proven: [ReleaseReference] = [Scenario.one],
        select: ClusterSelector = ClusterSelector(), steps: [PeerStep]
    ) {
        self.id = id
        self.what = what
        self.source = source
        self.there = there
        self.here = here
        self.fleet = fleet
        self.policy = policy
        self.strategy = strategy
        self.proven = proven
        self.select = select
        self.steps = steps
    }

    var testDescription: String { "\(id): \(what)" }

    func play() throws {
        var world = PeerWorld(
            scenario: try Scenario(fleet, policy: policy, strategy: strategy, proven: proven, select: select))
        for (index, step) in steps.enumerated() { world.play(step, "\(id), step \(index + 1): \(step)") }
    }
}

/// The rows, by peer.
enum PeerRows {
    static let all: [[PeerRow]] = [
        openClusterManagement, openClusterManagementGroups, kubeFleetGates, kubeFleetRuns, argoCD, fleetManager,
        nomadHealth, nomadOrders, azureFleetManager,
    ]

    /// What Swell does not do as it should, yet: no row stands for it, so that none is bent to what is wrong.
    static let left: [(id: String, what: String)] = [
        (
            "O13c",
            "a failed member has left the fleet: a person must be able to leave it out for good, so that the rest go"
        ),
        (
            "Z05c",
            "a member whose agent dies under way, within maxUnreachable, must give its slot to the next while others wait"
        ),
        (
            "O09h",
            "a stretch of health whose agent says neither yes nor no for ever, though it is heard of, must end at some deadline"
        ),
    ]
}

/// What happens, each followed by one decision; or what must be true after the last one.
enum PeerStep: Sendable {
    // MARK: What happens

    case decide
    /// Time goes by.
    case pass(Interval)
    /// An agent says something of its present assignment.
    case say(ClusterName, AgentPhase, Health = .healthy)
    /// `minHealthyTime` goes by, then these agents call what they were assigned done.
    case good([ClusterName])
    /// These agents call it failed.
    case bad([ClusterName])
    /// An agent speaks of what it ran before.
    case speaksOfOld(ClusterName)
    /// Everything under way gets done.
    case settle
    /// A person's order, which must be taken.
    case order(RolloutCommand)
    /// A person's order, which must be refused, with these words.
    case refused(RolloutCommand, String)
    case join(ClusterName)
    case leave([ClusterName])
    /// Clusters that had left are back as they were.
    case back(ClusterName)
    /// These agents are not heard of any more; all others are.
    case silence([ClusterName])
    /// Another rollout holds the clusters.
    case held([ClusterName], by: RolloutName)
    case headroom(Int)
    case proven(ClusterName, [ReleaseReference])

    // MARK: What must be true

    /// What the last decision assigned, forward or back.
    case sends([ClusterName])
    /// Where the last decision sends these: a release, or nil for removal.
    case goes([ClusterName], to: ReleaseReference?)
    case phase([ClusterName], TargetPhase)
    case rollout(RolloutPhase)
    /// The reason of the rollout's phase names this.
    case told(String)
    case stages([StagePhase])
    /// What it waits for names these clusters.
    case waits(Blocker.Kind, [ClusterName] = [])
    case waitsNot(Blocker.Kind)
    case wakes(in: Interval)
}

extension PeerStep {
    static func approve(_ stage: StageName) -> Self {
        .order(.approve(stage: stage, digest: Scenario.two.digest))
    }
    static let pause = Self.order(.pause(.rollout, reason: "look"))
    static let resume = Self.order(.resume(.rollout))
}

private struct PeerWorld {
    var scenario: Scenario
    var away: [ClusterName: ClusterFacts] = [:]

    mutating func play(_ step: PeerStep, _ what: Comment) {
        if act(step, what) { return }
        look(step, what)
    }

    /// Does what the step says; false where it is one that only looks.
    private mutating func act(_ step: PeerStep, _ what: Comment) -> Bool {
        switch step {
        case .decide: break
        case .pass(let interval): scenario.wait(interval)
        case .say(let name, let phase, let health): scenario.report(name, phase, health)
        case .good(let names):
            scenario.wait(scenario.rollout.policy.minHealthyTime)
            for name in names {
                scenario.report(name, scenario.target(name)?.attempt?.goal == .remove ? .removed : .healthy)
            }
        case .bad(let names): for name in names { scenario.report(name, .failed, .failed, reason: "CrashLoopBackOff") }
        case .speaksOfOld(let name): scenario.report(name, .healthy, generation: 5, digest: Scenario.one.digest)
        case .settle:
            scenario.settleAgents()
            return true
        case .order(let command):
            let decision = scenario.decide(command)
            #expect(decision.verdicts.map(\.refusal) == [nil], what)
            return true
        case .refused(let command, let words):
            let refusal = scenario.decide(command).verdicts.first?.refusal
            #expect(refusal?.contains(words) == true, "\(what): \(refusal ?? "taken")")
            return true
        case .join(let name): scenario.join(name)
        case .leave(let names):
            for name in names {
                away[name] = scenario.snapshot.fleet[name]
                scenario.snapshot.fleet[name] = nil
            }
        case .back(let name): scenario.snapshot.fleet[name] = away[name]
        case .silence(let names): scenario.silent = Set(names)
        case .held(let names, let holder): for name in names { scenario.snapshot.fleet[name]?.heldBy = holder }
        case .headroom(let count): scenario.snapshot.fleetHeadroom = count
        case .proven(let name, let releases): scenario.snapshot.fleet[name]?.proven = releases
        default: return false
        }
        switch step {
        case .held, .headroom, .proven, .silence: break
        default: scenario.decide()
        }
        return true
    }

    private func look(_ step: PeerStep, _ what: Comment) {
        let rollout = scenario.rollout
        switch step {
        case .sends(let names): #expect(scenario.last?.assignments.map(\.cluster) == names, what)
        case .goes(let names, let release):
            let goal = release.map { Assignment.Goal.run($0) } ?? .remove
            #expect(scenario.last?.assignments.filter { $0.goal == goal }.map(\.cluster) == names, what)
        case .phase(let names, let phase):
            for name in names { #expect(scenario.phase(name) == phase, what) }
        case .rollout(let phase): #expect(rollout.phase == phase, "\(what): \(rollout.reason ?? "")")
        case .told(let words): #expect(rollout.reason?.contains(words) == true, "\(what): \(rollout.reason ?? "")")
        case .stages(let phases): #expect(rollout.stages.map(\.phase) == phases, what)
        case .waits(let kind, let names):
            let all = blockers
            let matching = all.filter { $0.what == kind }
            #expect(!matching.isEmpty, "\(what): \(all)")
            #expect(Set(matching.flatMap(\.clusters)).isSuperset(of: names), "\(what): \(all)")
        case .waitsNot(let kind): #expect(!blockers.contains { $0.what == kind }, what)
        case .wakes(let interval): #expect(scenario.last?.wakeAt == scenario.now + interval, what)
        default: Issue.record("a step that nobody plays: \(what)")
        }
    }

    private var blockers: [Blocker] {
        Blockers.of(scenario.rollout, snapshot: scenario.snapshot, now: scenario.now)
    }
}

extension Scenario {
    /// A cluster joins the fleet, named by its region, and its agent is heard of.
    mutating func join(_ name: ClusterName) {
        let region = RegionName(stringLiteral: String(name.rawValue.prefix { $0 != "-" }))
        snapshot.fleet[name] = ClusterFacts(
            cluster: Cluster(name: name, region: region, environment: "production"), isEnrolled: true, lastSeenAt: now)
    }
}

extension RolloutPolicy {
    /// One stage over everything; pauses at the first failure, as most peers do.
    static func peer(
        cap: Limit = .percent(100), budget: Limit = .count(0), soak: Interval = .zero,
        approval: ApprovalRule = ApprovalRule(), minHealthy: Interval = .seconds(10),
        deadline: Interval = .minutes(10), action: FailurePolicy.Action = .pause,
        scope: FailurePolicy.Scope = .rollout
    ) -> RolloutPolicy {
        .peer(
            [.peer("all", [], cap: cap, budget: budget, soak: soak, approval: approval)], minHealthy: minHealthy,
            deadline: deadline, action: action, scope: scope)
    }

    static func peer(
        _ stages: [PolicyStage], minHealthy: Interval = .seconds(10), deadline: Interval = .minutes(10),
        action: FailurePolicy.Action = .pause, scope: FailurePolicy.Scope = .rollout
    ) -> RolloutPolicy {
        RolloutPolicy(
            name: "peer", stages: stages, minHealthyTime: minHealthy, progressDeadline: deadline,
            unreachableAfter: .seconds(60), onFailure: FailurePolicy(action: action, scope: scope))
    }
}

extension PolicyStage {
    static func peer(
        _ name: StageName, _ regions: [RegionName], cap: Limit = .percent(100), budget: Limit = .count(0),
        soak: Interval = .zero, approval: ApprovalRule = ApprovalRule()
    ) -> PolicyStage {
        PolicyStage(
            name: name, select: ClusterSelector(regions: regions), maxConcurrent: cap, soak: soak,
            failureBudget: budget, approval: approval)
    }
}
