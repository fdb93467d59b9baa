internal import FoundationEssentials
internal import SwellEngine
internal import SwellModel

@testable internal import SwellStore

/// The JSON columns of the store, as a version of the program wrote them: a file a kind, a row a name.
///
/// How they are kept: rows of a version that was released are never edited and never removed, for databases hold them. `v1` was
/// written by the program before evidence became a value of its own, with that program's own types. `v2` is what this program
/// writes. Where a test finds that it writes another shape, that is a decision to be taken, not a file to be updated:
///
/// - Before the release of v2: say so in the change, and run the tests with SWELL_GOLDEN=write, which writes the files anew.
/// - After it: leave the folder as it is, add the next one, and write it in the same way. Every older folder is still read, each row
///   with what it means today; what a row says may be told in other words by then, and never be lost.
///
/// While replicas of two versions run side by side, the older one reads what the newer one writes: a new field is optional, and a new
/// case is written only where a person asked for what is new.
enum Golden {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    static let writes = ProcessInfo.processInfo.environment["SWELL_GOLDEN"] == "write"

    static func read<Value: Decodable>(_ version: String, _ kind: String, as type: Value.Type) throws -> [String: Value]
    {
        let data = try Data(contentsOf: folder.appending(path: "\(version)/\(kind).json"))
        return try Column.decode([String: Value].self, from: data)
    }

    static func text(_ version: String, _ kind: String) throws -> String {
        try String(contentsOf: folder.appending(path: "\(version)/\(kind).json"), encoding: .utf8)
    }

    /// The rows as a file has them: keys in order, so that files can be compared, a row a line, so that people can.
    static func file(_ rows: [String: some Encodable]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        let lines = try rows.sorted { $0.key < $1.key }.map { name, row in
            "  \"\(name)\": \(String(decoding: try encoder.encode(row), as: UTF8.self))"
        }
        return "{\n\(lines.joined(separator: ",\n"))\n}\n"
    }

    // MARK: What the rows are about

    /// Seconds after the beginning of the rows' time.
    static func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_764_000_000_000 + seconds * 1_000) }
    static let one = reference("1.0.0", "1a")
    static let two = reference("1.1.0", "2b")

    private static func reference(_ version: String, _ pair: String) -> ReleaseReference {
        guard let digest = try? ContentDigest("sha256:" + String(repeating: pair, count: 32)) else {
            preconditionFailure("'\(pair)' are no two hexadecimal digits")
        }
        return ReleaseReference(version: version, digest: digest)
    }

    static let policies: [String: RolloutPolicy] = [
        "waves": RolloutPolicy(
            name: "waves",
            stages: [
                PolicyStage(name: "canary", select: ClusterSelector(regions: ["east"]), soak: .minutes(5)),
                PolicyStage(
                    name: "rest", select: ClusterSelector(environments: ["production"], labels: ["tier": "web"]),
                    maxConcurrent: .percent(25), maxConcurrentInStage: .count(4), failureBudget: .percent(10),
                    approval: ApprovalRule(before: true, after: true)),
            ],
            maxConcurrent: .count(8), minHealthyTime: .seconds(30), progressDeadline: .minutes(15),
            unreachableAfter: .seconds(30), onFailure: FailurePolicy(action: .pause, scope: .stage), pausedRegion: .skip
        ),
        "least": RolloutPolicy(name: "least", stages: [PolicyStage(name: "all", select: ClusterSelector())]),
    ]
    static let waves = RolloutPolicy(
        name: "waves", stages: policies["waves"]?.stages ?? [], maxConcurrent: .count(8),
        minHealthyTime: .seconds(30), progressDeadline: .minutes(15), unreachableAfter: .seconds(30),
        onFailure: FailurePolicy(action: .pause, scope: .stage), pausedRegion: .skip)

    static let strategies: [String: ApplicationStrategy] = [
        "written": ApplicationStrategy(
            selfRollback: false, whenDisconnected: .revert, drift: .report, whenNeverHealthy: .hold),
        "default": ApplicationStrategy(whenNeverHealthy: .remove),
    ]

    // MARK: Targets

    private static func target(
        _ phase: TargetPhase, _ reason: String? = nil, _ standing: Evidence.Standing = .none,
        deadline: Deadline = .met, generation: Int64? = 7, goal: Assignment.Goal = .run(two), proven: Int64? = nil,
        previous: ReleaseReference? = one, failed: Int64? = nil, late: LateMember? = nil, skip: SkipReason? = nil,
        accepted: Bool? = nil
    ) -> TargetState {
        // Of these the agent has spoken, by their phase alone.
        let spoken: [TargetPhase] = [.applying, .verifying, .healthy, .failed, .rolledBack, .rollbackFailed]
        let attempt = generation.map {
            Attempt(
                generation: $0, epoch: 3, goal: goal, dispatchedAt: at(10),
                evidence: Evidence(standing: standing, provenAt: proven.map(at)), deadline: deadline,
                isAccepted: accepted ?? spoken.contains(phase) || proven != nil)
        }
        return TargetState(
            cluster: "east-1", region: "east", stage: 0, phase: phase, reason: reason, attempt: attempt,
            previous: generation == nil ? nil : previous, failedAt: failed.map(at), late: late, skip: skip,
            changedAt: at(60), attempts: generation == nil ? 0 : 1)
    }

    private static let away = "its agent was not heard of for 60s"
    private static let pull = "ImagePullBackOff: web"

    /// The rows of v1, as they are meant.
    static let targets: [String: TargetState] = [
        "queued": target(.queued, generation: nil),
        "queuedAgain": target(.queued, "retried by ann", late: .deferred),
        "joiner": target(.queued, "joined the fleet", generation: nil, late: .joined),
        "dispatched": target(.dispatched, deadline: .running(until: at(610))),
        "applying": target(.applying, "waiting for a lock", deadline: .running(until: at(610))),
        "verifying": target(.verifying, nil, .good(since: at(55)), deadline: .running(until: at(610))),
        "claimed": target(
            .verifying, nil, .asserted(at: at(18), healthySince: at(15)), deadline: .running(until: at(610))),
        "regressed": target(
            .verifying, "not healthy any more: CrashLoopBackOff", deadline: .running(until: at(700)), proven: 30),
        "healthy": target(.healthy, nil, .healthy(since: at(30)), proven: 30),
        "failed": target(.failed, pull, failed: 60),
        "unreachable": target(.unreachable, away, .unseen(since: at(60))),
        "unreachableProven": target(.unreachable, away, .unseen(since: at(60)), proven: 30),
        "rollingBack": target(
            .rollingBack, pull, deadline: .running(until: at(660)), generation: 8, goal: .run(one), failed: 60),
        "rollingBackSilent": target(
            .rollingBack, nil, .unseen(since: at(60)), generation: 8, goal: .run(one), failed: 60),
        "removing": target(
            .rollingBack, nil, deadline: .running(until: at(660)), generation: 8, goal: .remove, previous: nil,
            failed: 60),
        "rolledBack": target(.rolledBack, pull, .healthy(since: at(90)), generation: 8, goal: .run(one), failed: 60),
        "rollbackFailed": target(.rollbackFailed, "OOMKilled", generation: 8, goal: .run(one), failed: 60),
        "left": target(.skipped, "the cluster left the fleet", generation: nil, skip: .left),
        "rolledBackUntouched": target(.skipped, "not here", generation: nil, skip: .rolledBack),
        "neverHealthy": target(.skipped, "held as it is", generation: nil, skip: .neverHealthy),
    ]

    /// What can only be said since v2.
    static let targetsOfToday: [String: TargetState] = targets.merging(
        [
            "paused": target(.verifying, deadline: .stopped(left: .minutes(4))),
            "unknown": target(
                .unreachable, "its agent cannot see it", .unknown(since: at(50)), deadline: .stopped(left: .minutes(4))),
            "unseen": target(
                .unreachable, away, .unseen(since: at(50)), deadline: .stopped(left: .minutes(4)), proven: 30),
            "rollingBackUnseen": target(
                .rollingBack, pull, .unseen(since: at(50)), deadline: .stopped(left: .minutes(4)), generation: 8,
                goal: .run(one), failed: 60),
            "accepted": target(.dispatched, deadline: .running(until: at(610)), accepted: true),
            "ordered": target(.skipped, "left out by ann", generation: nil, skip: .ordered),
        ], uniquingKeysWith: { $1 })

    // MARK: Stages and the rollout

    static let approval = Approval(by: "ann", at: at(5), digest: two.digest)
    private static let lanes: [RegionName: Int] = ["east": 2, "west": 3]
    static let stages: [String: StageState] = [
        "waiting": StageState(name: "rest", lanes: lanes),
        "gated": StageState(name: "rest", phase: .gated, reason: "waits for approval", lanes: lanes),
        "progressing": StageState(
            name: "canary", phase: .progressing, startedAt: at(6), approvedBefore: approval, lanes: lanes),
        "soaking": soaking,
        "verifying": StageState(
            name: "canary", phase: .verifying, reason: "waits for east-1 to be healthy again", startedAt: at(6),
            lanes: lanes),
        "passed": StageState(
            name: "canary", phase: .passed, startedAt: at(6), healthyAt: at(60), soakEndsAt: at(360),
            passedAt: at(300), approvedBefore: approval, approvedAfter: approval, promotion: approval, lanes: lanes),
        "failed": StageState(
            name: "canary", phase: .failed, reason: "1 failed, more than the budget of 0", startedAt: at(6),
            lanes: lanes),
    ]
    static let soaking = StageState(
        name: "canary", phase: .soaking, startedAt: at(6), healthyAt: at(60), soakEndsAt: at(360), lanes: lanes)

    static let rollout = rollout("shop-2", .release, startsAt: at(1), target: "healthy") {
        $0.phase = .paused
        $0.pause = Pause(by: "ann", at: at(2), reason: "look")
    }
    static let undo = rollout("undo-1", .undo(of: "shop-2"), startsAt: nil, target: "rollingBack") {
        $0.phase = .superseded
        $0.endedAt = at(900)
        $0.supersededBy = "shop-3"
    }

    private static func rollout(
        _ name: RolloutName, _ kind: RolloutKind, startsAt: Timestamp?, target: String,
        _ change: (inout RolloutHeader) -> Void
    ) -> Rollout {
        var header = RolloutHeader(
            name: name, application: "shop", kind: kind, release: two, policy: waves,
            strategy: strategies["written"] ?? ApplicationStrategy(), createdBy: "ann", createdAt: at(0),
            startsAt: startsAt, select: ClusterSelector(clusters: ["east-1", "west-1"]))
        header.reason = "stage 'canary': 1 failed, more than the budget of 0"
        header.pausedRegions = ["east": Pause(by: "bea", at: at(3))]
        header.pausedClusters = ["west-1": Pause(by: "cid", at: at(4))]
        header.rolledBack = [.region("north"), .stage("canary"), .cluster("x"), .rollout]
        change(&header)
        return Rollout(
            header: header, stages: [soaking, stages["gated"]].compactMap { $0 },
            targets: targets[target].map { [$0.cluster: $0] } ?? [:])
    }

    static let transitions: [String: Transition] = [
        "rollout": Transition(
            rollout: "shop-2", subject: .rollout, from: "progressing", to: "paused", reason: "look", by: "ann",
            at: at(2), value: .header(rollout.header)),
        "stage": Transition(
            rollout: "shop-2", subject: .stage(index: 0, name: "canary"), from: "progressing", to: "soaking",
            reason: nil, by: "swell", at: at(60), value: .stage(soaking)),
        "target": Transition(
            rollout: "shop-2", subject: .target("east-1"), from: nil, to: "queued", reason: "joined the fleet",
            by: "swell", at: at(60), value: .target(target(.queued, "joined the fleet", generation: nil, late: .joined))
        ),
    ]

    // MARK: Orders, assignments, reports

    static let commands: [String: RolloutCommand] = [
        "pause": .pause(.rollout, reason: "lunch"), "pauseRegion": .pause(.region("east"), reason: nil),
        "pauseCluster": .pause(.cluster("east-1"), reason: nil), "resume": .resume(.rollout),
        "abort": .abort(reason: nil), "abortWithReason": .abort(reason: "wrong version"),
        "retryAll": .retry(clusters: []), "retry": .retry(clusters: ["east-1", "west-1"]),
        "rollback": .rollback(.rollout, reason: nil), "rollbackStage": .rollback(.stage("canary"), reason: "odd"),
        "rollbackRegion": .rollback(.region("east"), reason: nil),
        "rollbackCluster": .rollback(.cluster("east-1"), reason: nil),
        "approve": .approve(stage: "canary", digest: two.digest), "promote": .promote(stage: "canary"),
        "supersede": .supersede(by: "shop-3"),
    ]
    static let commandsOfToday: [String: RolloutCommand] = commands.merging(
        [
            "rollbackRemoving": .rollback(.cluster("east-1"), reason: nil, remove: true),
            "approveGate": .approve(stage: "canary", digest: two.digest, gate: .after),
            "withdraw": .withdraw(stage: "canary"), "promoteUnproven": .promote(stage: "canary", despiteHealth: true),
            "skip": .skip(cluster: "east-1", reason: "broken"),
            "leaveBehind": .leaveBehind(cluster: "east-1", reason: nil),
        ], uniquingKeysWith: { $1 })

    private static let settings = AssignmentSettings(
        minHealthyTime: .seconds(30), progressDeadline: .minutes(15), selfRollback: true, whenDisconnected: .hold,
        drift: .report)
    static let assignments: [String: Assignment] = [
        "run": Assignment(
            cluster: "east-1", application: "shop", generation: 7, epoch: 3, rollout: "shop-2", goal: .run(two),
            fallback: one, settings: settings),
        "remove": Assignment(
            cluster: "east-1", application: "shop", generation: 8, epoch: 3, rollout: "shop-2", goal: .remove,
            settings: settings),
    ]

    static let reports: [String: ApplicationReport] = {
        func report(_ phase: AgentPhase, _ health: Health) -> ApplicationReport {
            ApplicationReport(
                application: "shop", generation: 7, digest: phase == .removed ? nil : two.digest, epoch: 3,
                phase: phase, health: health)
        }
        var reports: [String: ApplicationReport] = [:]
        for phase in AgentPhase.allCases { reports[phase.rawValue] = report(phase, .progressing) }
        reports["unknown"] = report(.healthy, .unknown)
        reports["full"] = ApplicationReport(
            application: "shop", generation: 7, digest: two.digest, epoch: 3, phase: .failed, health: .failed,
            reason: "CrashLoopBackOff", message: "web-1 restarts", proven: one.digest, driftCount: 2)
        return reports
    }()
}
